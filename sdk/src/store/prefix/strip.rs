//! The way out: names lose the prefix, and what does not bear it is not there.

use super::Prefixed;
use crate::store::{Change, Entry, Event, Job, Outcome, Schedule};

impl Prefixed {
    /// A name without the prefix. Only what lies under the prefix was asked for, so it bears it.
    pub(super) fn stripped(&self, mut name: String) -> String {
        if self.prefix.covers(&name) {
            name.drain(..self.prefix.as_str().len());
        }
        name
    }

    pub(super) fn entry(&self, mut entry: Entry) -> Entry {
        entry.key = self.stripped(entry.key);
        entry
    }

    pub(super) fn change(&self, mut change: Change) -> Change {
        change.key = self.stripped(change.key);
        change.entry = change.entry.map(|entry| self.entry(entry));
        change
    }

    pub(super) fn event(&self, mut event: Event) -> Event {
        event.topic = self.stripped(event.topic);
        event
    }

    pub(super) fn own_job(&self, job: Job) -> Option<Job> {
        self.prefix.covers(&job.name).then(|| self.job_of(job))
    }

    pub(super) fn own_schedule(&self, schedule: Schedule) -> Option<Schedule> {
        self.prefix.covers(&schedule.name).then(|| self.schedule_of(schedule))
    }

    pub(super) fn outcome(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Written(entry) => Outcome::Written(self.entry(entry)),
            Outcome::Job(job) => Outcome::Job(Box::new(self.job_of(*job))),
            Outcome::Duplicate(job) => Outcome::Duplicate(Box::new(self.job_of(*job))),
            Outcome::Changed(job) => Outcome::Changed(Box::new(self.job_of(*job))),
            Outcome::Claimed {
                jobs,
                next_due,
                blocked,
            } => Outcome::Claimed {
                jobs: jobs.into_iter().map(|job| self.job_of(job)).collect(),
                next_due,
                blocked,
            },
            Outcome::Schedule(schedule) => Outcome::Schedule(Box::new(self.schedule_of(*schedule))),
            plain @ (Outcome::Deleted(_) | Outcome::Emitted(_) | Outcome::Pruned(_) | Outcome::Done) => plain,
        }
    }

    fn job_of(&self, mut job: Job) -> Job {
        job.name = self.stripped(job.name);
        job.unique_key = job.unique_key.map(|key| self.stripped(key));
        job.concurrency
            .iter_mut()
            .for_each(|of| of.key = self.stripped(std::mem::take(&mut of.key)));
        job.throttle_key = job.throttle_key.map(|key| self.stripped(key));
        job
    }

    fn schedule_of(&self, mut schedule: Schedule) -> Schedule {
        schedule.name = self.stripped(schedule.name);
        schedule
    }
}
