//! What an operation does to the tables of jobs and their attempts.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, params};

use super::apply::{Halt, Tables};
use super::row::{self, duration_millis, end_number, job_columns, millis, millis_or_none, signed, status_number, text};
use crate::store::{Attempt, Job, Outcome, Refusal, Seq, Settle, transition};
use crate::wire::Json;

impl Tables<'_> {
    pub(super) fn settle(&mut self, settle: &Settle, at: DateTime<Utc>) -> Result<Outcome, Halt> {
        let mut job = self.job(&settle.job)?;
        transition::fence(&job, settle.attempt)?;
        let key = transition::holds(&job);
        if let Some(attempt) = transition::settle(&mut job, settle, at) {
            self.insert_attempt(job.seq, &attempt)?;
        }
        self.update_job(&job)?;
        self.ready.add(&job);
        self.promote(key)?;
        if job.status.ended() {
            self.counters.ended(&job);
        }
        Ok(Outcome::Job(Box::new(job)))
    }

    pub(super) fn progress(&mut self, id: &str, attempt: u32, progress: &Json) -> Result<Outcome, Halt> {
        let job = self.job(id)?;
        transition::fence(&job, attempt)?;
        self.set_progress(job.seq, progress)?;
        Ok(Outcome::Done)
    }

    pub(super) fn set_progress(&self, job: Seq, progress: &Json) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached("UPDATE job SET progress = ?2 WHERE seq = ?1")?
            .execute(params![signed(job), progress.text()])?;
        Ok(())
    }

    pub(super) fn cancel(&mut self, id: &str, at: DateTime<Utc>) -> Result<Outcome, Halt> {
        let Some(mut job) = self.find_job(id)? else {
            return self.cancel_schedule(id, at);
        };
        let (was, key) = (job.clone(), transition::holds(&job));
        if let Some(attempt) = transition::cancel(&mut job, at)? {
            self.insert_attempt(job.seq, &attempt)?;
        }
        self.update_job(&job)?;
        self.ready.remove(&was);
        self.promote(key)?;
        self.counters.ended(&job);
        Ok(Outcome::Job(Box::new(job)))
    }

    pub(super) fn acknowledge(&mut self, id: &str, attempt: u32, at: DateTime<Utc>) -> Result<Outcome, Halt> {
        if let Some(mut job) = self.find_job(id)?
            && transition::acknowledge(&mut job, attempt, at)
        {
            self.update_job(&job)?;
        }
        Ok(Outcome::Done)
    }

    pub(super) fn revive(&mut self, id: &str, at: DateTime<Utc>) -> Result<Outcome, Halt> {
        let mut job = self.job(id)?;
        let was = job.clone();
        transition::revive(&mut job, at)?;
        if let Some(living) = self.living(job.unique_key.as_deref())? {
            return Err(transition::status(&living).into());
        }
        self.update_job(&job)?;
        self.rewrite_job(&job)?;
        self.ready.add(&job);
        self.counters.revived(&was);
        Ok(Outcome::Job(Box::new(job)))
    }

    pub(super) fn wake(&mut self, id: &str, at: DateTime<Utc>) -> Result<Outcome, Halt> {
        if let Some(was) = self.find_job(id)? {
            let mut job = was.clone();
            if transition::wake(&mut job, at) {
                self.update_job(&job)?;
                self.ready.remove(&was);
                self.ready.add(&job);
            }
        }
        Ok(Outcome::Done)
    }

    /// Takes the running jobs of every owner but one: their processes are no more, since this one holds the file.
    pub(super) fn take_over(&mut self, owner: &str, at: DateTime<Utc>) -> rusqlite::Result<()> {
        let left: Vec<Job> = self
            .conn
            .prepare_cached(concat!(
                "SELECT ",
                job_columns!(),
                " FROM job WHERE status = 2 AND owner IS NOT ?1 ORDER BY seq"
            ))?
            .query_map([owner], row::job)?
            .collect::<rusqlite::Result<_>>()?;
        for mut job in left {
            let key = transition::holds(&job);
            let attempt = transition::interrupt(&mut job, at);
            self.insert_attempt(job.seq, &attempt)?;
            self.update_job(&job)?;
            self.promote(key)?;
        }
        Ok(())
    }

    pub(super) fn job(&self, id: &str) -> Result<Job, Halt> {
        let job = self.find_job(id)?;
        job.ok_or_else(|| Refusal::NoSuchJob { id: id.to_owned() }.into())
    }

    fn find_job(&self, id: &str) -> rusqlite::Result<Option<Job>> {
        self.conn
            .prepare_cached(concat!("SELECT ", job_columns!(), " FROM job WHERE id = ?1"))?
            .query_row([id], row::job)
            .optional()
    }

    pub(super) fn has_job(&self, id: &str) -> rusqlite::Result<bool> {
        self.conn
            .prepare_cached("SELECT 1 FROM job WHERE id = ?1")?
            .exists([id])
    }

    pub(super) fn living(&self, unique_key: Option<&str>) -> rusqlite::Result<Option<Job>> {
        let Some(unique_key) = unique_key else {
            return Ok(None);
        };
        self.conn
            .prepare_cached(concat!(
                "SELECT ",
                job_columns!(),
                " FROM job INDEXED BY job_unique WHERE unique_key = ?1 AND status <= 2"
            ))?
            .query_row([unique_key], row::job)
            .optional()
    }

    /// Whether the id was free.
    pub(super) fn insert_job(&self, job: &Job) -> rusqlite::Result<bool> {
        let written = self
            .conn
            .prepare_cached(
                "INSERT INTO job (seq, id, name, params, status, priority, created_at, run_at, attempt, failures, \
                 max_attempts, backoff_base, backoff_factor, backoff_cap, timeout, unique_key, schedule_id, trace, \
                 deadline, concurrency_key, concurrency_limit, start_by, heartbeat, throttle_key, redrive_of, \
                 redriven_as) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, 0, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, \
                 ?20, ?21, ?22, ?23, ?24) \
                 ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![
                signed(job.seq),
                job.id,
                job.name,
                text(&job.params),
                status_number(job.status),
                job.priority,
                millis(job.created_at),
                millis(job.run_at),
                job.max_attempts,
                signed(job.backoff.base),
                job.backoff.factor,
                signed(job.backoff.cap),
                duration_millis(job.timeout),
                job.unique_key,
                job.schedule_id,
                job.trace,
                millis_or_none(job.deadline),
                job.concurrency.as_ref().map(|of| &of.key),
                job.concurrency.as_ref().map(|of| of.limit),
                millis_or_none(job.start_by),
                duration_millis(job.heartbeat),
                job.throttle_key,
                job.redrive_of,
                job.redriven_as
            ])?;
        Ok(written > 0)
    }

    /// Writes what a transition changed.
    pub(super) fn update_job(&self, job: &Job) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE job SET status = ?2, run_at = ?3, started_at = ?4, completed_at = ?5, attempt = ?6, \
                 failures = ?7, result = ?8, error = ?9, error_stack = ?10, owner = ?11, cancel_acknowledged_at = ?12, \
                 deadline = ?13, turn = ?14, attempt_bytes = ?15 \
                 WHERE seq = ?1",
            )?
            .execute(params![
                signed(job.seq),
                status_number(job.status),
                millis(job.run_at),
                millis_or_none(job.started_at),
                millis_or_none(job.completed_at),
                job.attempt,
                job.failures,
                text(&job.result),
                job.error.as_ref().map(|error| &error.message),
                job.error.as_ref().and_then(|error| error.stack.as_ref()),
                job.owner,
                millis_or_none(job.cancel_acknowledged_at),
                millis_or_none(job.deadline),
                millis_or_none(job.turn),
                signed(job.attempt_bytes)
            ])?;
        Ok(())
    }

    pub(super) fn insert_attempt(&self, job: Seq, attempt: &Attempt) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached(
                "INSERT INTO attempt (job, attempt, started_at, ended_at, ending, error, error_stack, trace) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                signed(job),
                attempt.attempt,
                millis(attempt.started_at),
                millis(attempt.ended_at),
                end_number(attempt.end),
                attempt.error.as_ref().map(|error| &error.message),
                attempt.error.as_ref().and_then(|error| error.stack.as_ref()),
                attempt.trace
            ])?;
        Ok(())
    }
}
