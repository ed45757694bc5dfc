//! What the model drops.

use chrono::{DateTime, Utc};

use super::State;
use crate::store::rules::{self, Horizon};
use crate::store::{Job, Retention, Seq};

impl State {
    pub(super) fn prune(&mut self, retention: &Retention, at: DateTime<Utc>) -> u64 {
        let slice = usize::try_from(retention.slice).unwrap_or(usize::MAX);
        let dropped = self.prune_entries(slice, at)
            + self.prune_changes(retention, slice, at)
            + self.prune_events(retention, slice, at)
            + self.prune_jobs(retention, slice, at)
            + self.prune_schedules(retention, slice, at)
            + self.prune_remembered(slice, at);
        dropped as u64
    }

    fn prune_entries(&mut self, slice: usize, at: DateTime<Utc>) -> usize {
        let expired = |entry: &crate::store::Entry| rules::expired(entry.expires_at, at);
        let mut gone: Vec<_> = self.entries.iter().filter(|(_, entry)| expired(entry)).collect();
        gone.sort_by_key(|(key, entry)| (entry.expires_at, *key));
        let gone: Vec<(String, String)> = gone.into_iter().take(slice).map(|(key, _)| key.clone()).collect();
        for (namespace, key) in &gone {
            self.remove_entry(namespace, key, at);
        }
        gone.len()
    }

    fn prune_changes(&mut self, retention: &Retention, slice: usize, at: DateTime<Utc>) -> usize {
        let horizon = Horizon::new(
            self.changes.len() as u64,
            retention.changes_max,
            at,
            retention.change_age,
        );
        let rows = self.changes.iter().map(|(seq, (_, change))| (*seq, change.at));
        let gone = head(rows, &horizon, slice);
        for seq in &gone {
            self.changes.remove(seq);
            self.marks.change_floor = *seq;
        }
        gone.len()
    }

    fn prune_events(&mut self, retention: &Retention, slice: usize, at: DateTime<Utc>) -> usize {
        let horizon = Horizon::new(self.events.len() as u64, retention.events_max, at, retention.event_age);
        let rows = self.events.iter().map(|(seq, event)| (*seq, event.at));
        let gone = head(rows, &horizon, slice);
        for seq in &gone {
            if let Some(id) = self.events.get(seq).map(|event| event.id.clone()) {
                self.event_ids.remove(&id);
            }
            self.events.remove(seq);
            self.marks.event_floor = *seq;
        }
        gone.len()
    }

    fn prune_jobs(&mut self, retention: &Retention, slice: usize, at: DateTime<Utc>) -> usize {
        let mut ended: Vec<&Job> = self.jobs.values().filter(|job| !rules::lives(job)).collect();
        ended.sort_by_key(|job| (job.completed_at, job.seq));
        let horizon = Horizon::new(ended.len() as u64, retention.jobs_max, at, retention.job_age);
        let rows = ended.iter().map(|job| (job.id.clone(), job.completed_at.unwrap_or(at)));
        let gone = head(rows, &horizon, slice);
        for id in &gone {
            for attempt in self.attempts(id) {
                self.attempts.remove(&(id.clone(), attempt.attempt));
            }
            self.jobs.remove(id);
        }
        gone.len()
    }

    fn prune_schedules(&mut self, retention: &Retention, slice: usize, at: DateTime<Utc>) -> usize {
        let Some(cutoff) = rules::cutoff(at, retention.job_age) else {
            return 0;
        };
        let old = self
            .schedules
            .values()
            .filter_map(|schedule| Some((schedule.cancelled_at?, schedule.seq, schedule.id.clone())));
        let mut old: Vec<(DateTime<Utc>, Seq, String)> = old.filter(|(ended, ..)| *ended < cutoff).collect();
        old.sort();
        old.truncate(slice);
        for (_, _, id) in &old {
            self.schedules.remove(id);
        }
        old.len()
    }

    fn prune_remembered(&mut self, slice: usize, at: DateTime<Utc>) -> usize {
        let mut gone: Vec<_> = self
            .remembered
            .iter()
            .filter(|(_, kept)| kept.expires_at <= at)
            .collect();
        gone.sort_by_key(|(key, kept)| (kept.expires_at, *key));
        let gone: Vec<(String, String)> = gone.into_iter().take(slice).map(|(key, _)| key.clone()).collect();
        for key in &gone {
            self.remembered.remove(key);
        }
        gone.len()
    }
}

/// The rows that go from the head of a log, at most a slice.
fn head<K>(rows: impl Iterator<Item = (K, DateTime<Utc>)>, horizon: &Horizon, slice: usize) -> Vec<K> {
    (0..)
        .zip(rows)
        .take(slice)
        .take_while(|(place, (_, at))| horizon.takes(*place, *at))
        .map(|(_, (key, _))| key)
        .collect()
}
