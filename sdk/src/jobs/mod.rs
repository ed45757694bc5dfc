//! Durable jobs: created, listed, cancelled, revived, scheduled; run at least once by the [`Runner`].

mod checked;
mod cron;
mod ended;
mod heartbeat;
mod keys;
mod owned;
mod pause;
mod plan;
mod pulse;
mod redrive;
mod retry;
mod runner;
mod shape;
mod ticks;
mod unbegun;
mod unique;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use cron::Cadence;
pub use owned::{CONTINUED_AS, End, NAMESPACE as RUNS, OWNED_BY, end_key, owner, place_in_chain};
pub use pause::{Paused, Pauses};
pub use pulse::{HUNG_AFTER, Pulse, STALLED_AFTER, Stall};
pub use redrive::{Dead, Retried};
pub use runner::{CONCURRENCY, Finished, JobHandler, Run, Runner, RunnerOptions};
pub use shape::{schedule_as_job, to_wire};

use self::checked::{Checked, DELAY_MAX, bounded};
use self::unique::Keys;
use crate::clock::Clock;
use crate::contract::DEFAULT_ATTEMPTS;
use crate::error::{Error, Result};
use crate::name::TaskName;
use crate::policy::{Backoff, Rate};
use crate::store::{Attempt, Batch, Enqueue, Job, JobQuery, NewSchedule, Op, Outcome, Schedule, Store};
use crate::telemetry;
use crate::wire::{CreateJob, JobStatus};

/// What stands before the name of a workflow in the name of the job that a run of it is. No job of a service may begin so.
pub const FLOW_PREFIX: &str = "flow:";

/// The jobs of one service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Jobs {
    store: Arc<dyn Store>,
    clock: Clock,
    known: Arc<BTreeMap<String, TaskDefaults>>,
    running: Arc<Running>,
    bells: Arc<owned::Bells>,
    alarm: Arc<unbegun::Alarm>,
    pulse: Pulse,
}

/// What a job's contract says where its creator does not.
#[derive(Clone, Copy, Debug)]
pub struct TaskDefaults {
    /// How many failures end it.
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
    /// How many run at once in one process.
    pub concurrency: usize,
    /// How often attempts of it start, in all replicas together.
    pub rate: Option<Rate>,
}

/// A created job or schedule.
#[derive(Clone, Debug)]
pub enum Created {
    /// A job; `true` where it lived already under the same unique key.
    Job(Box<Job>, bool),
    /// A schedule.
    Schedule(Box<Schedule>),
}

/// The tokens of what runs in this process, by job id.
#[derive(Debug, Default)]
pub(crate) struct Running(Mutex<BTreeMap<String, CancellationToken>>);

impl Running {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Jobs {
    /// The jobs of a store, for which there are handlers by these names.
    pub fn new(store: Arc<dyn Store>, clock: Clock, known: BTreeMap<String, TaskDefaults>) -> Self {
        Jobs {
            store,
            clock,
            known: Arc::new(known),
            running: Arc::default(),
            bells: Arc::default(),
            alarm: Arc::default(),
            pulse: Pulse::default(),
        }
    }

    /// Creates a job or a schedule; it is durable when this returns.
    ///
    /// # Errors
    /// `JOB_UNKNOWN` where no handler has the name, `INVALID_SCHEDULE`, or `INVALID_ARGUMENT` with the field that is wrong.
    pub async fn create(&self, create: CreateJob) -> Result<Created> {
        let op = self.create_op(create)?;
        match self
            .store
            .commit(Batch {
                at: self.clock.now(),
                ops: vec![op],
            })
            .await?
            .pop()
        {
            Some(Outcome::Job(job)) => Ok(Created::Job(job, false)),
            Some(Outcome::Duplicate(job) | Outcome::Changed(job)) => Ok(Created::Job(job, true)),
            Some(Outcome::Schedule(schedule)) => Ok(Created::Schedule(schedule)),
            other => Err(Error::internal(format!("creating a job came to {other:?}"))),
        }
    }

    /// The operation that creates a job or a schedule, for a batch.
    ///
    /// # Errors
    /// As [`Jobs::create`].
    pub fn create_op(&self, create: CreateJob) -> Result<Op> {
        TaskName::new(&create.name)?;
        if let Some(flow) = create.name.strip_prefix(FLOW_PREFIX) {
            return Err(Error::invalid(format!(
                "{flow:?} is a workflow and no job; start it with POST /v1/sys/workflow"
            )));
        }
        let defaults = self.known.get(&create.name).ok_or_else(|| self.unknown(&create.name))?;
        let checked = Checked::new(&create, defaults)?;
        let concurrency = keys::concurrency(&create)?;
        let keys = Keys::read(&create, self.clock.now())?;
        let id = Uuid::now_v7().to_string();
        if let Some(expression) = create.schedule {
            let keyed = concurrency.is_some() || keys != Keys::default();
            if create.run_at.is_some() || create.delay.is_some() || keyed {
                return Err(Error::invalid(
                    "a schedule takes no runAt, delay, unique key or concurrencyKey: its ticks say when, each makes its own job, and \
                     overlap says whether they run side by side",
                ));
            }
            let timezone = create.timezone.unwrap_or_else(|| "UTC".to_owned());
            let next_run = Cadence::parse(&expression, &timezone)?.after(self.clock.now());
            if next_run.is_none() {
                return Err(
                    Error::invalid(format!("the schedule {expression:?} names a moment that never comes"))
                        .with_code("INVALID_SCHEDULE"),
                );
            }
            return Ok(Op::Schedule(Box::new(NewSchedule {
                id,
                name: create.name,
                params: create.params,
                cron: expression,
                timezone,
                catch_up: create.catch_up.unwrap_or_default(),
                overlap: create.overlap.unwrap_or_default(),
                next_run,
                priority: checked.priority,
                max_attempts: checked.max_attempts,
                backoff: checked.backoff,
                timeout: checked.timeout,
                max_elapsed: checked.max_elapsed,
                start_within: checked.start_within,
                heartbeat: checked.heartbeat,
            })));
        }
        if create.timezone.is_some() || create.catch_up.is_some() || create.overlap.is_some() {
            return Err(Error::invalid(
                "timezone, catchUp and overlap belong to a schedule; give a runAt with its own offset instead",
            ));
        }
        let run_at = match (create.run_at, create.delay) {
            (Some(_), Some(_)) => return Err(Error::invalid("give runAt or delay, not both")),
            (Some(at), None) => Some(at.0),
            (None, Some(delay)) => Some(self.clock.now() + bounded("delay", delay, DELAY_MAX)?),
            (None, None) => None,
        };
        if let (Some(run_at), Some(most)) = (run_at, checked.max_elapsed)
            && run_at >= self.clock.now() + most
        {
            return Err(Error::invalid(
                "the job would begin when its maxElapsed, which counts from its creation, is over",
            ));
        }
        let order = Enqueue {
            id,
            name: create.name,
            params: create.params,
            priority: checked.priority,
            run_at,
            max_attempts: checked.max_attempts,
            backoff: checked.backoff,
            timeout: checked.timeout,
            max_elapsed: checked.max_elapsed,
            start_within: checked.start_within,
            heartbeat: checked.heartbeat,
            unique_key: keys.unique,
            concurrency,
            unique_mode: keys.mode,
            throttle_key: keys.throttle,
            schedule_id: None,
            trace: telemetry::current_trace().map(|trace| trace.to_string()),
        };
        self.mind(&order, self.clock.now());
        Ok(Op::Enqueue(Box::new(order)))
    }

    /// A job.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn get(&self, id: &str) -> Result<Option<Job>> {
        Ok(self.store.job(id).await?)
    }

    /// The ended attempts of a job.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn attempts(&self, id: &str) -> Result<Vec<Attempt>> {
        Ok(self.store.attempts(id).await?)
    }

    /// Jobs, newest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn list(&self, query: JobQuery) -> Result<Vec<Job>> {
        Ok(self.store.jobs(query).await?)
    }

    /// A schedule.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn schedule(&self, id: &str) -> Result<Option<Schedule>> {
        Ok(self.store.schedule(id).await?)
    }

    /// Every live schedule.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn schedules(&self) -> Result<Vec<Schedule>> {
        Ok(self.store.schedules().await?)
    }

    /// Cancels a job or a schedule at once. A handler that runs it here is told, and what it may still say is refused.
    ///
    /// # Errors
    /// `JOB_NOT_FOUND`, or `JOB_STATUS` where it has ended already.
    pub async fn cancel(&self, id: &str) -> Result<Created> {
        let end = End::new(JobStatus::Cancelled, None, None);
        let ops = std::iter::once(Op::Cancel { id: id.to_owned() }).chain(self.tell(id, &end).await?);
        let batch = Batch {
            at: self.clock.now(),
            ops: ops.collect(),
        };
        match self.store.commit(batch).await?.into_iter().next() {
            Some(Outcome::Job(job)) => {
                self.cancel_here(id);
                self.ring(id);
                Ok(Created::Job(job, false))
            }
            Some(Outcome::Schedule(schedule)) => Ok(Created::Schedule(schedule)),
            other => Err(Error::internal(format!("cancelling a job came to {other:?}"))),
        }
    }

    /// Tells the handler that runs a job here, if one does, that the job is cancelled.
    pub fn cancel_here(&self, id: &str) {
        if let Some(token) = self.running.lock().get(id) {
            token.cancel();
        }
    }

    /// What the contract of a job says.
    ///
    /// # Errors
    /// `JOB_UNKNOWN` where no handler has the name.
    pub fn defaults(&self, name: &str) -> Result<TaskDefaults> {
        self.known.get(name).copied().ok_or_else(|| self.unknown(name))
    }

    /// The names for which there is a handler.
    pub fn names(&self) -> BTreeSet<&str> {
        self.known.keys().map(String::as_str).collect()
    }

    fn unknown(&self, name: &str) -> Error {
        let known = self.known.keys().map(String::as_str);
        let known: Vec<_> = known.filter(|name| !name.starts_with(FLOW_PREFIX)).collect();
        let known = if known.is_empty() {
            "it runs none".to_owned()
        } else {
            format!("it runs {}", known.join(", "))
        };
        Error::not_found(format!("this service has no handler for job {name:?}; {known}"))
            .with_code("JOB_UNKNOWN")
            .with_details(serde_json::json!({ "name": name }))
    }
}

/// `JOB_NOT_FOUND`.
pub fn no_such_job(id: &str) -> Error {
    Error::not_found(format!("job {id:?} does not exist"))
        .with_code("JOB_NOT_FOUND")
        .with_details(serde_json::json!({ "id": id }))
}

impl Default for TaskDefaults {
    fn default() -> Self {
        TaskDefaults {
            max_attempts: DEFAULT_ATTEMPTS,
            backoff: Backoff::default(),
            timeout: None,
            max_elapsed: None,
            start_within: None,
            heartbeat: None,
            concurrency: runner::CONCURRENCY,
            rate: None,
        }
    }
}
