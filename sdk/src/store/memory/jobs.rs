//! What an operation does to the model's jobs and schedules.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::State;
use crate::store::turn::{self, Meeting, Room};
use crate::store::unique::{self, Met};
use crate::store::{
    Attempt, Claim, Enqueue, Job, NewSchedule, Outcome, Redrive, Refusal, Result, Schedule, Settle, kept, redrive,
    rules, transition,
};
use crate::wire::{JobStatus, Json};

type Applied = Result<Outcome, Refusal>;

impl State {
    pub(super) fn enqueue(&mut self, order: &Enqueue, at: DateTime<Utc>) -> Applied {
        if let Some(kept) = order.throttle_key.as_deref().and_then(|key| self.throttled(key)) {
            return Ok(Outcome::Duplicate(Box::new(kept.clone())));
        }
        let living = order.unique_key.as_deref().and_then(|key| self.living(key)).cloned();
        if let Some(mut living) = living {
            match unique::meet(&mut living, order, at) {
                Met::Left => return Ok(Outcome::Duplicate(Box::new(living))),
                Met::Changed => {
                    self.put_job(living.clone());
                    return Ok(Outcome::Changed(Box::new(living)));
                }
                Met::LetGo => {
                    self.check_id_is_free(&order.id)?;
                    self.put_job(living);
                }
            }
        }
        self.check_id_is_free(&order.id)?;
        let job = transition::enqueued(order, self.next_seq(), at);
        Ok(self.keep(job))
    }

    pub(super) fn redrive(&mut self, redrive: &Redrive, at: DateTime<Utc>) -> Applied {
        let mut old = self.find(&redrive.job)?;
        transition::dead(&old)?;
        if let Some(living) = old.unique_key.as_deref().and_then(|key| self.living(key)) {
            return Err(transition::status(living));
        }
        self.check_id_is_free(&redrive.id)?;
        let new = redrive::redriven(&mut old, redrive, self.next_seq(), at)?;
        self.keep(old);
        Ok(self.keep(new))
    }

    pub(super) fn expire(&mut self, id: &str, at: DateTime<Utc>) -> Applied {
        let mut job = self.find(id)?;
        let key = transition::holds(&job);
        transition::expire(&mut job, at)?;
        let outcome = self.keep(job);
        self.promote(key);
        Ok(outcome)
    }

    pub(super) fn claim(&mut self, claim: &Claim, at: DateTime<Utc>) -> Outcome {
        let mut room = Room::of(claim, at, |name| self.rates.get(name).copied());
        let wanted = |job: &&Job| job.status == JobStatus::Queued && room.names().any(|name| name == job.name);
        let (due, waiting): (Vec<&Job>, Vec<&Job>) =
            self.jobs.values().filter(wanted).partition(|job| job.run_at <= at);
        let mut due: Vec<_> = due.into_iter().map(|job| (turn::order(job), job.id.clone())).collect();
        let next_due = waiting.into_iter().map(|job| job.run_at).min();
        due.sort_unstable();
        let (mut jobs, mut blocked) = (Vec::new(), 0);
        for (_, id) in due {
            if !room.is_open() {
                break;
            }
            let Some(job) = self.jobs.get(&id) else { continue };
            let meeting = room.meet(job, self.running(job));
            match meeting {
                Meeting::Pass => {}
                Meeting::Block => {
                    let mut job = job.clone();
                    transition::block(&mut job);
                    self.put_job(job);
                    blocked += 1;
                }
                Meeting::Start => {
                    let mut job = job.clone();
                    transition::start(&mut job, &claim.owner, at);
                    self.put_job(job.clone());
                    jobs.push(job);
                }
            }
        }
        for (name, kept) in room.spent() {
            self.rates.put(name.to_owned(), kept);
        }
        Outcome::Claimed {
            jobs,
            next_due: room.next_due(at, next_due),
            blocked,
        }
    }

    pub(super) fn settle(&mut self, settle: &Settle, at: DateTime<Utc>) -> Applied {
        let mut job = self.find(&settle.job)?;
        transition::fence(&job, settle.attempt)?;
        let key = transition::holds(&job);
        if let Some(attempt) = transition::settle(&mut job, settle, at) {
            self.keep_attempt(&job, attempt);
        }
        let outcome = self.keep(job);
        self.promote(key);
        Ok(outcome)
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
        let key = transition::holds(&job);
        if let Some(attempt) = transition::cancel(&mut job, at)? {
            self.keep_attempt(&job, attempt);
        }
        let outcome = self.keep(job);
        self.promote(key);
        Ok(outcome)
    }

    /// Takes a running job from a process that is no more.
    pub(in crate::store) fn interrupt(&mut self, mut job: Job, at: DateTime<Utc>) {
        let key = transition::holds(&job);
        let attempt = transition::interrupt(&mut job, at);
        self.keep_attempt(&job, attempt);
        self.put_job(job);
        self.promote(key);
    }

    /// Queues those whose turn it is where a job of a key has ended.
    fn promote(&mut self, key: Option<String>) {
        let Some(key) = key else { return };
        let running = self.running.get(&key).copied().unwrap_or_default();
        let mut names: BTreeMap<String, Vec<Job>> = BTreeMap::new();
        for job in self.jobs.values().filter(|job| job.turn.is_some()) {
            if job.concurrency.as_ref().is_some_and(|of| of.key == key) {
                names.entry(job.name.clone()).or_default().push(job.clone());
            }
        }
        for (_, mut waiting) in names {
            waiting.sort_by_key(|job| (job.turn, job.seq));
            let next = turn::promoted(waiting.iter().filter_map(|job| job.concurrency.as_ref()), running);
            for mut job in waiting.into_iter().take(next) {
                transition::promote(&mut job);
                self.put_job(job);
            }
        }
    }

    /// How many run of a job's key.
    fn running(&self, job: &Job) -> u64 {
        let key = job.concurrency.as_ref();
        key.and_then(|of| self.running.get(&of.key))
            .copied()
            .unwrap_or_default()
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

    fn throttled(&self, throttle_key: &str) -> Option<&Job> {
        let mut jobs = self.jobs.values();
        jobs.find(|job| job.throttle_key.as_deref() == Some(throttle_key))
    }

    fn check_id_is_free(&self, id: &str) -> Result<(), Refusal> {
        match self.jobs.get(id).is_some() || self.schedules.get(id).is_some() {
            true => Err(Refusal::JobExists { id: id.to_owned() }),
            false => Ok(()),
        }
    }

    fn keep(&mut self, job: Job) -> Outcome {
        self.put_job(job.clone());
        Outcome::Job(Box::new(job))
    }

    /// Writes a job, and counts it where it runs with a key, and where it has ended.
    pub(in crate::store) fn put_job(&mut self, job: Job) {
        let runs = |job: &Job| job.status == JobStatus::Running;
        let before = self.jobs.get(&job.id).is_some_and(runs);
        if let Some(of) = job.concurrency.as_ref().filter(|_| before != runs(&job)) {
            let count = self.running.get(&of.key).copied().unwrap_or_default();
            let count = if before { count.saturating_sub(1) } else { count + 1 };
            self.running.put(of.key.clone(), count);
        }
        let was = self.jobs.get(&job.id).map_or(0, kept::of_ended);
        self.marks.kept.jobs = kept::moved(self.marks.kept.jobs, was, kept::of_ended(&job));
        self.jobs.put(job.id.clone(), job);
    }

    fn keep_schedule(&mut self, schedule: Schedule) -> Outcome {
        self.schedules.put(schedule.id.clone(), schedule.clone());
        Outcome::Schedule(Box::new(schedule))
    }

    fn keep_attempt(&mut self, job: &Job, attempt: Attempt) {
        self.attempts.put((job.id.clone(), attempt.attempt), attempt);
    }
}
