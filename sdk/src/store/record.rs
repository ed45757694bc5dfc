//! What a store gives back.
//!
//! The rows are also the lines of a [dump](super::transfer), never of the wire: a field's name is part of that format.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Kept;
use super::transfer::field;
use crate::policy::Backoff;
use crate::wire::{CatchUp, JobStatus, Json, Overlap};

/// The store's sequence: 1 for the first write, strictly increasing in commit order, never repeated, not even after deletes.
pub type Seq = u64;

/// A key's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value.
    #[serde(with = "field::json")]
    pub value: Json,
    /// 1 for the first write of the key, +1 a write; starts again after a delete or expiry.
    pub version: u64,
    /// The sequence of the write; never repeats, so it serves as the `ETag`.
    pub revision: Seq,
    /// When it was written.
    pub updated_at: DateTime<Utc>,
    /// When it ceases to be.
    pub expires_at: Option<DateTime<Utc>>,
}

/// One committed change of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Its place in commit order.
    pub seq: Seq,
    /// The key.
    pub key: String,
    /// What was written; `None` is a delete or an expiry.
    pub entry: Option<Entry>,
    /// When.
    pub at: DateTime<Utc>,
}

/// One event of the service's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Its place in commit order.
    pub seq: Seq,
    /// Its name among all events.
    pub id: String,
    /// What happened: `user:created`.
    pub topic: String,
    /// The facts.
    #[serde(with = "field::json_or_none")]
    pub data: Option<Json>,
    /// When it was emitted.
    pub at: DateTime<Utc>,
    /// The `traceparent` of who emitted it.
    pub trace: Option<String>,
}

/// A job, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Its place in commit order.
    pub seq: Seq,
    /// Its name among all jobs.
    pub id: String,
    /// Which handler runs it.
    pub name: String,
    /// What the handler is given.
    #[serde(with = "field::json_or_none")]
    pub params: Option<Json>,
    /// Where it stands.
    pub status: JobStatus,
    /// Higher runs first, until lower ones have waited for long; 0 unless said.
    pub priority: i32,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Not before this.
    pub run_at: DateTime<Utc>,
    /// When its latest attempt began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended for good.
    pub completed_at: Option<DateTime<Utc>>,
    /// How often it was started; the fencing token of the running attempt.
    pub attempt: u32,
    /// How many attempts ended in failure; interruptions by a crash or a shutdown do not count.
    pub failures: u32,
    /// How many failures end it.
    pub max_attempts: u32,
    /// The wait between failures.
    #[serde(with = "field::backoff")]
    pub backoff: Backoff,
    /// The longest that one attempt may take.
    pub timeout: Option<Duration>,
    /// No attempt runs past this, and none begins; a job that was revived by hand has none any more.
    pub deadline: Option<DateTime<Utc>>,
    /// By when it has to have begun; one that has not is not begun any more.
    pub start_by: Option<DateTime<Utc>>,
    /// The longest that an attempt may be silent.
    pub heartbeat: Option<Duration>,
    /// While a job with this key lives, no second one is made but as the order's mode says.
    pub unique_key: Option<String>,
    /// With how many of a key it may run.
    #[serde(default)]
    pub concurrency: Option<Concurrency>,
    /// Its place among those that wait for that key, the lowest first; `Some` exactly while it is `pending` for its turn.
    #[serde(default)]
    pub turn: Option<DateTime<Utc>>,
    /// While a job with this key is kept, living or ended, no second one is made.
    pub throttle_key: Option<String>,
    /// The job that it was made anew of.
    pub redrive_of: Option<String>,
    /// The job that was made anew of it.
    pub redriven_as: Option<String>,
    /// Bytes of its ended attempts, as [retention](super::Kept) counts them. A dump does not say them: they follow from its attempts.
    #[serde(skip)]
    pub attempt_bytes: u64,
    /// The schedule that made it.
    pub schedule_id: Option<String>,
    /// What the handler last said of how far it is.
    #[serde(with = "field::json_or_none")]
    pub progress: Option<Json>,
    /// What it came to.
    #[serde(with = "field::json_or_none")]
    pub result: Option<Json>,
    /// The latest failure.
    pub error: Option<JobFailure>,
    /// The `traceparent` of who created it.
    pub trace: Option<String>,
    /// Which process incarnation runs it.
    pub owner: Option<String>,
    /// When the running handler noticed that it was cancelled.
    pub cancel_acknowledged_at: Option<DateTime<Utc>>,
}

/// A key that jobs share, of whatever names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concurrency {
    /// The key.
    pub key: String,
    /// A job with the key begins only where fewer than so many with it run, in all replicas; at least 1. Each job goes by its own.
    pub limit: u32,
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobFailure {
    /// One sentence.
    pub message: String,
    /// More, where there is more: a panic's place, a chain of causes.
    pub stack: Option<String>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptEnd {
    /// It gave a result.
    Completed,
    /// It failed.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// Its process died or handed it back; it will run again.
    Interrupted,
}

/// One ended attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// How.
    pub end: AttemptEnd,
    /// Why, where it failed.
    pub error: Option<JobFailure>,
    /// The trace in which it ran.
    pub trace: Option<String>,
}

/// A cron schedule and the job it makes at each tick.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Its place in commit order.
    pub seq: Seq,
    /// Its name among all schedules and jobs.
    pub id: String,
    /// The handler of the jobs it makes.
    pub name: String,
    /// What they are given.
    #[serde(with = "field::json_or_none")]
    pub params: Option<Json>,
    /// The cron expression.
    pub cron: String,
    /// The IANA time zone in which the expression is read.
    pub timezone: String,
    /// What becomes of missed ticks.
    pub catch_up: CatchUp,
    /// What a tick does while a job of an earlier one lives.
    pub overlap: Overlap,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// The next tick; `None` where there is none to come.
    pub next_run: Option<DateTime<Utc>>,
    /// The latest tick.
    pub last_run: Option<DateTime<Utc>>,
    /// When it was cancelled.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// Higher runs first.
    pub priority: i32,
    /// How many failures end a job of it.
    pub max_attempts: u32,
    /// The wait between failures.
    #[serde(with = "field::backoff")]
    pub backoff: Backoff,
    /// The longest that one attempt may take.
    pub timeout: Option<Duration>,
    /// The longest that a job of it may live, from its creation.
    pub max_elapsed: Option<Duration>,
    /// How long a job of it may wait to begin.
    pub start_within: Option<Duration>,
    /// The longest that an attempt may be silent.
    pub heartbeat: Option<Duration>,
}

/// What is remembered of a request that carried an `Idempotency-Key`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remembered {
    /// Hash of what was asked; another body under the same key is refused.
    pub fingerprint: String,
    /// What was answered; `None` while it runs.
    pub answer: Option<Answer>,
    /// Which process incarnation took it on.
    pub owner: String,
    /// Until when it is remembered.
    pub expires_at: DateTime<Utc>,
}

/// An answer as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The status code, as a number: the store does not know HTTP.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// How far commits have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    /// The last sequence committed.
    pub seq: Seq,
    /// The last event's.
    pub event: Seq,
    /// The last change of state's.
    pub change: Seq,
    /// Counts commits that may have made a job or a schedule ready.
    pub jobs: u64,
    /// Counts commits that changed what a reader sees of a job.
    pub job_updates: u64,
    /// Counts commits that changed what may begin when: schedules, and what a [wake](super::Op::Wake) of no job tells of.
    pub plans: u64,
}

/// Sizes and horizons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// The highest event sequence that retention has eaten; a cursor below it has a gap.
    pub event_floor: Seq,
    /// The same for changes of state.
    pub change_floor: Seq,
    /// Live keys in all namespaces.
    pub keys: u64,
    /// Events kept.
    pub events: u64,
    /// Jobs waiting or running.
    pub jobs_live: u64,
    /// Jobs that have ended and are kept.
    pub jobs_ended: u64,
    /// Bytes of what retention may drop.
    pub kept: Kept,
    /// Bytes on disk; 0 where there is no disk.
    pub bytes: u64,
    /// Whether the last commit that wrote found no room for it; reads go on.
    pub full: bool,
}
