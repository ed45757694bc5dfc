//! What the model answers to a question.

use chrono::{DateTime, Utc};

use super::State;
use crate::store::{
    Attempt, Change, ChangeQuery, Direction, Entry, Event, EventQuery, Job, JobQuery, Remembered, Scan, Schedule,
    Stats, rules, transition,
};

impl State {
    pub(super) fn live(&self, namespace: &str, key: &str, now: DateTime<Utc>) -> Option<&Entry> {
        let entry = self.entries.get(&(namespace.to_owned(), key.to_owned()))?;
        (!rules::expired(entry.expires_at, now)).then_some(entry)
    }

    pub(super) fn scan(&self, scan: &Scan, now: DateTime<Utc>) -> Vec<Entry> {
        self.entries
            .iter()
            .filter(|((namespace, key), _)| *namespace == scan.namespace && scan.prefix.covers(key))
            .filter(|((_, key), _)| scan.after.as_ref().is_none_or(|after| key > after))
            .filter(|(_, entry)| !rules::expired(entry.expires_at, now))
            .map(|(_, entry)| entry.clone())
            .take(scan.limit)
            .collect()
    }

    pub(super) fn changes(&self, query: &ChangeQuery) -> Vec<Change> {
        self.changes
            .values()
            .filter(|(namespace, change)| {
                *namespace == query.namespace && change.seq > query.after && query.prefix.covers(&change.key)
            })
            .map(|(_, change)| change.clone())
            .take(query.limit)
            .collect()
    }

    pub(super) fn events(&self, query: &EventQuery) -> Vec<Event> {
        let wanted = |event: &&Event| {
            event.seq > query.after
                && query.before.is_none_or(|before| event.seq < before)
                && query.since.is_none_or(|since| event.at > since)
                && query.filter.matches(&event.topic)
        };
        let events = self.events.values().filter(wanted);
        match query.direction {
            Direction::Forward => events.take(query.limit).cloned().collect(),
            Direction::Backward => events.rev().take(query.limit).cloned().collect(),
        }
    }

    pub(super) fn event(&self, id: &str) -> Option<Event> {
        self.event_ids.get(&id.to_owned())?;
        self.events.values().find(|event| event.id == id).cloned()
    }

    pub(super) fn jobs(&self, query: &JobQuery) -> Vec<Job> {
        let wanted = |job: &&Job| {
            query.status.is_none_or(|status| job.status == status)
                && query.name.as_ref().is_none_or(|name| job.name == *name)
                && (query.schedule_id.is_none() || query.schedule_id == job.schedule_id)
                && query.before.is_none_or(|before| job.seq < before)
        };
        let mut jobs: Vec<&Job> = self.jobs.values().filter(wanted).collect();
        jobs.sort_by_key(|job| std::cmp::Reverse(job.seq));
        jobs.into_iter().take(query.limit).cloned().collect()
    }

    pub(super) fn unbegun(&self, limit: usize) -> Vec<Job> {
        let waits = |job: &&Job| job.start_by.is_some() && transition::unbegun(job);
        let mut jobs: Vec<&Job> = self.jobs.values().filter(waits).collect();
        jobs.sort_by_key(|job| (job.start_by, job.seq));
        jobs.into_iter().take(limit).cloned().collect()
    }

    pub(super) fn attempts(&self, job: &str) -> Vec<Attempt> {
        let of_job = self.attempts.iter().filter(|((id, _), _)| id == job);
        of_job.map(|(_, attempt)| attempt.clone()).collect()
    }

    pub(super) fn schedules(&self) -> Vec<Schedule> {
        let live = self
            .schedules
            .values()
            .filter(|schedule| schedule.cancelled_at.is_none());
        let mut live: Vec<Schedule> = live.cloned().collect();
        live.sort_by_key(|schedule| schedule.seq);
        live
    }

    pub(super) fn remembered(&self, scope: &str, key: &str, now: DateTime<Utc>) -> Option<&Remembered> {
        let kept = self.remembered.get(&(scope.to_owned(), key.to_owned()))?;
        (!rules::expired(Some(kept.expires_at), now)).then_some(kept)
    }

    pub(super) fn stats(&self, now: DateTime<Utc>) -> Stats {
        let live = self
            .entries
            .values()
            .filter(|entry| !rules::expired(entry.expires_at, now));
        let jobs_live = self.jobs.values().filter(|job| rules::lives(job)).count();
        Stats {
            event_floor: self.marks.event_floor,
            change_floor: self.marks.change_floor,
            keys: live.count() as u64,
            events: self.events.len() as u64,
            jobs_live: jobs_live as u64,
            jobs_ended: (self.jobs.len() - jobs_live) as u64,
            kept: self.marks.kept,
            bytes: 0,
            full: false,
        }
    }
}
