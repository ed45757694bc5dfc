use std::time::Duration;

use tokio::time::Instant;

use super::Verdict;
use super::window::Window;

/// Failures in a row that open it (Finagle's and Envoy's number).
const CONSECUTIVE: u32 = 5;
/// Fewer successes than this share open it too, where half of everything fails and never five in a row (linkerd, Finagle).
const SUCCESS_SHARE: f64 = 0.8;
/// Answers in the window below which a share says nothing: of five, two failures would be one too many.
const SAMPLES_MIN: u32 = 20;
/// First time that it stays open (linkerd).
const OPEN_FIRST: Duration = Duration::from_secs(1);
/// Longest that it stays open (linkerd).
const OPEN_MAX: Duration = Duration::from_secs(60);

/// Whether a replica is called: closed it is; open it is not; then one call finds out. The numbers count how often it opened in a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum State {
    Closed,
    /// Until then.
    Open(Instant, u32),
    /// One call is on its way to find out.
    Probing(u32),
}

/// Failure accrual of one replica.
#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
    in_a_row: u32,
    /// When it last opened.
    opened: Instant,
    /// Successes and failures.
    window: Window,
}

impl Breaker {
    pub(super) fn new(now: Instant) -> Self {
        Breaker {
            state: State::Closed,
            in_a_row: 0,
            opened: now,
            window: Window::new(now),
        }
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    /// Learns how a call went that began at `begun`, the probe's or another's. Gives whether it closed. `random` in `0.0..1.0`.
    pub(super) fn learn(&mut self, verdict: Verdict, probe: bool, begun: Instant, random: f64, now: Instant) -> bool {
        let good = verdict == Verdict::Success;
        self.window.add(u32::from(good), u32::from(!good), now);
        match (self.state, verdict) {
            // The probe, or a call that was made in panic: it works.
            (State::Open(..) | State::Probing(_), Verdict::Success) if probe || begun >= self.opened => {
                *self = Breaker::new(now);
                return true;
            }
            (State::Probing(times), _) if probe => self.open(times + 1, random, now),
            // The end of what was sent before it opened says nothing new.
            (State::Open(..) | State::Probing(_), _) => {}
            (State::Closed, Verdict::Success) => self.in_a_row = 0,
            // A refused connection needs no second opinion (Finagle's fail fast).
            (State::Closed, Verdict::Unreachable) => self.open(1, random, now),
            (State::Closed, Verdict::Failure | Verdict::Throttled(_)) => {
                // Who says "later" works; only the share may say that it says nothing else.
                self.in_a_row += u32::from(verdict == Verdict::Failure);
                if self.in_a_row >= CONSECUTIVE || self.too_few(now) {
                    self.open(1, random, now);
                }
            }
        }
        false
    }

    /// Opens it whatever was counted: the address is another service's, or its process is about to end.
    pub(super) fn trip(&mut self, random: f64, now: Instant) {
        if self.state == State::Closed {
            self.open(1, random, now);
        }
    }

    /// Whether a probe is due, and for how long it has been.
    pub(super) fn due(&self, now: Instant) -> Option<Duration> {
        match self.state {
            State::Open(until, _) => now.checked_duration_since(until),
            State::Closed | State::Probing(_) => None,
        }
    }

    /// Takes the probe, where one is due.
    pub(super) fn probe(&mut self, now: Instant) -> bool {
        match self.state {
            State::Open(until, times) if now >= until => {
                self.state = State::Probing(times);
                true
            }
            _ => false,
        }
    }

    /// The probe ended without a verdict; the next call may be one.
    pub(super) fn give_back(&mut self, now: Instant) {
        if let State::Probing(times) = self.state {
            self.state = State::Open(now, times);
        }
    }

    fn open(&mut self, times: u32, random: f64, now: Instant) {
        let ceiling = OPEN_FIRST
            .saturating_mul(1 << times.saturating_sub(1).min(10))
            .min(OPEN_MAX);
        // Equal jitter: callers that saw the same failure do not probe together.
        self.state = State::Open(now + ceiling.mul_f64(0.5 + random / 2.0), times);
        self.opened = now;
        self.in_a_row = 0;
    }

    fn too_few(&mut self, now: Instant) -> bool {
        let (good, bad) = self.window.counts(now);
        let all = good + bad;
        all >= SAMPLES_MIN && f64::from(good) < f64::from(all) * SUCCESS_SHARE
    }
}
