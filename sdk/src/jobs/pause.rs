//! Pausing: jobs of a name that are not begun, and a schedule that does not tick, until someone says so.
//!
//! A pause is an entry of state, so it is there in every replica and after a restart. The jobs themselves stay queued in the store:
//! a pause of a million jobs is one write, and so is its end. Who reads a job that is held back is shown it as `pending`.

use std::collections::BTreeMap;

use super::{FLOW_PREFIX, Jobs, no_such_job, to_wire};
use crate::error::{Error, Result};
use crate::name::Prefix;
use crate::store::{self, Attempt};
use crate::store::{Batch, Condition, Delete, Job, JobQuery, Op, Put, Refusal, Scan, Seq};
use crate::wire::{self, JobStatus, Json, Pause, PauseJobs, Timestamp};

/// Where pauses are kept. A dot is in no name that a service can give, so nothing but this writes there.
const NAMESPACE: &str = "kernel.jobs";
const NAMES: &str = "pause/name/";
const SCHEDULES: &str = "pause/schedule/";
/// Pauses read at once: they are few, since each is made by hand.
const PAGE: usize = 256;
/// Longest reason, and name of who gives it, in bytes: a sentence that a person reads in a list.
const TEXT_MAX_BYTES: usize = 512;
/// Pages that are read to fill one of queued jobs where most are held back. A page that is not full then bears a cursor, so that no
/// request reads a whole backlog.
const SWEEPS_MAX: usize = 16;

/// What is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paused<'a> {
    /// Jobs of a name.
    Name(&'a str),
    /// A schedule.
    Schedule(&'a str),
}

impl Paused<'_> {
    fn key(self) -> String {
        match self {
            Paused::Name(name) => format!("{NAMES}{name}"),
            Paused::Schedule(id) => format!("{SCHEDULES}{id}"),
        }
    }
}

/// All pauses of a service at a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pauses {
    names: BTreeMap<String, Pause>,
    schedules: BTreeMap<String, Pause>,
}

impl Pauses {
    /// The pause of the jobs of a name.
    pub fn name(&self, name: &str) -> Option<&Pause> {
        self.names.get(name)
    }

    /// The pause of a schedule.
    pub fn schedule(&self, id: &str) -> Option<&Pause> {
        self.schedules.get(id)
    }

    /// Every one, names before schedules.
    pub fn all(&self) -> Vec<Pause> {
        self.names.values().chain(self.schedules.values()).cloned().collect()
    }

    /// A job as the wire shows it: one that is held back waits for the end of the pause.
    pub fn show(&self, job: Job, attempts: Option<Vec<Attempt>>) -> wire::Job {
        let mut shown = to_wire(job, attempts);
        if let (JobStatus::Queued, Some(pause)) = (shown.status, self.name(&shown.name)) {
            shown.status = JobStatus::Pending;
            shown.paused = Some(pause.clone());
        }
        shown
    }

    /// Whether a queued job is held back.
    fn holds(&self, job: &Job) -> bool {
        job.status == JobStatus::Queued && self.names.contains_key(&job.name)
    }
}

impl Jobs {
    /// Holds back the jobs of a name, or a schedule. What runs goes on; pausing again tells the new reason.
    ///
    /// # Errors
    /// `JOB_UNKNOWN` or `JOB_NOT_FOUND` where there is no such name or schedule.
    pub async fn pause(&self, what: Paused<'_>, why: PauseJobs) -> Result<Pause> {
        for (field, text) in [("reason", &why.reason), ("by", &why.by)] {
            if text.as_ref().is_some_and(|text| text.len() > TEXT_MAX_BYTES) {
                return Err(Error::invalid(format!("{field} is at most {TEXT_MAX_BYTES} bytes")));
            }
        }
        let of = match what {
            Paused::Name(name) if name.starts_with(FLOW_PREFIX) => {
                return Err(Error::invalid(format!(
                    "{name:?} are runs of a workflow; they cannot be paused"
                )));
            }
            Paused::Name(name) => self.defaults(name).map(|_| name)?,
            Paused::Schedule(id) => match self.store.schedule(id).await? {
                Some(schedule) if schedule.cancelled_at.is_none() => id,
                _ => return Err(no_such_job(id)),
            },
        };
        let at = self.clock.now();
        let pause = Pause {
            of: of.to_owned(),
            reason: why.reason,
            by: why.by,
            since: Timestamp(at),
        };
        let put = Put {
            namespace: NAMESPACE.to_owned(),
            key: what.key(),
            value: Json::of(&pause).map_err(|error| Error::internal("a pause has no JSON form").with_source(error))?,
            condition: Condition::Any,
            expires_at: None,
        };
        self.store
            .commit(Batch {
                at,
                ops: vec![put.into(), bell()],
            })
            .await?;
        Ok(pause)
    }

    /// Ends a pause and gives it; what was held back runs when there is room.
    ///
    /// # Errors
    /// `PAUSE_NOT_FOUND` where it is not paused.
    pub async fn resume(&self, what: Paused<'_>) -> Result<Pause> {
        let none = || Error::not_found("it is not paused").with_code("PAUSE_NOT_FOUND");
        let entry = self.store.get(NAMESPACE, &what.key()).await?.ok_or_else(none)?;
        let delete = Delete {
            namespace: NAMESPACE.to_owned(),
            key: what.key(),
            condition: Condition::Present,
        };
        let batch = Batch {
            at: self.clock.now(),
            ops: vec![Op::Delete(delete), bell()],
        };
        match self.store.commit(batch).await {
            Ok(_) => read(&entry.value),
            Err(store::Error::Refused {
                why: Refusal::Version { .. },
                ..
            }) => Err(none()),
            Err(error) => Err(error.into()),
        }
    }

    /// Everything that is paused.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn pauses(&self) -> Result<Pauses> {
        Ok(Pauses {
            names: self.pauses_under(NAMES).await?,
            schedules: self.pauses_under(SCHEDULES).await?,
        })
    }

    async fn pauses_under(&self, prefix: &str) -> Result<BTreeMap<String, Pause>> {
        let mut found = BTreeMap::new();
        let mut after = None;
        loop {
            let scan = Scan {
                namespace: NAMESPACE.to_owned(),
                prefix: Prefix::new(prefix)?,
                after: after.take(),
                limit: PAGE,
            };
            let page = self.store.scan(scan).await?;
            let full = page.len() == PAGE;
            after = page.last().map(|entry| entry.key.clone());
            for entry in page {
                let pause: Pause = read(&entry.value)?;
                found.insert(pause.of.clone(), pause);
            }
            if !full {
                return Ok(found);
            }
        }
    }

    /// A page of jobs by the status that is shown of them, newest first, with where to go on.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn list_shown(&self, mut query: JobQuery, pauses: &Pauses) -> Result<(Vec<Job>, Option<Seq>)> {
        let limit = query.limit;
        let mut jobs = match query.status {
            Some(JobStatus::Pending) => {
                let held = pauses
                    .names
                    .keys()
                    .filter(|name| query.name.as_ref().is_none_or(|only| only == *name));
                let held = held.map(|name| JobQuery {
                    status: Some(JobStatus::Queued),
                    name: Some(name.clone()),
                    ..query.clone()
                });
                let mut jobs = Vec::new();
                for part in held.chain(std::iter::once(query.clone())) {
                    jobs.extend(self.list(part).await?);
                }
                jobs.sort_unstable_by_key(|job| std::cmp::Reverse(job.seq));
                jobs
            }
            Some(JobStatus::Queued) if !pauses.names.is_empty() => {
                let mut jobs = Vec::new();
                for _ in 0..SWEEPS_MAX {
                    let page = self.list(query.clone()).await?;
                    let more = page.len() == limit;
                    query.before = page.last().map(|job| job.seq);
                    jobs.extend(page.into_iter().filter(|job| !pauses.holds(job)));
                    if !more {
                        query.before = None;
                    }
                    if !more || jobs.len() >= limit {
                        break;
                    }
                }
                if jobs.len() < limit {
                    return Ok((jobs, query.before));
                }
                jobs
            }
            _ => self.list(query).await?,
        };
        jobs.truncate(limit);
        let next = jobs.last().map(|job| job.seq).filter(|_| jobs.len() == limit);
        Ok((jobs, next))
    }
}

/// Wakes the runners of every replica: a job of no id wakes no job, and rings all the same.
fn bell() -> Op {
    Op::Wake { job: String::new() }
}

fn read(value: &Json) -> Result<Pause> {
    value
        .to()
        .map_err(|error| Error::internal("a pause is not what was written").with_source(error))
}
