//! A store that keeps to its own part of another one.
//!
//! It puts a prefix before every key, topic, name of a job or schedule, unique key, key of concurrency and scope of idempotency, and takes it
//! off on the way out; what lies outside the prefix is not there. Ids of events, jobs and schedules pass through, and so do
//! [`Heads`], [`Stats`] and [`Op::Prune`], which are the whole store's; closing it closes the whole store.

mod ops;
mod strip;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::name::Prefix;
use crate::store::{
    Attempt, Batch, Change, ChangeQuery, Entry, Error, Event, EventQuery, Heads, Job, JobQuery, Op, Outcome, Refusal,
    Remembered, Result, Scan, Schedule, Stats, Store,
};

/// Jobs read at once while looking for those of the prefix: enough to fill a page in one go where most are.
const JOBS_PAGE: usize = 200;

/// A part of another store; see the [module](self).
///
/// ```
/// # use std::sync::Arc;
/// # use syscall_sdk::clock::Clock;
/// # use syscall_sdk::name::Prefix;
/// # use syscall_sdk::store::{Store, memory::Memory, prefix::Prefixed};
/// let whole: Arc<dyn Store> = Arc::new(Memory::new(Clock::system()));
/// let part = Prefixed::new(Arc::clone(&whole), Prefix::new("tenant/").expect("a prefix"));
/// ```
#[derive(Debug)]
pub struct Prefixed {
    inner: Arc<dyn Store>,
    prefix: Prefix,
}

impl Prefixed {
    /// The part of a store under a prefix.
    pub fn new(inner: Arc<dyn Store>, prefix: Prefix) -> Self {
        Prefixed { inner, prefix }
    }

    fn under(&self, name: &str) -> String {
        format!("{}{name}", self.prefix.as_str())
    }

    /// Lets operations on jobs and schedules of others find nothing. A job's name never changes, so looking before the
    /// commit is safe.
    async fn keep_to_own(&self, batch: &mut Batch) -> Result<()> {
        for op in 0..batch.ops.len() {
            let (earlier, rest) = batch.ops.split_at_mut(op);
            let what = &mut rest[0];
            let made_here = |id: &&str| earlier.iter().any(|op| ops::made_id(op) == Some(id));
            let Some(id) = ops::named_id(what).filter(|id| !made_here(id)) else {
                continue;
            };
            if !self.is_of_others(id).await? {
                continue;
            }
            match what {
                // It does nothing to any other job, and attempts count from 1.
                Op::AcknowledgeCancel { attempt, .. } => *attempt = 0,
                Op::Wake { .. } => *what = ops::NOTHING,
                _ => {
                    let why = Refusal::NoSuchJob { id: id.to_owned() };
                    return Err(Error::Refused { op, why });
                }
            }
        }
        Ok(())
    }

    async fn is_of_others(&self, id: &str) -> Result<bool> {
        if let Some(job) = self.inner.job(id).await? {
            return Ok(!self.prefix.covers(&job.name));
        }
        let schedule = self.inner.schedule(id).await?;
        Ok(schedule.is_some_and(|schedule| !self.prefix.covers(&schedule.name)))
    }

    async fn jobs_of_any_name(&self, query: JobQuery) -> Result<Vec<Job>> {
        let mut found = Vec::new();
        let mut before = query.before;
        while found.len() < query.limit {
            let page = JobQuery {
                before,
                limit: JOBS_PAGE,
                ..query.clone()
            };
            let page = self.inner.jobs(page).await?;
            let Some(last) = page.last() else { break };
            before = Some(last.seq);
            found.extend(page.into_iter().filter_map(|job| self.own_job(job)));
        }
        found.truncate(query.limit);
        Ok(found)
    }
}

impl Store for Prefixed {
    fn commit(&self, mut batch: Batch) -> BoxFuture<'_, Result<Vec<Outcome>>> {
        async move {
            self.keep_to_own(&mut batch).await?;
            let keyed = ops::keyed(&batch);
            let batch = Batch {
                at: batch.at,
                ops: batch.ops.into_iter().map(|op| self.op(op)).collect(),
            };
            match self.inner.commit(batch).await {
                Ok(outcomes) => Ok(outcomes.into_iter().map(|outcome| self.outcome(outcome)).collect()),
                Err(Error::Refused {
                    op,
                    why: Refusal::Version { key, current },
                }) if keyed.get(op) == Some(&true) => {
                    let key = self.stripped(key);
                    let why = Refusal::Version { key, current };
                    Err(Error::Refused { op, why })
                }
                Err(error) => Err(error),
            }
        }
        .boxed()
    }

    fn get<'a>(&'a self, namespace: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>>> {
        let key = self.under(key);
        async move {
            let entry = self.inner.get(namespace, &key).await?;
            Ok(entry.map(|entry| self.entry(entry)))
        }
        .boxed()
    }

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<Entry>>> {
        async move {
            let scan = Scan {
                prefix: scan.prefix.within(&self.prefix),
                after: scan.after.map(|after| self.under(&after)),
                ..scan
            };
            let entries = self.inner.scan(scan).await?;
            Ok(entries.into_iter().map(|entry| self.entry(entry)).collect())
        }
        .boxed()
    }

    fn changes(&self, query: ChangeQuery) -> BoxFuture<'_, Result<Vec<Change>>> {
        async move {
            let query = ChangeQuery {
                prefix: query.prefix.within(&self.prefix),
                ..query
            };
            let changes = self.inner.changes(query).await?;
            Ok(changes.into_iter().map(|change| self.change(change)).collect())
        }
        .boxed()
    }

    fn events(&self, query: EventQuery) -> BoxFuture<'_, Result<Vec<Event>>> {
        async move {
            let query = EventQuery {
                filter: query.filter.within(&self.prefix),
                ..query
            };
            let events = self.inner.events(query).await?;
            Ok(events.into_iter().map(|event| self.event(event)).collect())
        }
        .boxed()
    }

    fn event<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Event>>> {
        async move {
            let event = self.inner.event(id).await?;
            Ok(event
                .filter(|event| self.prefix.covers(&event.topic))
                .map(|event| self.event(event)))
        }
        .boxed()
    }

    fn job<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Job>>> {
        async move { Ok(self.inner.job(id).await?.and_then(|job| self.own_job(job))) }.boxed()
    }

    fn jobs(&self, query: JobQuery) -> BoxFuture<'_, Result<Vec<Job>>> {
        async move {
            let Some(name) = &query.name else {
                return self.jobs_of_any_name(query).await;
            };
            let query = JobQuery {
                name: Some(self.under(name)),
                ..query
            };
            let jobs = self.inner.jobs(query).await?;
            Ok(jobs.into_iter().filter_map(|job| self.own_job(job)).collect())
        }
        .boxed()
    }

    fn unbegun(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Job>>> {
        async move {
            // Others' may come first, so all of them are asked for until there are enough of one's own.
            let mut asked = limit.max(JOBS_PAGE);
            loop {
                let jobs = self.inner.unbegun(asked).await?;
                let all = jobs.len() < asked;
                let mut own: Vec<Job> = jobs.into_iter().filter_map(|job| self.own_job(job)).collect();
                if all || own.len() >= limit {
                    own.truncate(limit);
                    return Ok(own);
                }
                asked = asked.saturating_mul(2);
            }
        }
        .boxed()
    }

    fn attempts<'a>(&'a self, job: &'a str) -> BoxFuture<'a, Result<Vec<Attempt>>> {
        async move {
            match self.job(job).await? {
                Some(_) => self.inner.attempts(job).await,
                None => Ok(Vec::new()),
            }
        }
        .boxed()
    }

    fn schedule<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Schedule>>> {
        async move {
            let schedule = self.inner.schedule(id).await?;
            Ok(schedule.and_then(|schedule| self.own_schedule(schedule)))
        }
        .boxed()
    }

    fn schedules(&self) -> BoxFuture<'_, Result<Vec<Schedule>>> {
        async move {
            let schedules = self.inner.schedules().await?;
            let own = schedules.into_iter().filter_map(|schedule| self.own_schedule(schedule));
            Ok(own.collect())
        }
        .boxed()
    }

    fn remembered<'a>(&'a self, scope: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Remembered>>> {
        let scope = self.under(scope);
        async move { self.inner.remembered(&scope, key).await }.boxed()
    }

    fn lives<'a>(&'a self, owner: &'a str) -> BoxFuture<'a, Result<bool>> {
        self.inner.lives(owner)
    }

    fn stats(&self) -> BoxFuture<'_, Result<Stats>> {
        self.inner.stats()
    }

    fn heads(&self) -> watch::Receiver<Heads> {
        self.inner.heads()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
}
