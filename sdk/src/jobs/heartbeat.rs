//! Heartbeats: an attempt that says neither how far it is nor that it goes on is cut off, however much of its time is left.
//!
//! The process that runs an attempt is the one that listens to it, and a process that is no more is known by its lease. So a heartbeat is
//! written nowhere: a handler may say it in its innermost loop.

use std::cmp::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Run;
use crate::error::{Error, Kind, Result};
use crate::store::Job;
use crate::wire::JobStatus;

/// The code of an attempt that was silent for too long.
pub(super) const SILENT: &str = "JOB_SILENT";
/// Between two looks at the job on a heartbeat: what cancels it in another replica is noticed so soon, and costs a read so rarely.
const LOOK_PACE: Duration = Duration::from_secs(5);

/// When an attempt was last heard of.
#[derive(Debug)]
pub(super) struct Pulse(Mutex<Heard>);

#[derive(Clone, Copy, Debug)]
struct Heard {
    last: Instant,
    looked: Instant,
}

impl Pulse {
    /// One that begins now.
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Pulse(Mutex::new(Heard { last: now, looked: now }))
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the attempt was heard of.
    pub(super) fn beat(&self) {
        self.lock().last = Instant::now();
    }

    /// Notes that the attempt was heard of, and says whether it is time to look at the job.
    fn beat_and_look(&self) -> bool {
        let now = Instant::now();
        let mut heard = self.lock();
        heard.last = now;
        let due = now.duration_since(heard.looked) >= LOOK_PACE;
        if due {
            heard.looked = now;
        }
        due
    }

    /// Waits until the attempt was silent for so long, and gives the error that ends it; never returns where it may be silent.
    pub(super) async fn silent(&self, most: Option<Duration>) -> Error {
        let Some(most) = most else {
            return std::future::pending().await;
        };
        loop {
            let until = self.lock().last + most;
            if until <= Instant::now() {
                let silent = format!("the attempt said nothing for its {} ms", most.as_millis());
                return Error::new(Kind::DeadlineExceeded, silent).with_code(SILENT);
            }
            tokio::time::sleep_until(until).await;
        }
    }
}

impl Run {
    /// Says that the attempt goes on. Writes nothing; now and then it looks whether the attempt is still the running one, so that a job
    /// that was cancelled in another replica is told.
    ///
    /// # Errors
    /// `FENCED` where the attempt is no longer the running one: stop then.
    pub async fn heartbeat(&self) -> Result<()> {
        if !self.pulse.beat_and_look() {
            return Ok(());
        }
        // A claim may be answered before its sync, and is not to be read until then: an earlier attempt is no later one.
        let own = |job: &Job| match job.attempt.cmp(&self.job.attempt) {
            Ordering::Less => true,
            Ordering::Equal => job.status == JobStatus::Running,
            Ordering::Greater => false,
        };
        match self.jobs.get(&self.job.id).await {
            Ok(Some(job)) if own(&job) => Ok(()),
            Ok(_) => {
                self.cancelled.cancel();
                let over = format!("this attempt of job {:?} is no longer the running one", self.job.id);
                Err(Error::conflict(over).with_code("FENCED"))
            }
            // A store that cannot be read says nothing of the attempt, which goes on.
            Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use tokio::sync::mpsc;
    use tracing::Span;

    use super::*;
    use crate::clock::Clock;
    use crate::jobs::{Created, JobHandler, Jobs, Runner, RunnerOptions, TaskDefaults};
    use crate::lifecycle::Scope;
    use crate::store::memory::Memory;
    use crate::store::{Batch, Op, Store};
    use crate::wire::CreateJob;

    #[tokio::test(start_paused = true)]
    async fn a_job_that_is_cancelled_in_another_replica_is_told_at_its_heartbeat() {
        let clock = Clock::system();
        let store: Arc<dyn Store> = Arc::new(Memory::new(clock.clone()));
        let known = BTreeMap::from([("work".to_owned(), TaskDefaults::default())]);
        let jobs = Jobs::new(Arc::clone(&store), clock.clone(), known);
        let (told, mut heard) = mpsc::unbounded_channel();
        let handler: JobHandler = Arc::new(move |run: Run| {
            let told = told.clone();
            Box::pin(async move {
                let mut pace = tokio::time::interval(Duration::from_secs(1));
                loop {
                    pace.tick().await;
                    let heartbeat = run.heartbeat().await.map_err(|error| error.code().to_owned());
                    let over = heartbeat.is_err();
                    let _ = told.send((heartbeat, run.cancelled.is_cancelled()));
                    if over {
                        return Ok(None);
                    }
                }
            })
        });
        let options = RunnerOptions {
            owner: "me".to_owned(),
            handlers: BTreeMap::from([("work".to_owned(), handler)]),
            concurrency: 1,
        };
        let scope = Scope::new("test", Span::none());
        let runner = Runner::new(jobs.clone(), options, scope.child("taking"), scope.child("attempts"));
        scope.spawn_background("runner", runner.run());
        let create = CreateJob {
            name: "work".to_owned(),
            ..CreateJob::default()
        };
        let Ok(Created::Job(job, _)) = jobs.create(create).await else {
            panic!("it is made")
        };
        assert_eq!(heard.recv().await, Some((Ok(()), false)));
        let cancel = Op::Cancel { id: job.id.clone() };
        store.commit(Batch::new(clock.now()).with(cancel)).await.unwrap();
        let mut last = None;
        while let Some(said) = heard.recv().await {
            let over = said.0.is_err();
            last = Some(said);
            if over {
                break;
            }
        }
        assert_eq!(last, Some((Err("FENCED".to_owned()), true)));
        scope.cancel();
    }
}
