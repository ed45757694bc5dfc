//! What makes jobs and changes what was ordered: orders, with what they do to the job that has their unique key, and redrives.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, params};

use super::apply::{Halt, Tables};
use super::row::{self, job_columns, millis, millis_or_none, signed, text};
use crate::store::unique::{self, Met};
use crate::store::{Enqueue, Job, Outcome, Redrive, Refusal, kept, redrive, transition};

impl Tables<'_> {
    pub(super) fn enqueue(&mut self, order: &Enqueue, at: DateTime<Utc>) -> Result<Outcome, Halt> {
        if let Some(kept) = self.throttled(order.throttle_key.as_deref())? {
            return Ok(Outcome::Duplicate(Box::new(kept)));
        }
        if let Some(mut living) = self.living(order.unique_key.as_deref())? {
            let was = living.clone();
            match unique::meet(&mut living, order, at) {
                Met::Left => return Ok(Outcome::Duplicate(Box::new(living))),
                Met::Changed => {
                    self.rewrite_job(&living)?;
                    // At the same place too: what a claim takes of it is what it was changed to, which may yet come to nothing.
                    self.ready.remove(&was);
                    self.ready.add(&living);
                    return Ok(Outcome::Changed(Box::new(living)));
                }
                Met::LetGo => {
                    self.check_id_is_free(&order.id)?;
                    self.rewrite_job(&living)?;
                }
            }
        }
        if self.find_schedule(&order.id)?.is_some() {
            return Err(Refusal::JobExists { id: order.id.clone() }.into());
        }
        let job = transition::enqueued(order, self.counters.next_seq(), at);
        self.make(job)
    }

    pub(super) fn redrive(&mut self, redrive: &Redrive, at: DateTime<Utc>) -> Result<Outcome, Halt> {
        let mut old = self.job(&redrive.job)?;
        transition::dead(&old)?;
        if let Some(living) = self.living(old.unique_key.as_deref())? {
            return Err(transition::status(&living).into());
        }
        self.check_id_is_free(&redrive.id)?;
        let was = kept::of_job(&old);
        let new = redrive::redriven(&mut old, redrive, self.counters.next_seq(), at)?;
        self.rewrite_job(&old)?;
        self.counters.kept.jobs = kept::moved(self.counters.kept.jobs, was, kept::of_job(&old));
        self.make(new)
    }

    pub(super) fn expire(&mut self, id: &str, at: DateTime<Utc>) -> Result<Outcome, Halt> {
        let mut job = self.job(id)?;
        let (was, key) = (job.clone(), transition::holds(&job));
        transition::expire(&mut job, at)?;
        self.update_job(&job)?;
        self.ready.remove(&was);
        self.promote(key)?;
        self.counters.ended(&job);
        Ok(Outcome::Job(Box::new(job)))
    }

    fn make(&mut self, job: Job) -> Result<Outcome, Halt> {
        if !self.insert_job(&job)? {
            return Err(Refusal::JobExists { id: job.id }.into());
        }
        self.counters.jobs_live += 1;
        self.ready.add(&job);
        Ok(Outcome::Job(Box::new(job)))
    }

    fn check_id_is_free(&self, id: &str) -> Result<(), Halt> {
        match self.has_job(id)? || self.find_schedule(id)?.is_some() {
            true => Err(Refusal::JobExists { id: id.to_owned() }.into()),
            false => Ok(()),
        }
    }

    fn throttled(&self, throttle_key: Option<&str>) -> rusqlite::Result<Option<Job>> {
        let Some(throttle_key) = throttle_key else {
            return Ok(None);
        };
        self.conn
            .prepare_cached(concat!("SELECT ", job_columns!(), " FROM job WHERE throttle_key = ?1"))?
            .query_row([throttle_key], row::job)
            .optional()
    }

    /// Writes what changes in what was ordered; what an attempt changes is [written](Tables::update_job) without it.
    pub(super) fn rewrite_job(&self, job: &Job) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE job SET params = ?2, run_at = ?3, failures = ?4, unique_key = ?5, start_by = ?6, \
                 redriven_as = ?7 WHERE seq = ?1",
            )?
            .execute(params![
                signed(job.seq),
                text(&job.params),
                millis(job.run_at),
                job.failures,
                job.unique_key,
                millis_or_none(job.start_by),
                job.redriven_as
            ])?;
        Ok(())
    }
}
