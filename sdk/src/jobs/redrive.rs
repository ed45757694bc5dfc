//! Trying dead jobs again: one as it was, one that is edited and so another, and many in slices.

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};
use uuid::Uuid;

use super::checked::{ATTEMPTS_MAX, DELAY_MAX, bounded};
use super::{FLOW_PREFIX, Jobs, no_such_job};
use crate::error::{Error, Result};
use crate::store::{Batch, Job, JobQuery, Op, Outcome, Redrive, Seq};
use crate::telemetry;
use crate::wire::{JobStatus, RetryJob};

/// Jobs of a slice that are revived at once: their commits share syncs, and a service has other work beside.
const AT_ONCE: usize = 64;

/// Which dead jobs are to be tried again.
#[derive(Clone, Debug)]
pub struct Dead {
    /// Only of this name.
    pub name: Option<String>,
    /// `failed` or `cancelled`.
    pub status: JobStatus,
    /// Only those that ended before.
    pub ended_before: Option<DateTime<Utc>>,
    /// Only below this sequence.
    pub cursor: Option<Seq>,
    /// At most so many are looked at.
    pub limit: usize,
}

/// What became of a slice of dead jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retried {
    /// Queued anew.
    pub retried: usize,
    /// Looked at and left: made anew before, kept from it by their unique key, ended later than asked for, or runs of a workflow.
    pub left: usize,
    /// Where to go on; `None` at the end.
    pub cursor: Option<Seq>,
}

impl Jobs {
    /// Queues a failed or cancelled job anew.
    ///
    /// # Errors
    /// `JOB_NOT_FOUND`; `JOB_STATUS` where it lives or is completed, or where another job has its unique key; `JOB_REDRIVEN` where
    /// another was made of it.
    pub async fn retry(&self, id: &str) -> Result<Job> {
        self.one(Op::Revive { job: id.to_owned() }).await
    }

    /// Makes a job anew of a failed or cancelled one, as it was ordered but for what is edited. The old one keeps its story, and each
    /// tells of the other.
    ///
    /// # Errors
    /// As [`Jobs::retry`]; `JOB_UNKNOWN` where it has no handler any more; `INVALID_ARGUMENT` with the field that is wrong.
    pub async fn redrive(&self, id: &str, edit: RetryJob) -> Result<Job> {
        let old = self.get(id).await?.ok_or_else(|| no_such_job(id))?;
        self.defaults(&old.name)?;
        if edit
            .max_attempts
            .is_some_and(|most| !(1..=ATTEMPTS_MAX).contains(&most))
        {
            return Err(Error::invalid(format!("maxAttempts is 1 to {ATTEMPTS_MAX}")));
        }
        let now = self.clock.now();
        let run_at = match (edit.run_at, edit.delay) {
            (Some(_), Some(_)) => return Err(Error::invalid("give runAt or delay, not both")),
            (Some(at), None) => Some(at.0),
            (None, Some(delay)) => Some(now + bounded("delay", delay, DELAY_MAX)?),
            (None, None) => None,
        };
        let lives = old.deadline.map(|deadline| deadline - old.created_at);
        if run_at.zip(lives).is_some_and(|(run_at, lives)| run_at - now >= lives) {
            return Err(Error::invalid(
                "the job would begin when its maxElapsed, which counts from its creation, is over",
            ));
        }
        let redrive = Redrive {
            job: id.to_owned(),
            id: Uuid::now_v7().to_string(),
            params: edit.params,
            max_attempts: edit.max_attempts,
            run_at,
            trace: telemetry::current_trace().map(|trace| trace.to_string()),
        };
        self.one(redrive.into()).await
    }

    /// Queues a slice of dead jobs anew, the newest first. Jobs that fail again meanwhile are not met twice by who follows the cursor.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a status of jobs that are not dead; or where the store refuses, and then some may be queued: ask again.
    pub async fn retry_many(&self, dead: Dead) -> Result<Retried> {
        if !matches!(dead.status, JobStatus::Failed | JobStatus::Cancelled) {
            return Err(Error::invalid(format!(
                "jobs that are {} cannot be tried again; status is failed or cancelled",
                dead.status
            )));
        }
        let query = JobQuery {
            status: Some(dead.status),
            name: dead.name,
            schedule_id: None,
            before: dead.cursor,
            limit: dead.limit,
        };
        let page = self.list(query).await?;
        let cursor = page.last().map(|job| job.seq).filter(|_| page.len() == dead.limit);
        let wanted = |job: &Job| {
            let in_time = dead
                .ended_before
                .is_none_or(|before| job.completed_at.is_some_and(|at| at < before));
            in_time && !job.name.starts_with(FLOW_PREFIX)
        };
        let looked_at = page.len();
        let revived: Vec<bool> = stream::iter(page.into_iter().filter(wanted))
            .map(|job| async move {
                match self.retry(&job.id).await {
                    Ok(_) => Ok(true),
                    Err(error) if ["JOB_STATUS", "JOB_REDRIVEN", "JOB_NOT_FOUND"].contains(&error.code()) => Ok(false),
                    Err(error) => Err(error),
                }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let retried = revived.into_iter().filter(|revived| *revived).count();
        Ok(Retried {
            retried,
            left: looked_at - retried,
            cursor,
        })
    }

    async fn one(&self, op: Op) -> Result<Job> {
        match self.store.commit(Batch::new(self.clock.now()).with(op)).await?.pop() {
            Some(Outcome::Job(job)) => Ok(*job),
            other => Err(Error::internal(format!("trying a job again came to {other:?}"))),
        }
    }
}
