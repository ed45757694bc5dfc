use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Verdict;
use super::breaker::{Breaker, State};
use super::cost::Cost;
use crate::resolve::Endpoint;
use crate::wire::PeerState;

/// Calls at once to one replica: what two cores answer in well under a second; more only waits there.
pub(crate) const IN_FLIGHT_PER_REPLICA: usize = 256;
/// What a failed answer counts as, at least: a replica that fails fast must not look fast (linkerd's load biaser). Far less than linkerd's
/// 5 s, which would keep a replica out for a minute for one failure: what fails again and again is the breaker's.
const FAILURE_COST: Duration = Duration::from_millis(200);
/// Longest that a replica's own "later" counts as.
const THROTTLED_MAX: Duration = Duration::from_secs(300);
/// How long a replica that joins others is favoured less: its caches are cold, and everybody sees it at once.
const SLOW_START: Duration = Duration::from_secs(10);
/// The share of traffic that it begins with (Envoy's default minimum).
const SLOW_START_MIN: f64 = 0.1;
/// How much dearer a replica is that has not answered yet and is being asked: let the first call come back before the next goes.
const UNKNOWN_BUSY: f64 = 10.0;

/// One address of a peer, and how it does.
#[derive(Debug)]
pub(super) struct Replica {
    pub(super) endpoint: Endpoint,
    /// When it joined others; `None` where it was there from the start.
    joined: Option<Instant>,
    in_flight: AtomicUsize,
    health: Mutex<Health>,
}

#[derive(Debug)]
struct Health {
    cost: Cost,
    breaker: Breaker,
    answers: u64,
    failures: u64,
}

/// How a replica does, for who looks at it.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) endpoint: Endpoint,
    pub(crate) state: PeerState,
    pub(crate) opens_in: Option<Duration>,
    pub(crate) in_flight: usize,
    pub(crate) cost: Option<f64>,
    pub(crate) answers: u64,
    pub(crate) failures: u64,
}

impl Replica {
    pub(super) fn new(endpoint: Endpoint, joined: Option<Instant>, now: Instant) -> Self {
        Replica {
            endpoint,
            joined,
            in_flight: AtomicUsize::new(0),
            health: Mutex::new(Health {
                cost: Cost::default(),
                breaker: Breaker::new(now),
                answers: 0,
                failures: 0,
            }),
        }
    }

    /// Takes a place, where there is one.
    pub(super) fn enter(&self) -> bool {
        let entered = self.in_flight.fetch_add(1, Ordering::Relaxed) < IN_FLIGHT_PER_REPLICA;
        if !entered {
            self.leave();
        }
        entered
    }

    /// Gives the place back.
    pub(super) fn leave(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn is_full(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) >= IN_FLIGHT_PER_REPLICA
    }

    /// What one more call here costs, to compare: how long answers take, times how many wait for one. `typical` stands in for a replica
    /// that has not answered yet.
    pub(super) fn load(&self, typical: f64, now: Instant) -> f64 {
        let waiting = self.in_flight.load(Ordering::Relaxed);
        let cost = match self.health().cost.now(now) {
            Some(cost) => cost,
            None if waiting > 0 => typical * UNKNOWN_BUSY,
            None => typical,
        };
        cost * (waiting + 1) as f64 / self.warmth(now)
    }

    /// The share of its traffic that it is given so far.
    fn warmth(&self, now: Instant) -> f64 {
        self.joined.map_or(1.0, |joined| {
            let passed = now.saturating_duration_since(joined).as_secs_f64() / SLOW_START.as_secs_f64();
            passed.clamp(SLOW_START_MIN, 1.0)
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.health().breaker.state() == State::Closed
    }

    /// For how long a probe has been due.
    pub(super) fn due(&self, now: Instant) -> Option<Duration> {
        self.health().breaker.due(now)
    }

    pub(super) fn probe(&self, now: Instant) -> bool {
        self.health().breaker.probe(now)
    }

    pub(super) fn give_back_probe(&self, now: Instant) {
        self.health().breaker.give_back(now);
    }

    pub(super) fn trip(&self, random: f64, now: Instant) {
        self.health().breaker.trip(random, now);
    }

    /// Learns how a call went. Gives whether its breaker is another now.
    pub(super) fn learn(&self, verdict: Verdict, begun: Instant, probe: bool, random: f64, now: Instant) -> bool {
        let took = now.saturating_duration_since(begun);
        let mut health = self.health();
        let before = health.breaker.state() == State::Closed;
        health.answers += 1;
        let felt = match verdict {
            Verdict::Success | Verdict::Unreachable => took,
            Verdict::Failure => took.max(FAILURE_COST),
            Verdict::Throttled(wait) => took.max(wait.min(THROTTLED_MAX)),
        };
        health.failures += u64::from(verdict != Verdict::Success);
        if health.breaker.learn(verdict, probe, begun, random, now) {
            // It is well again: what its illness cost says nothing any more.
            health.cost = Cost::default();
        }
        // A connection that was not taken says how fast it was refused, which nobody feels.
        if verdict != Verdict::Unreachable {
            health.cost.observe(felt, now);
        }
        before != (health.breaker.state() == State::Closed)
    }

    pub(super) fn look(&self, now: Instant) -> Look {
        let health = self.health();
        let (state, opens_in) = match health.breaker.state() {
            State::Closed if self.warmth(now) < 1.0 => (PeerState::Warming, None),
            State::Closed => (PeerState::Closed, None),
            State::Open(until, _) => (PeerState::Open, Some(until.saturating_duration_since(now))),
            State::Probing(_) => (PeerState::Probing, None),
        };
        Look {
            endpoint: self.endpoint.clone(),
            state,
            opens_in,
            in_flight: self.in_flight.load(Ordering::Relaxed),
            cost: health.cost.now(now),
            answers: health.answers,
            failures: health.failures,
        }
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
