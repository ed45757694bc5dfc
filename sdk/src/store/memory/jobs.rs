//! What an operation does to the model's jobs and schedules.

use chrono::{DateTime, Utc};

use super::State;
use crate::store::{
    Attempt, Claim, Enqueue, Job, NewSchedule, Outcome, Refusal, Result, Schedule, Settle, rules, transition,
};
use crate::wire::{JobStatus, Json};

type Applied = Result<Outcome, Refusal>;

impl State {
    pub(super) fn enqueue(&mut self, order: &Enqueue, at: DateTime<Utc>) -> Applied {
        if let Some(living) = order.unique_key.as_deref().and_then(|key| self.living(key)) {
            return Ok(Outcome::Duplicate(Box::new(living.clone())));
        }
        self.check_id_is_free(&order.id)?;
        let job = transition::enqueued(order, self.next_seq(), at);
        Ok(self.keep(job))
    }

    pub(super) fn claim(&mut self, claim: &Claim, at: DateTime<Utc>) -> Outcome {
        let mut due: Vec<Job> = Vec::new();
        let mut next_due = None;
        for (name, slots) in rules::rooms(&claim.wants) {
            let queued = |job: &&Job| job.status == JobStatus::Queued && job.name == name;
            let (mut ready, waiting): (Vec<&Job>, Vec<&Job>) =
                self.jobs.values().filter(queued).partition(|job| job.run_at <= at);
            ready.sort_by_key(|job| start_order(job));
            due.extend(ready.into_iter().take(slots).cloned());
            next_due = waiting.into_iter().map(|job| job.run_at).chain(next_due).min();
        }
        due.sort_by_key(start_order);
        due.truncate(claim.limit);
        for job in &mut due {
            transition::start(job, &claim.owner, at);
            self.jobs.put(job.id.clone(), job.clone());
        }
        Outcome::Claimed { jobs: due, next_due }
    }

    pub(super) fn settle(&mut self, settle: &Settle, at: DateTime<Utc>) -> Applied {
        let mut job = self.find(&settle.job)?;
        transition::fence(&job, settle.attempt)?;
        if let Some(attempt) = transition::settle(&mut job, settle, at) {
            self.keep_attempt(&job, attempt);
        }
        Ok(self.keep(job))
    }

    pub(super) fn progress(&mut self, id: &str, attempt: u32, progress: &Json) -> Applied {
        let mut job = self.find(id)?;
        transition::fence(&job, attempt)?;
        job.progress = Some(progress.clone());
        self.keep(job);
        Ok(Outcome::Done)
    }

    pub(super) fn cancel(&mut self, id: &str, at: DateTime<Utc>) -> Applied {
        if let Some(schedule) = self.schedules.get(id) {
            let mut schedule = schedule.clone();
            transition::cancel_schedule(&mut schedule, at)?;
            return Ok(self.keep_schedule(schedule));
        }
        let mut job = self.find(id)?;
        if let Some(attempt) = transition::cancel(&mut job, at)? {
            self.keep_attempt(&job, attempt);
        }
        Ok(self.keep(job))
    }

    pub(super) fn acknowledge(&mut self, id: &str, attempt: u32, at: DateTime<Utc>) -> Outcome {
        if let Some(mut job) = self.jobs.get(id).cloned()
            && transition::acknowledge(&mut job, attempt, at)
        {
            self.keep(job);
        }
        Outcome::Done
    }

    pub(super) fn revive(&mut self, id: &str, at: DateTime<Utc>) -> Applied {
        let mut job = self.find(id)?;
        transition::revive(&mut job, at)?;
        if let Some(living) = job.unique_key.as_deref().and_then(|key| self.living(key)) {
            return Err(transition::status(living));
        }
        Ok(self.keep(job))
    }

    pub(super) fn wake(&mut self, id: &str, at: DateTime<Utc>) -> Outcome {
        if let Some(mut job) = self.jobs.get(id).cloned()
            && transition::wake(&mut job, at)
        {
            self.keep(job);
        }
        Outcome::Done
    }

    pub(super) fn schedule(&mut self, order: &NewSchedule, at: DateTime<Utc>) -> Applied {
        self.check_id_is_free(&order.id)?;
        let schedule = transition::scheduled(order, self.next_seq(), at);
        Ok(self.keep_schedule(schedule))
    }

    pub(super) fn tick(&mut self, id: &str, from: DateTime<Utc>, next: Option<DateTime<Utc>>) -> Applied {
        let missing = || Refusal::NoSuchJob { id: id.to_owned() };
        let mut schedule = self.schedules.get(id).cloned().ok_or_else(missing)?;
        rules::check_tick(&schedule, from)?;
        schedule.last_run = Some(from);
        schedule.next_run = next;
        Ok(self.keep_schedule(schedule))
    }

    fn find(&self, id: &str) -> Result<Job, Refusal> {
        let missing = || Refusal::NoSuchJob { id: id.to_owned() };
        self.jobs.get(id).cloned().ok_or_else(missing)
    }

    fn living(&self, unique_key: &str) -> Option<&Job> {
        let mut jobs = self.jobs.values();
        jobs.find(|job| rules::lives(job) && job.unique_key.as_deref() == Some(unique_key))
    }

    fn check_id_is_free(&self, id: &str) -> Result<(), Refusal> {
        match self.jobs.get(id).is_some() || self.schedules.get(id).is_some() {
            true => Err(Refusal::JobExists { id: id.to_owned() }),
            false => Ok(()),
        }
    }

    fn keep(&mut self, job: Job) -> Outcome {
        self.jobs.put(job.id.clone(), job.clone());
        Outcome::Job(Box::new(job))
    }

    fn keep_schedule(&mut self, schedule: Schedule) -> Outcome {
        self.schedules.put(schedule.id.clone(), schedule.clone());
        Outcome::Schedule(Box::new(schedule))
    }

    fn keep_attempt(&mut self, job: &Job, attempt: Attempt) {
        self.attempts.put((job.id.clone(), attempt.attempt), attempt);
    }
}

fn start_order(job: &Job) -> impl Ord + use<> {
    rules::start_order(job.priority, job.run_at, job.seq)
}
