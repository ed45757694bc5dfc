//! What the model drops.

use chrono::{DateTime, Utc};

use super::State;
use crate::store::retention::Horizon;
use crate::store::{Change, Job, Retention, Seq, kept, rules};

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
        let horizon = Horizon::of_changes(self.changes.len() as u64, self.marks.kept, retention, at);
        let bytes =
            |(namespace, change): &(String, Change)| kept::of_change(namespace, &change.key, change.entry.as_ref());
        let rows = self.changes.iter().map(|(seq, row)| (*seq, row.1.at, bytes(row)));
        let (gone, bytes) = head(rows, horizon, slice);
        self.marks.kept.changes -= bytes;
        for seq in &gone {
            self.changes.remove(seq);
            self.marks.change_floor = *seq;
        }
        gone.len()
    }

    fn prune_events(&mut self, retention: &Retention, slice: usize, at: DateTime<Utc>) -> usize {
        let horizon = Horizon::of_events(self.events.len() as u64, self.marks.kept, retention, at);
        let rows = self.events.iter();
        let rows = rows.map(|(seq, event)| (*seq, event.at, kept::of_event(event)));
        let (gone, bytes) = head(rows, horizon, slice);
        self.marks.kept.events -= bytes;
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
        let horizon = Horizon::of_jobs(ended.len() as u64, self.marks.kept, retention, at);
        let rows = ended.iter();
        let rows = rows.map(|job| (job.id.clone(), job.completed_at.unwrap_or(at), kept::of_job(job)));
        let (gone, bytes) = head(rows, horizon, slice);
        self.marks.kept.jobs -= bytes;
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

/// The rows that go from the head of a log, at most a slice, and their bytes.
fn head<K>(rows: impl Iterator<Item = (K, DateTime<Utc>, u64)>, mut horizon: Horizon, slice: usize) -> (Vec<K>, u64) {
    let gone = rows.take(slice).take_while(|(_, at, bytes)| horizon.takes(*at, *bytes));
    gone.fold((Vec::new(), 0), |(mut keys, sum), (key, _, bytes)| {
        keys.push(key);
        (keys, sum + bytes)
    })
}
