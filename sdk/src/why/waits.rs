//! What a job that is queued waits for: the causes in the order in which they hold it, the first that no waiting mends first.
//!
//! Each cause is one function that says what it is or nothing; another one is a line in [`Teller::causes`].

use chrono::{DateTime, Utc};

use super::Teller;
use super::story::{line, wait};
use crate::error::Result;
use crate::jobs::{CONCURRENCY, FLOW_PREFIX};
use crate::store::{Job, JobQuery};
use crate::wire::{JobStatus, Timestamp, WhyWait};

impl Teller<'_> {
    /// What a queued job waits for.
    pub(super) async fn causes(&self, job: &Job) -> Result<Vec<WhyWait>> {
        let now = self.clock.now();
        let mut causes: Vec<WhyWait> = [
            late(job, now),
            self.no_handler(job),
            self.paused(job).await?,
            not_yet(job, now),
        ]
        .into_iter()
        .flatten()
        .collect();
        if causes.is_empty() {
            causes.extend(self.no_slot(job).await?);
        }
        if causes.is_empty() {
            causes.push(wait(
                "process",
                "It is due, and begins as soon as a process of this service takes it.",
                None,
            ));
        }
        Ok(causes)
    }

    /// What a pending job waits for.
    pub(super) fn turn(&self, job: &Job) -> WhyWait {
        match &job.concurrency {
            Some(concurrency) if job.turn.is_some() => {
                let (key, most) = (&concurrency.key, concurrency.limit);
                let what = format!(
                    "Others with the concurrency key {key:?} run, and of them {most} may at a time; it is taken when its turn comes."
                );
                wait("key", what, None)
            }
            _ => wait("wake", "It waits until it is woken.", None),
        }
    }

    fn no_handler(&self, job: &Job) -> Option<WhyWait> {
        if self.jobs.names().contains(job.name.as_str()) {
            return None;
        }
        let (what, name) = match job.name.strip_prefix(FLOW_PREFIX) {
            Some(flow) => ("no workflow", flow),
            None => ("no handler of that name", job.name.as_str()),
        };
        Some(wait(
            "handler",
            format!("This service has {what} {name:?}, so nothing runs it; deploy one that has, or cancel it."),
            None,
        ))
    }

    async fn paused(&self, job: &Job) -> Result<Option<WhyWait>> {
        let pauses = self.jobs.pauses().await?;
        Ok(pauses.name(&job.name).map(|pause| {
            let by = pause.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
            let why = pause.reason.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
            let (of, since) = (&pause.of, pause.since);
            wait(
                "paused",
                format!(
                    "Jobs {of:?} are paused{by}{why} since {since}; resume them with POST /v1/sys/jobs/{of}/resume."
                ),
                None,
            )
        }))
    }

    /// All slots of the name, or of the process, that this process has.
    async fn no_slot(&self, job: &Job) -> Result<Option<WhyWait>> {
        let most = match self.jobs.defaults(&job.name) {
            Ok(defaults) => defaults.concurrency.max(1),
            Err(_) => return Ok(None),
        };
        if self.running(Some(&job.name), most).await? >= most {
            let name = &job.name;
            let what = format!(
                "All {most} slots for {name:?} in the process that was asked are taken; one that ends frees its own."
            );
            return Ok(Some(wait("slot", what, None)));
        }
        if self.running(None, CONCURRENCY).await? >= CONCURRENCY {
            let what = format!(
                "All {CONCURRENCY} slots for jobs in the process that was asked are taken; one that ends frees its own."
            );
            return Ok(Some(wait("slot", what, None)));
        }
        Ok(None)
    }

    /// How many jobs this process runs, counted up to a bound.
    async fn running(&self, name: Option<&str>, most: usize) -> Result<usize> {
        let query = JobQuery {
            status: Some(JobStatus::Running),
            name: name.map(str::to_owned),
            // Some of them may be another replica's.
            limit: most.saturating_mul(4),
            ..JobQuery::default()
        };
        let running = self.store.jobs(query).await?;
        let own = running
            .iter()
            .filter(|job| job.owner.as_deref() == Some(self.incarnation));
        Ok(own.count())
    }
}

fn late(job: &Job, now: DateTime<Utc>) -> Option<WhyWait> {
    let deadline = job.deadline.filter(|deadline| *deadline <= now)?;
    Some(wait(
        "deadline",
        format!(
            "Its time was over at {}; it ends as failed when it is next taken.",
            Timestamp(deadline)
        ),
        None,
    ))
}

fn not_yet(job: &Job, now: DateTime<Utc>) -> Option<WhyWait> {
    if job.run_at <= now {
        return None;
    }
    Some(match &job.error {
        Some(error) if job.failures > 0 => wait(
            "backoff",
            format!(
                "It is tried again after failure {} of {}: {}",
                job.failures,
                job.max_attempts,
                line(&error.message)
            ),
            Some(job.run_at),
        ),
        _ => wait("time", "It is not due yet.", Some(job.run_at)),
    })
}
