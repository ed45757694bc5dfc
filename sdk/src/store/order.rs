//! What a store is told of jobs: to make one, to give some out, to make one whenever a schedule ticks.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::contract::DEFAULT_ATTEMPTS;
use crate::policy::{Backoff, Rate};
use crate::store::{Concurrency, Job};
use crate::wire::{CatchUp, Json, Overlap, UniqueMode};

/// See [`Op::Enqueue`](crate::store::Op::Enqueue).
#[derive(Clone, Debug)]
pub struct Enqueue {
    /// Its name among all jobs.
    pub id: String,
    /// Which handler runs it.
    pub name: String,
    /// What the handler is given.
    pub params: Option<Json>,
    /// Higher runs first.
    pub priority: i32,
    /// Not before this; `None` is at once.
    pub run_at: Option<DateTime<Utc>>,
    /// How many failures end it.
    pub max_attempts: u32,
    /// The wait between failures.
    pub backoff: Backoff,
    /// The longest that one attempt may take.
    pub timeout: Option<Duration>,
    /// The longest that it may live, from its creation.
    pub max_elapsed: Option<Duration>,
    /// How long it may wait to begin, from the moment at which it may.
    pub start_within: Option<Duration>,
    /// The longest that an attempt may be silent.
    pub heartbeat: Option<Duration>,
    /// While a job with this key lives, no second one is made but as the mode says.
    pub unique_key: Option<String>,
    /// With how many of a key it may run.
    pub concurrency: Option<Concurrency>,
    /// What becomes of this order while a job with its unique key lives.
    pub unique_mode: UniqueMode,
    /// Where any job that is kept bears this key, living or ended, it is the answer.
    pub throttle_key: Option<String>,
    /// The schedule that makes it.
    pub schedule_id: Option<String>,
    /// The `traceparent` of who creates it.
    pub trace: Option<String>,
}

impl Enqueue {
    /// An order that says no more than it must: at once, of no weight beside others, with the failures and waits that hold unless said.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Enqueue {
            id: id.into(),
            name: name.into(),
            params: None,
            priority: 0,
            run_at: None,
            max_attempts: DEFAULT_ATTEMPTS,
            backoff: Backoff::default(),
            timeout: None,
            max_elapsed: None,
            start_within: None,
            heartbeat: None,
            unique_key: None,
            concurrency: None,
            unique_mode: UniqueMode::Ignore,
            throttle_key: None,
            schedule_id: None,
            trace: None,
        }
    }

    /// When its time is over, where it is created at `at`.
    pub fn deadline(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        at.checked_add_signed(TimeDelta::from_std(self.max_elapsed?).ok()?)
    }

    /// By when it has to have begun, where it is created at `at`.
    pub fn start_by(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let from = self.run_at.unwrap_or(at);
        from.checked_add_signed(TimeDelta::from_std(self.start_within?).ok()?)
    }
}

/// See [`Op::Claim`](crate::store::Op::Claim).
#[derive(Clone, Debug)]
pub struct Claim {
    /// Which process incarnation takes them.
    pub owner: String,
    /// How many of each name it has room for.
    pub wants: Vec<Want>,
    /// How many in all.
    pub limit: usize,
    /// May be answered before it is durable, where every job that it takes was made ready by a commit that is, and counts towards no key
    /// and no rate. For who runs
    /// the jobs in the process of the store: what a crash takes back is a start of which nothing was written down, so the job is
    /// ready again, which at-least-once allows. Who runs them elsewhere waits for the sync.
    pub early: bool,
}

impl Claim {
    /// Whether a job that it takes counts towards a key or a rate, so that others may start only as long as it is known to have.
    pub(super) fn bounds(&self, job: &Job) -> bool {
        let rated = |want: &Want| want.rate.is_some() && want.name == job.name;
        job.concurrency.is_some() || self.wants.iter().any(rated)
    }
}

/// Room for jobs of one name.
#[derive(Clone, Debug)]
pub struct Want {
    /// The name.
    pub name: String,
    /// How many.
    pub slots: usize,
    /// How often they may start, by what the store keeps of the name; of a name that is wanted twice the first that is said holds.
    pub rate: Option<Rate>,
}

/// See [`Op::Schedule`](crate::store::Op::Schedule).
#[derive(Clone, Debug)]
pub struct NewSchedule {
    /// Its name among all schedules and jobs.
    pub id: String,
    /// The handler of the jobs it makes.
    pub name: String,
    /// What they are given.
    pub params: Option<Json>,
    /// The cron expression, checked by the caller.
    pub cron: String,
    /// The IANA time zone, checked by the caller.
    pub timezone: String,
    /// What becomes of missed ticks.
    pub catch_up: CatchUp,
    /// What a tick does while a job of an earlier one lives.
    pub overlap: Overlap,
    /// The first tick.
    pub next_run: Option<DateTime<Utc>>,
    /// Higher runs first.
    pub priority: i32,
    /// How many failures end a job of it.
    pub max_attempts: u32,
    /// The wait between failures.
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
