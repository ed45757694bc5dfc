//! Jobs that have to begin by a moment: those that did not are failed, without having run.
//!
//! A runner that takes such a job too late finds it out as well. But what is paused, or waits behind others, is taken by no runner, and
//! its creator is to hear in time that it will not be.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::{End, Jobs};
use crate::policy::{Backoff, jitter};
use crate::store::{self, Batch, Enqueue, Job, Op};
use crate::wire::JobStatus;

/// Jobs looked at once: enough for what ends in one moment, little enough to be read in one go.
const SLICE: usize = 100;
/// The net: jobs whose process has died are found so soon, and those made here at their moment.
const SWEEP: Duration = Duration::from_secs(60);
/// The wait between tries while the store does not answer.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_millis(500), Duration::from_secs(10));

/// The next moment by which a job that was made in this process has to have begun.
#[derive(Debug)]
pub(super) struct Alarm(watch::Sender<Option<DateTime<Utc>>>);

impl Default for Alarm {
    fn default() -> Self {
        Alarm(watch::Sender::new(None))
    }
}

impl Jobs {
    /// Minds the moment by which a job that is about to be made has to have begun.
    pub(super) fn mind(&self, order: &Enqueue, at: DateTime<Utc>) {
        let Some(start_by) = order.start_by(at) else { return };
        self.alarm.0.send_if_modified(|next| {
            let sooner = next.is_none_or(|next| start_by < next);
            if sooner {
                *next = Some(start_by);
            }
            sooner
        });
    }

    /// Fails jobs at the moment by which they had to begin, for as long as it is polled; it ends where the store takes no more writes.
    pub async fn expire_unbegun(self) {
        let mut alarm = self.alarm.0.subscribe();
        let mut failures = 0;
        loop {
            let now = self.clock.now();
            // Let go before the store is asked: a job that is made meanwhile sets it again.
            self.alarm
                .0
                .send_if_modified(|next| next.take_if(|next| *next <= now).is_some());
            alarm.borrow_and_update();
            let wait = match self.expire_due(now).await {
                Ok(next) => {
                    failures = 0;
                    let next = [next, *alarm.borrow()].into_iter().flatten().min();
                    next.map_or(SWEEP, |next| (next - self.clock.now()).to_std().unwrap_or_default())
                }
                Err(store::Error::Closed | store::Error::Poisoned(_)) => return,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(error = %error, "jobs that did not begin in time could not be ended; trying again");
                    BACKOFF.wait(failures, jitter())
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait.min(SWEEP)) => {}
                _ = alarm.changed() => {}
            }
        }
    }

    /// Fails what had to begin by now, and gives the moment of the next.
    async fn expire_due(&self, now: DateTime<Utc>) -> store::Result<Option<DateTime<Utc>>> {
        loop {
            let waiting = self.store.unbegun(SLICE).await?;
            for job in &waiting {
                if job.start_by.is_some_and(|start_by| start_by > now) {
                    return Ok(job.start_by);
                }
                self.expire(job, now).await?;
            }
            if waiting.len() < SLICE {
                return Ok(None);
            }
        }
    }

    async fn expire(&self, job: &Job, now: DateTime<Utc>) -> store::Result<()> {
        let end = End::new(
            JobStatus::Failed,
            None,
            Some("JOB_NOT_BEGUN: it did not begin in time".to_owned()),
        );
        let expire = Op::Expire { job: job.id.clone() };
        let ops = std::iter::once(expire).chain(self.tell(&job.id, &end).await?);
        let batch = Batch {
            at: now,
            ops: ops.collect(),
        };
        match self.store.commit(batch).await {
            Ok(_) => {
                tracing::warn!(job.id = job.id, job.name = job.name, "a job did not begin in time");
                self.ring(&job.id);
                Ok(())
            }
            // It began, or was cancelled, in between.
            Err(store::Error::Refused { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::clock::Clock;
    use crate::jobs::{Created, TaskDefaults};
    use crate::store::memory::Memory;
    use crate::wire::CreateJob;

    #[tokio::test]
    async fn a_paused_job_is_failed_at_its_moment_and_who_waits_for_it_is_told() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let known = BTreeMap::from([("work".to_owned(), TaskDefaults::default())]);
        let jobs = Jobs::new(Arc::new(Memory::new(clock.clone())), clock.clone(), known);
        let create = |start_within| CreateJob {
            name: "work".to_owned(),
            start_within,
            ..CreateJob::default()
        };
        let Ok(Created::Job(patient, _)) = jobs.create(create(None)).await else {
            panic!("it is made")
        };
        let Ok(Created::Job(hasty, _)) = jobs.create(create(Some(5_000))).await else {
            panic!("it is made")
        };
        assert_eq!(jobs.expire_due(clock.now()).await.unwrap(), hasty.start_by);
        let ended = jobs.ended(&hasty.id);
        tokio::pin!(ended);
        assert!(futures_util::poll!(&mut ended).is_pending());
        clock.advance(Duration::from_secs(5));
        assert_eq!(jobs.expire_due(clock.now()).await.unwrap(), None);
        let ended = ended.await.unwrap();
        assert_eq!((ended.status, ended.attempt), (JobStatus::Failed, 0));
        let patient = jobs.get(&patient.id).await.unwrap().unwrap();
        assert_eq!(patient.status, JobStatus::Queued);
    }

    #[tokio::test]
    async fn the_alarm_is_the_soonest_moment_of_what_was_made() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let known = BTreeMap::from([("work".to_owned(), TaskDefaults::default())]);
        let jobs = Jobs::new(Arc::new(Memory::new(clock.clone())), clock.clone(), known);
        for start_within in [9_000, 5_000, 7_000] {
            let create = CreateJob {
                name: "work".to_owned(),
                start_within: Some(start_within),
                ..CreateJob::default()
            };
            jobs.create(create).await.unwrap();
        }
        let soonest = clock.now() + Duration::from_secs(5);
        assert_eq!(*jobs.alarm.0.borrow(), Some(soonest));
    }
}
