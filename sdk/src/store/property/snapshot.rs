//! Everything that can be read from a store.

use futures_util::future::join_all;

use super::strategy::{IDS, KEYS, NAMES, NAMESPACES, SCHEDULES};
use crate::name::{Prefix, TopicFilter};
use crate::store::{
    Attempt, Change, ChangeQuery, Direction, Entry, Event, EventQuery, Job, JobQuery, Remembered, Scan, Schedule,
    Stats, Store,
};
use crate::wire::JobStatus;

#[derive(Debug, PartialEq)]
pub(super) struct Snapshot {
    entries: Vec<Entry>,
    single: Vec<Option<Entry>>,
    changes: Vec<Change>,
    events: Vec<Event>,
    jobs: Vec<Job>,
    unbegun: Vec<Job>,
    attempts: Vec<Vec<Attempt>>,
    schedules: Vec<Schedule>,
    cancelled: Vec<Option<Schedule>>,
    remembered: Vec<Option<Remembered>>,
    stats: Stats,
}

pub(super) async fn snapshot(store: &dyn Store) -> Snapshot {
    let read = "a read succeeds";
    let (mut entries, mut single, mut changes) = (Vec::new(), Vec::new(), Vec::new());
    for namespace in NAMESPACES {
        for prefix in ["", "k/", "k:"] {
            let prefix = Prefix::new(prefix).expect("a prefix");
            for (after, limit) in [(None, 100), (Some("k".to_owned()), 2), (Some("k/1".to_owned()), 1)] {
                let scan = Scan {
                    namespace: namespace.to_owned(),
                    prefix: prefix.clone(),
                    after,
                    limit,
                };
                entries.extend(store.scan(scan).await.expect(read));
            }
            for (after, limit) in [(0, 100), (5, 3)] {
                let query = ChangeQuery {
                    namespace: namespace.to_owned(),
                    prefix: prefix.clone(),
                    after,
                    limit,
                };
                changes.extend(store.changes(query).await.expect(read));
            }
        }
        for key in KEYS {
            single.push(store.get(namespace, key).await.expect(read));
        }
    }
    let attempts = join_all(IDS.map(|id| store.attempts(id))).await;
    let cancelled = join_all(SCHEDULES.map(|id| store.schedule(id))).await;
    let remembered = join_all(KEYS.map(|key| store.remembered("scope", key))).await;
    let stats = store.stats().await.expect(read);
    Snapshot {
        entries,
        single,
        changes,
        events: events(store).await,
        jobs: jobs(store).await,
        unbegun: store.unbegun(3).await.expect(read),
        attempts: attempts.into_iter().map(|rows| rows.expect(read)).collect(),
        schedules: store.schedules().await.expect(read),
        cancelled: cancelled.into_iter().map(|row| row.expect(read)).collect(),
        remembered: remembered.into_iter().map(|row| row.expect(read)).collect(),
        stats: Stats { bytes: 0, ..stats },
    }
}

async fn events(store: &dyn Store) -> Vec<Event> {
    let mut events = Vec::new();
    for filter in ["*", "user:a", "user:*", "u*"] {
        for direction in [Direction::Forward, Direction::Backward] {
            for (after, before, limit) in [(0, None, 100), (4, Some(12), 2)] {
                let query = EventQuery {
                    filter: TopicFilter::parse(Some(filter)).expect("a filter"),
                    after,
                    before,
                    since: None,
                    direction,
                    limit,
                };
                events.extend(store.events(query).await.expect("a read succeeds"));
            }
        }
    }
    events
}

async fn jobs(store: &dyn Store) -> Vec<Job> {
    let mut jobs = Vec::new();
    for status in JobStatus::ALL.map(Some).into_iter().chain([None]) {
        for name in NAMES.map(|name| Some(name.to_owned())).into_iter().chain([None]) {
            for schedule_id in [None, Some("s0".to_owned())] {
                let query = JobQuery {
                    status,
                    name: name.clone(),
                    schedule_id,
                    before: None,
                    limit: 4,
                };
                jobs.extend(store.jobs(query).await.expect("a read succeeds"));
            }
        }
    }
    jobs
}
