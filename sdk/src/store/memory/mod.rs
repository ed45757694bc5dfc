//! The model store: plain maps behind a lock, simple enough to be right by reading it.
//!
//! The other backends are compared with it. It keeps everything in memory and forgets it when dropped; a claim walks all
//! jobs, so it is for tests and small fleets, not for a million rows.

mod apply;
mod jobs;
mod prune;
mod read;
mod table;

use std::sync::{Mutex, MutexGuard};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::store::transfer::{Contents, check_fit, not_empty};
use crate::store::{
    Attempt, Batch, Change, ChangeQuery, Entry, Error, Event, EventQuery, Heads, Job, JobQuery, Kept, Outcome,
    Remembered, Result, Scan, Schedule, Seq, Stats, Store, rules,
};
pub(in crate::store) use table::Table;

/// The model store; see the [module](self).
///
/// ```
/// # use std::sync::Arc;
/// # use syscall_sdk::clock::Clock;
/// # use syscall_sdk::store::{Store, memory::Memory};
/// let store: Arc<dyn Store> = Arc::new(Memory::new(Clock::system()));
/// ```
#[derive(Debug)]
pub struct Memory {
    clock: Clock,
    state: Mutex<State>,
    heads: watch::Sender<Heads>,
}

/// Everything the store holds.
///
/// Whoever holds the rows that a batch may touch can let it be applied here: the store in PostgreSQL loads them, applies, and
/// writes back what changed, so that there is one set of rules.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct State {
    closed: bool,
    pub(in crate::store) marks: Marks,
    pub(in crate::store) entries: Table<(String, String), Entry>,
    pub(in crate::store) changes: Table<Seq, (String, Change)>,
    pub(in crate::store) events: Table<Seq, Event>,
    pub(in crate::store) event_ids: Table<String, ()>,
    pub(in crate::store) jobs: Table<String, Job>,
    /// How many jobs of a key run.
    pub(in crate::store) running: Table<String, u64>,
    /// What is kept of the rates of names, in microseconds.
    pub(in crate::store) rates: Table<String, i64>,
    pub(in crate::store) attempts: Table<(String, u32), Attempt>,
    pub(in crate::store) schedules: Table<String, Schedule>,
    pub(in crate::store) remembered: Table<(String, String), Remembered>,
}

/// The numbers that a batch moves and a refusal moves back.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::store) struct Marks {
    pub(in crate::store) heads: Heads,
    pub(in crate::store) event_floor: Seq,
    pub(in crate::store) change_floor: Seq,
    pub(in crate::store) kept: Kept,
}

impl Memory {
    /// An empty store that reads `clock` to tell what has expired.
    pub fn new(clock: Clock) -> Self {
        Memory {
            clock,
            state: Mutex::default(),
            heads: watch::Sender::new(Heads::default()),
        }
    }

    /// What it holds.
    pub fn dump(&self) -> Contents {
        Contents::of(&self.lock())
    }

    /// Puts contents into a store that holds nothing yet.
    ///
    /// # Errors
    /// [`Error::Unusable`] where it holds something, or the contents could be no store's.
    pub fn restore(&self, contents: &Contents) -> Result<()> {
        check_fit(contents)?;
        let mut state = self.lock();
        let held = Contents::of(&state);
        if !held.meta.is_new() || held.rows() > 0 {
            return Err(not_empty("the store in memory"));
        }
        *state = contents.state();
        self.heads.send_replace(state.marks.heads);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the lock")
    }

    fn read<'a, T: Send + 'a>(&self, read: impl FnOnce(&State) -> T) -> BoxFuture<'a, Result<T>> {
        let state = self.lock();
        ready(if state.closed {
            Err(Error::Closed)
        } else {
            Ok(read(&state))
        })
        .boxed()
    }
}

impl State {
    /// One that holds no rows and goes on from these numbers.
    pub(in crate::store) fn at(marks: Marks) -> Self {
        State {
            marks,
            ..State::default()
        }
    }

    fn next_seq(&mut self) -> Seq {
        self.marks.heads.seq += 1;
        self.marks.heads.seq
    }

    /// Applies a batch whole, or takes back what it did.
    pub(in crate::store) fn commit(&mut self, batch: &Batch) -> Result<Vec<Outcome>> {
        let marks = self.marks;
        let mut outcomes = Vec::with_capacity(batch.ops.len());
        for (op, what) in batch.ops.iter().enumerate() {
            match self.apply(what, batch.at) {
                Ok(outcome) => outcomes.push(outcome),
                Err(why) => {
                    self.marks = marks;
                    self.end_batch(false);
                    return Err(Error::Refused { op, why });
                }
            }
        }
        self.end_batch(true);
        rules::count_jobs(&mut self.marks.heads, &batch.ops, &outcomes);
        Ok(outcomes)
    }

    /// Keeps what was done since the last call, or takes it back.
    pub(in crate::store) fn end_batch(&mut self, keep: bool) {
        macro_rules! end {
            ($($table:ident),*) => {
                $(if keep { self.$table.commit() } else { self.$table.roll_back() })*
            };
        }
        end!(
            entries, changes, events, event_ids, jobs, running, rates, attempts, schedules, remembered
        );
    }
}

impl Store for Memory {
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Vec<Outcome>>> {
        // Done when polled, not before: a future that is dropped unpolled has written nothing.
        async move {
            let mut state = self.lock();
            if state.closed {
                return Err(Error::Closed);
            }
            let answer = state.commit(&rules::normalised(batch));
            let now = state.marks.heads;
            self.heads
                .send_if_modified(|heads| std::mem::replace(heads, now) != now);
            answer
        }
        .boxed()
    }

    fn get<'a>(&'a self, namespace: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>>> {
        let now = self.clock.now();
        self.read(|state| state.live(namespace, key, now).cloned())
    }

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<Entry>>> {
        let now = self.clock.now();
        self.read(|state| state.scan(&scan, now))
    }

    fn changes(&self, query: ChangeQuery) -> BoxFuture<'_, Result<Vec<Change>>> {
        self.read(|state| state.changes(&query))
    }

    fn events(&self, query: EventQuery) -> BoxFuture<'_, Result<Vec<Event>>> {
        self.read(|state| state.events(&query))
    }

    fn event<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Event>>> {
        self.read(|state| state.event(id))
    }

    fn job<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Job>>> {
        self.read(|state| state.jobs.get(id).cloned())
    }

    fn jobs(&self, query: JobQuery) -> BoxFuture<'_, Result<Vec<Job>>> {
        self.read(|state| state.jobs(&query))
    }

    fn unbegun(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Job>>> {
        self.read(|state| state.unbegun(limit))
    }

    fn attempts<'a>(&'a self, job: &'a str) -> BoxFuture<'a, Result<Vec<Attempt>>> {
        self.read(|state| state.attempts(job))
    }

    fn schedule<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Schedule>>> {
        self.read(|state| state.schedules.get(id).cloned())
    }

    fn schedules(&self) -> BoxFuture<'_, Result<Vec<Schedule>>> {
        self.read(State::schedules)
    }

    fn remembered<'a>(&'a self, scope: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Remembered>>> {
        let now = self.clock.now();
        self.read(|state| state.remembered(scope, key, now).cloned())
    }

    fn lives<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<bool>> {
        self.read(|_| false)
    }

    fn stats(&self) -> BoxFuture<'_, Result<Stats>> {
        let now = self.clock.now();
        self.read(|state| state.stats(now))
    }

    fn heads(&self) -> watch::Receiver<Heads> {
        self.heads.subscribe()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.lock().closed = true;
        ready(()).boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::conformance;

    #[tokio::test]
    async fn the_model_keeps_every_promise() {
        conformance::run(async |clock| Arc::new(Memory::new(clock)) as Arc<dyn Store>).await;
    }
}
