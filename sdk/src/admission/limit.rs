//! The law by which the limit moves: down by half where most requests are late, up by a quarter where they are not. It knows what it is
//! told alone, so that a simulation can tell it anything.

use std::time::Duration;

use tokio::time::Instant;

use super::FLOOR;
use crate::policy::IN_FLIGHT_MAX;

/// Least time between two judgements: long enough for some tens of requests of a busy service, short enough to act before callers give up.
const WINDOW: Duration = Duration::from_millis(100);
/// Fewest requests that a judgement is made from; Netflix' limiters ask for ten.
const VOTES_MIN: u32 = 16;
/// Without a late majority for so long, and with little in flight, the limit is what it was at the start: what happened then says nothing
/// of now.
const REST: Duration = Duration::from_secs(10);

/// What one request tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vote {
    /// It took what it should.
    InTime,
    /// It must have waited.
    Late,
    /// Nobody knows what it should take.
    Unknown,
}

/// The limit and the window from which it is judged next.
#[derive(Debug)]
pub(super) struct Limit {
    now: usize,
    /// Requests that began before it changed say nothing of what it is now.
    changed: Option<Instant>,
    late_at: Option<Instant>,
    window: Window,
}

#[derive(Debug, Default)]
struct Window {
    begun: Option<Instant>,
    votes: u32,
    late: u32,
    unknown: u32,
    peak: usize,
    refused: bool,
}

impl Limit {
    /// The fixed ceiling: nobody is limited before a queue was seen.
    pub(super) fn new() -> Self {
        Limit {
            now: IN_FLIGHT_MAX,
            changed: None,
            late_at: None,
            window: Window::default(),
        }
    }

    pub(super) fn get(&self) -> usize {
        self.now
    }

    /// A request was turned away.
    pub(super) fn refused(&mut self) {
        self.window.refused = true;
    }

    /// A request ended that was the `in_flight`th when it began.
    pub(super) fn vote(&mut self, vote: Vote, in_flight: usize, begun: Instant, now: Instant) {
        let window = &mut self.window;
        let since = *window.begun.get_or_insert(now);
        window.peak = window.peak.max(in_flight);
        match vote {
            Vote::Unknown => window.unknown += 1,
            _ if self.changed.is_some_and(|changed| begun < changed) => {}
            Vote::InTime => window.votes += 1,
            Vote::Late => {
                window.votes += 1;
                window.late += 1;
            }
        }
        if now - since >= WINDOW {
            self.judge(now);
        }
    }

    /// Little is in flight: what was learnt of a bad hour is forgotten when it is over.
    pub(super) fn rest(&mut self, now: Instant) {
        if self.late_at.is_none_or(|late| now - late >= REST) {
            self.change(IN_FLIGHT_MAX, now);
        }
    }

    fn judge(&mut self, now: Instant) {
        let Window {
            votes,
            late,
            unknown,
            peak,
            refused,
            ..
        } = self.window;
        if votes >= VOTES_MIN {
            if late * 2 <= votes {
                self.change((self.now + self.now / 4).min(IN_FLIGHT_MAX), now);
            } else {
                self.late_at = Some(now);
                // With so few in flight it is no queue of ours: what is asked became slower.
                if peak > FLOOR {
                    self.change((self.now.min(peak) / 2).max(FLOOR), now);
                }
            }
        } else if unknown >= VOTES_MIN && refused {
            // Requests are turned away and nobody knows what one takes: at the floor it is learnt, and no one is turned away to learn it
            // who would have been let in.
            self.late_at = Some(now);
            self.change(FLOOR, now);
        } else if votes + unknown < VOTES_MIN {
            return;
        }
        self.window = Window {
            begun: Some(now),
            ..Window::default()
        };
    }

    fn change(&mut self, limit: usize, now: Instant) {
        if limit != self.now {
            self.now = limit;
            self.changed = Some(now);
        }
    }
}
