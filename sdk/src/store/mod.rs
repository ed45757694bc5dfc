//! The store port: typed reads and one write, [`Store::commit`], so that everything that must be atomic can be.
//!
//! A batch mixes state, events, jobs and what is remembered of idempotent requests; all of it happens or none of it. An
//! acknowledged commit is durable to the degree that the backend states. Backends: [`embedded`] (one SQLite file),
//! [`postgres`] (a schema a service, shared by its replicas) and [`memory`] (the model that the others are checked against). Wrappers that are stores themselves: [`prefix`], [`fault`].
//! What a store holds moves to another by [`transfer`].

mod batch;
mod columns;
#[cfg(any(test, feature = "testing"))]
pub mod conformance;
pub mod embedded;
mod error;
pub mod fault;
mod kept;
pub mod memory;
mod order;
pub mod postgres;
pub mod prefix;
mod query;
mod rate;
mod record;
mod redrive;
mod retention;
mod rules;
mod settle;
pub mod transfer;
mod transition;
mod turn;
mod unique;

#[cfg(test)]
mod property;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

pub use batch::{Batch, Condition, Delete, Emit, Op, Outcome, Put, Remember};
pub use error::{Error, Refusal, Result};
pub use kept::Kept;
pub use order::{Claim, Enqueue, NewSchedule, Want};
pub use query::{ChangeQuery, Direction, EventQuery, JobQuery, Scan};
pub use record::{
    Answer, Attempt, AttemptEnd, Change, Concurrency, Entry, Event, Heads, Job, JobFailure, Remembered, Schedule, Seq,
    Stats,
};
pub use redrive::Redrive;
pub use retention::Retention;
pub use settle::{Settle, Verdict};
pub use transition::NOT_BEGUN;

/// A durable store of one service.
///
/// Reads see every commit acknowledged before they began. No method blocks the caller's thread. All futures are cancel-safe
/// in this sense: dropping one never tears a batch, but the batch of a dropped `commit` may still be applied.
pub trait Store: Send + Sync + std::fmt::Debug + 'static {
    /// Applies a batch, whole or not at all, and answers one outcome an op, in order. Acknowledged means durable.
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Vec<Outcome>>>;

    /// The entry of a key; an expired one is absent.
    fn get<'a>(&'a self, namespace: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>>>;

    /// Entries in byte order of their keys, without expired ones.
    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<Entry>>>;

    /// Committed changes of a namespace in commit order.
    fn changes(&self, query: ChangeQuery) -> BoxFuture<'_, Result<Vec<Change>>>;

    /// Events in commit order, or newest first.
    fn events(&self, query: EventQuery) -> BoxFuture<'_, Result<Vec<Event>>>;

    /// An event by its id.
    fn event<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Event>>>;

    /// A job by its id.
    fn job<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Job>>>;

    /// Jobs, newest first.
    fn jobs(&self, query: JobQuery) -> BoxFuture<'_, Result<Vec<Job>>>;

    /// Jobs that have to begin by a moment and have not begun, those first whose moment comes first.
    fn unbegun(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Job>>>;

    /// The ended attempts of a job, oldest first.
    fn attempts<'a>(&'a self, job: &'a str) -> BoxFuture<'a, Result<Vec<Attempt>>>;

    /// A schedule by its id.
    fn schedule<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Schedule>>>;

    /// Every schedule that has not ended, by creation.
    fn schedules(&self) -> BoxFuture<'_, Result<Vec<Schedule>>>;

    /// What is remembered of an idempotent request, unless it has expired.
    fn remembered<'a>(&'a self, scope: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Remembered>>>;

    /// Whether another process incarnation that wrote here may still be at work. A store that one process has to itself says no.
    fn lives<'a>(&'a self, owner: &'a str) -> BoxFuture<'a, Result<bool>>;

    /// Sizes and horizons.
    fn stats(&self) -> BoxFuture<'_, Result<Stats>>;

    /// How far commits have come; it changes after each commit that a reader could see. The channel closes when the store
    /// takes no more writes: it was closed, or a failed sync has poisoned it.
    fn heads(&self) -> watch::Receiver<Heads>;

    /// Finishes what was accepted, then closes. Later calls answer [`Error::Closed`]. Idempotent.
    fn close(&self) -> BoxFuture<'_, ()>;
}
