//! Whether the queue moves: who waits for the store with work in hand, and since when.
//!
//! The runner notes when it begins to ask for due work, and each attempt when it begins to write its outcome down; what is answered
//! is forgotten. So nothing is noted of a queue that is paused, that is empty, whose slots are all taken, or whose handlers run
//! long: none of those waits for the store. Whether anything is due cannot be asked of a store that does not answer, so a runner
//! that cannot ask counts as one with due work.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Jobs;

/// After so long without an answer the queue is stalled, and the service's health says so: six times the longest that a commit to
/// PostgreSQL may take, and longer than the failover of a managed database, so that nobody is called for what mends itself.
pub const STALLED_AFTER: Duration = Duration::from_secs(60);
/// After so long a single question that is neither answered nor refused hangs for good, and the process ends: five times
/// [`STALLED_AFTER`]. A disk that is moved to another machine is back by then, and a store that refuses answers at once.
pub const HUNG_AFTER: Duration = Duration::from_secs(300);
/// How often a question is looked at that may hang: a tenth of what is waited for anyway.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Who waits for the store. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    trying: BTreeMap<u64, Try>,
}

#[derive(Debug)]
struct Try {
    what: &'static str,
    since: Instant,
    /// When the question was put that is open now.
    asked: Option<Instant>,
    /// What the store said to the one before.
    refused: Option<String>,
}

/// A queue that does not move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stall {
    /// What does not come to its end.
    pub what: &'static str,
    /// For how long.
    pub lasts: Duration,
    /// What the store said last; absent where it says nothing.
    pub refused: Option<String>,
}

/// Notes that someone waits for the store, until it is dropped.
#[derive(Debug)]
pub(super) struct Trying {
    pulse: Pulse,
    ticket: u64,
}

impl Pulse {
    /// Someone begins to try something that needs the store.
    pub(super) fn tries(&self, what: &'static str) -> Trying {
        let mut waiting = self.lock();
        let ticket = waiting.next;
        waiting.next += 1;
        let begun = Try {
            what,
            since: Instant::now(),
            asked: None,
            refused: None,
        };
        waiting.trying.insert(ticket, begun);
        Trying {
            pulse: self.clone(),
            ticket,
        }
    }

    /// Since when the longest try goes on; nothing where nobody waits.
    pub fn waits(&self) -> Option<Stall> {
        let waiting = self.lock();
        let longest = waiting.trying.values().min_by_key(|tried| tried.since)?;
        Some(Stall {
            what: longest.what,
            lasts: longest.since.elapsed(),
            refused: longest.refused.clone(),
        })
    }

    /// The longest try, where it has gone on for too long.
    pub fn stalled(&self) -> Option<Stall> {
        self.waits().filter(|stall| stall.lasts >= STALLED_AFTER)
    }

    /// Waits until a question hangs for good, and says which. Cancel-safe.
    pub async fn hung(&self) -> Stall {
        loop {
            if let Some(stall) = self.hangs() {
                return stall;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn hangs(&self) -> Option<Stall> {
        let waiting = self.lock();
        let open = waiting
            .trying
            .values()
            .filter_map(|tried| Some((tried.what, tried.asked?.elapsed())));
        let (what, lasts) = open.max_by_key(|(_, lasts)| *lasts)?;
        (lasts >= HUNG_AFTER).then_some(Stall {
            what,
            lasts,
            refused: None,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Jobs {
    /// Whether the queue moves.
    pub fn pulse(&self) -> &Pulse {
        &self.pulse
    }
}

impl Stall {
    /// What is the matter, and what to do.
    pub fn sentence(&self) -> String {
        let (what, seconds) = (self.what, self.lasts.as_secs());
        match &self.refused {
            Some(why) => format!(
                "{what} has not come through for {seconds} s: the store says: {why}; mend that, and jobs go on by themselves"
            ),
            None => format!(
                "{what} has had no answer of the store for {seconds} s; look at its disk or its database; the process ends itself after {} s",
                HUNG_AFTER.as_secs()
            ),
        }
    }
}

impl Trying {
    /// A question is put to the store.
    pub(super) fn asks(&self) {
        self.with(|tried| tried.asked = Some(Instant::now()));
    }

    /// The store has answered, and not as was wanted.
    pub(super) fn refused(&self, why: &str) {
        self.with(|tried| {
            tried.asked = None;
            tried.refused = Some(why.to_owned());
        });
    }

    fn with(&self, change: impl FnOnce(&mut Try)) {
        if let Some(tried) = self.pulse.lock().trying.get_mut(&self.ticket) {
            change(tried);
        }
    }
}

impl Drop for Trying {
    fn drop(&mut self) {
        self.pulse.lock().trying.remove(&self.ticket);
    }
}

#[cfg(test)]
mod tests;
