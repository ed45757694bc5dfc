//! A store that fails when it is told to, for tests of what stands above.
//!
//! It wraps another store. Its knobs: lose the next commits before they reach the inner store, lose their answers after they
//! were applied (as a cut connection does), die after so many commits, fail reads, and hold commits at a gate, at once or after some more
//! of them. What it did is counted.

use std::mem;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::store::{
    Attempt, Batch, Change, ChangeQuery, Entry, Error, Event, EventQuery, Heads, Job, JobQuery, Op, Outcome,
    Remembered, Result, Scan, Schedule, Stats, Store,
};

#[cfg(test)]
mod tests;

/// A store that fails when it is told to; see the [module](self).
///
/// ```
/// # use std::sync::Arc;
/// # use syscall_sdk::clock::Clock;
/// # use syscall_sdk::store::{Batch, Error, Store, fault::{Fault, Failure}, memory::Memory};
/// # tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(async {
/// let store = Fault::new(Arc::new(Memory::new(Clock::system())));
/// store.lose_commits(1, Failure::Full);
/// let batch = || Batch::new(chrono::DateTime::UNIX_EPOCH);
/// assert!(matches!(store.commit(batch()).await, Err(Error::Full(_))));
/// assert!(store.commit(batch()).await.is_ok());
/// # });
/// ```
#[derive(Debug)]
pub struct Fault {
    inner: Arc<dyn Store>,
    knobs: Mutex<Knobs>,
    held: watch::Sender<bool>,
    counts: watch::Sender<Counts>,
}

/// What a fault looks like to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// [`Error::Full`].
    Full,
    /// [`Error::Busy`].
    Busy,
    /// [`Error::Poisoned`].
    Poisoned,
    /// [`Error::Backend`].
    Backend,
}

/// What a faulty store has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Commits that were asked for.
    pub commits: u64,
    /// Of those, the ones that wait at the gate now.
    pub waiting: u64,
    /// Commits that failed before they reached the inner store.
    pub lost: u64,
    /// Commits that were applied and then answered with a failure.
    pub unanswered: u64,
    /// Reads that were asked for.
    pub reads: u64,
    /// Reads that failed.
    pub failed_reads: u64,
}

#[derive(Debug, Default)]
struct Knobs {
    lose: Option<(u64, Failure)>,
    unanswer: Option<(u64, Failure)>,
    fail_reads: Option<(u64, Failure)>,
    dies_after: Option<u64>,
    hold_after: Option<u64>,
    unanswer_after: Option<(u64, Failure)>,
}

impl Knobs {
    /// Whether the store is dead by now; counts the commit that asks.
    fn is_dead(&mut self) -> bool {
        match &mut self.dies_after {
            None => false,
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
        }
    }
}

impl Fault {
    /// Wraps a store; until a knob is turned it behaves like it.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Fault {
            inner,
            knobs: Mutex::default(),
            held: watch::Sender::new(false),
            counts: watch::Sender::new(Counts::default()),
        }
    }

    /// The next commits fail before they reach the inner store: nothing of them happens.
    pub fn lose_commits(&self, commits: u64, failure: Failure) {
        self.turn(|knobs| knobs.lose = Some((commits, failure)));
    }

    /// The next commits are applied, and then their answer is lost: the caller sees a failure and cannot know.
    pub fn lose_answers(&self, commits: u64, failure: Failure) {
        self.turn(|knobs| knobs.unanswer = Some((commits, failure)));
    }

    /// So many more commits go through, and then none ever again: a process that dies at that boundary.
    pub fn die_after(&self, commits: u64) {
        self.turn(|knobs| knobs.dies_after = Some(commits));
    }

    /// The next reads fail.
    pub fn fail_reads(&self, reads: u64, failure: Failure) {
        self.turn(|knobs| knobs.fail_reads = Some((reads, failure)));
    }

    /// Holds commits at a gate from now on; they wait until [`release`](Self::release).
    pub fn hold(&self) {
        self.held.send_replace(true);
    }

    /// Lets so many more commits through and then holds those that follow, as [`hold`](Self::hold) does: the moment at which a
    /// process dies, to the commit.
    pub fn hold_after(&self, commits: u64) {
        self.turn(|knobs| knobs.hold_after = Some(commits));
    }

    /// Lets so many more commits pass and then applies the next without an answer, once. Claims are passed over: a job whose claim
    /// nobody heard of runs nowhere, and is taken up by the next life of the process alone.
    pub fn lose_answer_after(&self, commits: u64, failure: Failure) {
        self.turn(|knobs| knobs.unanswer_after = Some((commits, failure)));
    }

    /// Lets go of the commits that wait at the gate, and of all later ones.
    pub fn release(&self) {
        self.held.send_replace(false);
    }

    /// Waits until so many commits wait at the gate.
    pub async fn waiting(&self, commits: u64) {
        let mut counts = self.counts.subscribe();
        // The sender lives as long as `self`, so this ends only when the count is reached.
        let _ = counts.wait_for(|counts| counts.waiting >= commits).await;
    }

    /// What it has done so far.
    pub fn counts(&self) -> Counts {
        *self.counts.borrow()
    }

    fn turn<T>(&self, turn: impl FnOnce(&mut Knobs) -> T) -> T {
        turn(&mut self.knobs.lock().expect("nothing panics while it holds the lock"))
    }

    fn count(&self, count: impl FnOnce(&mut Counts)) {
        self.counts.send_modify(count);
    }

    async fn pass_gate(&self) {
        let mut held = self.held.subscribe();
        if !*held.borrow_and_update() {
            return;
        }
        let _waiting = Waiting::new(self);
        // The sender lives as long as `self`, so this ends only when the gate opens.
        let _ = held.wait_for(|held| !held).await;
    }

    fn read<'a, T>(&'a self, read: BoxFuture<'a, Result<T>>) -> BoxFuture<'a, Result<T>>
    where
        T: Send + 'a,
    {
        async move {
            self.count(|counts| counts.reads += 1);
            if let Some(failure) = self.turn(|knobs| next(&mut knobs.fail_reads)) {
                self.count(|counts| counts.failed_reads += 1);
                return Err(failure.error());
            }
            read.await
        }
        .boxed()
    }
}

/// Counts a commit at the gate for as long as it waits, also where its future is dropped.
struct Waiting<'a>(&'a Fault);

impl<'a> Waiting<'a> {
    fn new(fault: &'a Fault) -> Self {
        fault.count(|counts| counts.waiting += 1);
        Waiting(fault)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.count(|counts| counts.waiting -= 1);
    }
}

impl Failure {
    fn error(self) -> Error {
        match self {
            Failure::Full => Error::Full("a fault was asked for".to_owned()),
            Failure::Busy => Error::Busy,
            Failure::Poisoned => Error::Poisoned("a fault was asked for".to_owned()),
            Failure::Backend => Error::Backend {
                doing: "failing as it was told",
                source: "a fault was asked for".into(),
            },
        }
    }
}

impl Store for Fault {
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Vec<Outcome>>> {
        async move {
            self.count(|counts| counts.commits += 1);
            let claims = batch.ops.iter().any(|op| matches!(op, Op::Claim(_)));
            self.turn(|knobs| match &mut knobs.hold_after {
                Some(0) => {
                    knobs.hold_after = None;
                    self.hold();
                }
                Some(left) => *left -= 1,
                None => {}
            });
            self.pass_gate().await;
            if self.turn(|knobs| knobs.is_dead()) {
                self.count(|counts| counts.lost += 1);
                return Err(Failure::Poisoned.error());
            }
            if let Some(failure) = self.turn(|knobs| next(&mut knobs.lose)) {
                self.count(|counts| counts.lost += 1);
                return Err(failure.error());
            }
            let answer = self.inner.commit(batch).await;
            let lost = self.turn(|knobs| match &mut knobs.unanswer_after {
                Some(_) if claims => None,
                Some((0, failure)) => {
                    let failure = *failure;
                    knobs.unanswer_after = None;
                    Some(failure)
                }
                Some((left, _)) => {
                    *left -= 1;
                    next(&mut knobs.unanswer)
                }
                None => next(&mut knobs.unanswer),
            });
            if let Some(failure) = lost {
                self.count(|counts| counts.unanswered += 1);
                return Err(failure.error());
            }
            answer
        }
        .boxed()
    }

    fn get<'a>(&'a self, namespace: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>>> {
        self.read(self.inner.get(namespace, key))
    }

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<Entry>>> {
        self.read(self.inner.scan(scan))
    }

    fn changes(&self, query: ChangeQuery) -> BoxFuture<'_, Result<Vec<Change>>> {
        self.read(self.inner.changes(query))
    }

    fn events(&self, query: EventQuery) -> BoxFuture<'_, Result<Vec<Event>>> {
        self.read(self.inner.events(query))
    }

    fn event<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Event>>> {
        self.read(self.inner.event(id))
    }

    fn job<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Job>>> {
        self.read(self.inner.job(id))
    }

    fn jobs(&self, query: JobQuery) -> BoxFuture<'_, Result<Vec<Job>>> {
        self.read(self.inner.jobs(query))
    }

    fn unbegun(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Job>>> {
        self.read(self.inner.unbegun(limit))
    }

    fn attempts<'a>(&'a self, job: &'a str) -> BoxFuture<'a, Result<Vec<Attempt>>> {
        self.read(self.inner.attempts(job))
    }

    fn schedule<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Schedule>>> {
        self.read(self.inner.schedule(id))
    }

    fn schedules(&self) -> BoxFuture<'_, Result<Vec<Schedule>>> {
        self.read(self.inner.schedules())
    }

    fn remembered<'a>(&'a self, scope: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Remembered>>> {
        self.read(self.inner.remembered(scope, key))
    }

    fn lives<'a>(&'a self, owner: &'a str) -> BoxFuture<'a, Result<bool>> {
        self.read(self.inner.lives(owner))
    }

    fn stats(&self) -> BoxFuture<'_, Result<Stats>> {
        self.read(self.inner.stats())
    }

    fn heads(&self) -> watch::Receiver<Heads> {
        self.inner.heads()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
}

/// Takes one from a knob that was turned to a number.
fn next(knob: &mut Option<(u64, Failure)>) -> Option<Failure> {
    let (left, failure) = knob.as_mut()?;
    match left {
        0 => mem::take(knob).and(None),
        _ => {
            *left -= 1;
            Some(*failure)
        }
    }
}
