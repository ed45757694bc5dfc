//! What the cases are written with.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::clock::Clock;
use crate::name::{Prefix, TopicFilter};
use crate::policy::Backoff;
use crate::store::{
    Batch, Change, ChangeQuery, Claim, Condition, Delete, Direction, Emit, Enqueue, Entry, Error, EventQuery, Heads,
    Job, JobFailure, JobQuery, NewSchedule, Op, Outcome, Put, Refusal, Remember, Result, Retention, Scan, Settle,
    Store, Verdict, Want,
};
use crate::wire::{CatchUp, JobStatus, Json, Overlap};

/// A store with its clock, and short words for what is done to it.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// The manual clock that it reads.
    pub clock: &'a Clock,
}

impl Context<'_> {
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(super) fn later(&self, seconds: i64) -> DateTime<Utc> {
        self.now() + TimeDelta::seconds(seconds)
    }

    pub(super) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(super) fn heads(&self) -> Heads {
        *self.store.heads().borrow()
    }

    pub(super) async fn commit(&self, ops: Vec<Op>) -> Result<Vec<Outcome>> {
        self.store.commit(Batch { at: self.now(), ops }).await
    }

    pub(super) async fn all(&self, ops: Vec<Op>) -> Vec<Outcome> {
        let outcomes = self.commit(ops).await;
        outcomes.expect("the batch is allowed")
    }

    pub(super) async fn one(&self, op: impl Into<Op>) -> Outcome {
        let mut outcomes = self.all(vec![op.into()]).await;
        assert_eq!(outcomes.len(), 1, "one outcome an operation");
        outcomes.remove(0)
    }

    pub(super) async fn refused(&self, ops: Vec<Op>) -> (usize, Refusal) {
        match self.commit(ops).await {
            Err(Error::Refused { op, why }) => (op, why),
            other => panic!("a refusal is due, not {other:?}"),
        }
    }

    pub(super) async fn refusal(&self, op: impl Into<Op>) -> Refusal {
        self.refused(vec![op.into()]).await.1
    }

    pub(super) async fn put(&self, key: &str, value: i64) -> Entry {
        written(self.one(put(key, value)).await)
    }

    pub(super) async fn get(&self, key: &str) -> Option<Entry> {
        self.store.get("wire", key).await.expect("a read succeeds")
    }

    pub(super) async fn keys(&self, prefix: &str, after: Option<&str>, limit: usize) -> Vec<String> {
        let scan = Scan {
            namespace: "wire".to_owned(),
            prefix: prefix_of(prefix),
            after: after.map(str::to_owned),
            limit,
        };
        let entries = self.store.scan(scan).await.expect("a scan succeeds");
        entries.into_iter().map(|entry| entry.key).collect()
    }

    pub(super) async fn changes(&self, prefix: &str, after: u64, limit: usize) -> Vec<Change> {
        let query = ChangeQuery {
            namespace: "wire".to_owned(),
            prefix: prefix_of(prefix),
            after,
            limit,
        };
        self.store.changes(query).await.expect("a read succeeds")
    }

    /// The topics of the events that a filter finds.
    pub(super) async fn topics(&self, filter: &str) -> Vec<String> {
        let events = self.store.events(events(filter)).await.expect("a read succeeds");
        events.into_iter().map(|event| event.topic).collect()
    }

    pub(super) async fn enqueue(&self, id: &str) -> Job {
        job(self.one(enqueue(id)).await)
    }

    pub(super) async fn job(&self, id: &str) -> Job {
        let job = self.store.job(id).await.expect("a read succeeds");
        job.expect("the job is there")
    }

    pub(super) async fn job_ids(&self, query: JobQuery) -> Vec<String> {
        let jobs = self.store.jobs(query).await.expect("a read succeeds");
        jobs.into_iter().map(|job| job.id).collect()
    }

    /// Claims up to ten jobs named `work`.
    pub(super) async fn claim(&self) -> Vec<Job> {
        claimed(self.one(claim(&[("work", 10)], 10)).await).0
    }

    /// A job that runs.
    pub(super) async fn running(&self, id: &str) -> Job {
        self.enqueue(id).await;
        let job = self.claim().await.pop().expect("the job is due");
        assert_eq!(job.id, id);
        job
    }

    pub(super) async fn settle(&self, job: &Job, verdict: Verdict) -> Job {
        self::job(self.one(settle(job, verdict)).await)
    }

    pub(super) async fn cancel(&self, id: &str) -> Outcome {
        self.one(Op::Cancel { id: id.to_owned() }).await
    }

    /// How many keys, events, living and ended jobs there are.
    pub(super) async fn sizes(&self) -> [u64; 4] {
        let stats = self.store.stats().await.expect("a read succeeds");
        [stats.keys, stats.events, stats.jobs_live, stats.jobs_ended]
    }

    pub(super) async fn prune(&self, retention: Retention) -> u64 {
        match self.one(retention).await {
            Outcome::Pruned(dropped) => dropped,
            other => panic!("not pruned: {other:?}"),
        }
    }
}

pub(super) fn prefix_of(text: &str) -> Prefix {
    Prefix::new(text).expect("a prefix")
}

pub(super) fn put(key: &str, value: i64) -> Put {
    Put {
        namespace: "wire".to_owned(),
        key: key.to_owned(),
        value: json!(value).into(),
        condition: Condition::Any,
        expires_at: None,
    }
}

pub(super) fn delete(key: &str) -> Delete {
    Delete {
        namespace: "wire".to_owned(),
        key: key.to_owned(),
        condition: Condition::Any,
    }
}

pub(super) fn emit(id: &str, topic: &str) -> Emit {
    Emit {
        id: id.to_owned(),
        topic: topic.to_owned(),
        data: None,
        trace: None,
    }
}

pub(super) fn events(filter: &str) -> EventQuery {
    EventQuery {
        filter: TopicFilter::parse(Some(filter)).expect("a filter"),
        after: 0,
        before: None,
        since: None,
        direction: Direction::Forward,
        limit: 100,
    }
}

pub(super) fn enqueue(id: &str) -> Enqueue {
    Enqueue {
        max_attempts: 3,
        ..Enqueue::new(id, "work")
    }
}

pub(super) fn schedule(id: &str, next_run: DateTime<Utc>) -> NewSchedule {
    NewSchedule {
        id: id.to_owned(),
        name: "work".to_owned(),
        params: None,
        cron: "0 * * * *".to_owned(),
        timezone: "Europe/Berlin".to_owned(),
        catch_up: CatchUp::Last,
        overlap: Overlap::Allow,
        next_run: Some(next_run),
        priority: 0,
        max_attempts: 3,
        backoff: Backoff::default(),
        timeout: None,
        max_elapsed: None,
        start_within: None,
        heartbeat: None,
    }
}

pub(super) fn claim(wants: &[(&str, usize)], limit: usize) -> Claim {
    let want = |(name, slots): &(&str, usize)| Want {
        name: (*name).to_owned(),
        slots: *slots,
        rate: None,
    };
    Claim {
        owner: "me".to_owned(),
        wants: wants.iter().map(want).collect(),
        limit,
        early: false,
    }
}

pub(super) fn settle(job: &Job, verdict: Verdict) -> Settle {
    Settle {
        job: job.id.clone(),
        attempt: job.attempt,
        verdict,
        trace: Some("the-trace".to_owned()),
    }
}

pub(super) fn completed() -> Verdict {
    Verdict::Completed {
        result: Some(json!({ "sent": 1 }).into()),
    }
}

pub(super) fn failed(retry_at: Option<DateTime<Utc>>) -> Verdict {
    let error = JobFailure {
        message: "no answer".to_owned(),
        stack: Some("at the mailer".to_owned()),
    };
    Verdict::Failed { error, retry_at }
}

pub(super) fn remember(key: &str, owner: &str, expires_at: DateTime<Utc>) -> Remember {
    Remember {
        scope: "POST /orders".to_owned(),
        key: key.to_owned(),
        fingerprint: "what was asked".to_owned(),
        owner: owner.to_owned(),
        answer: None,
        replace: false,
        expires_at,
    }
}

pub(super) fn of_status(status: JobStatus) -> JobQuery {
    JobQuery {
        status: Some(status),
        limit: 100,
        ..JobQuery::default()
    }
}

pub(super) fn written(outcome: Outcome) -> Entry {
    match outcome {
        Outcome::Written(entry) => entry,
        other => panic!("not written: {other:?}"),
    }
}

pub(super) fn emitted(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Emitted(seq) => *seq,
        other => panic!("not emitted: {other:?}"),
    }
}

pub(super) fn job(outcome: Outcome) -> Job {
    match outcome {
        Outcome::Job(job) => *job,
        other => panic!("no job: {other:?}"),
    }
}

pub(super) fn claimed(outcome: Outcome) -> (Vec<Job>, Option<DateTime<Utc>>) {
    match outcome {
        Outcome::Claimed { jobs, next_due, .. } => (jobs, next_due),
        other => panic!("no claim: {other:?}"),
    }
}

pub(super) fn json_text(text: &str) -> Json {
    Json::parse(text).expect("JSON")
}
