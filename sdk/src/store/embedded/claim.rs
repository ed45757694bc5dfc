//! Taking due jobs: the one hot query that has to skip both what has ended and what is not due.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, params};

use super::apply::{Halt, Tables};
use super::row::{self, job_columns, limit, millis, signed};
use crate::store::{Claim, Job, Outcome, rules, transition};

/// A due job before it is chosen: priority, `run_at` in milliseconds, sequence.
type Candidate = (i32, i64, i64);

impl Tables<'_> {
    pub(super) fn claim(&mut self, claim: &Claim, at: DateTime<Utc>) -> Result<Outcome, Halt> {
        let mut due = Vec::new();
        let mut next_due = None;
        for (name, slots) in rules::rooms(&claim.wants) {
            let waits_until = self.walk(name, slots.min(claim.limit), millis(at), &mut due)?;
            next_due = waits_until.into_iter().chain(next_due).min();
        }
        due.sort_unstable_by_key(|&(priority, run_at, seq)| rules::start_order(priority, run_at, seq.cast_unsigned()));
        due.truncate(claim.limit);
        let jobs = due.into_iter().map(|(_, _, seq)| self.start(seq, &claim.owner, at));
        Ok(Outcome::Claimed {
            jobs: jobs.collect::<rusqlite::Result<_>>()?,
            next_due: next_due.and_then(DateTime::from_timestamp_millis),
        })
    }

    /// Collects the due jobs of a name and says when the next one that is not due will be.
    ///
    /// Goes from priority to priority, two seeks in the index each, so that jobs of a later day cost nothing however many
    /// they are.
    fn walk(&self, name: &str, slots: usize, at: i64, due: &mut Vec<Candidate>) -> rusqlite::Result<Option<i64>> {
        let mut lower = self.conn.prepare_cached(
            "SELECT priority FROM job INDEXED BY job_ready \
             WHERE status = 1 AND name = ?1 AND priority < ?2 ORDER BY priority DESC LIMIT 1",
        )?;
        let mut ready = self.conn.prepare_cached(
            "SELECT run_at, seq FROM job INDEXED BY job_ready \
             WHERE status = 1 AND name = ?1 AND priority = ?2 AND run_at <= ?3 ORDER BY run_at, seq LIMIT ?4",
        )?;
        let mut waiting = self.conn.prepare_cached(
            "SELECT run_at FROM job INDEXED BY job_ready \
             WHERE status = 1 AND name = ?1 AND priority = ?2 AND run_at > ?3 ORDER BY run_at LIMIT 1",
        )?;
        let (mut room, mut next_due) = (slots, None::<i64>);
        let mut below = i64::MAX;
        while let Some(priority) = lower
            .query_row(params![name, below], |row| row.get::<_, i32>(0))
            .optional()?
        {
            if room > 0 {
                let before = due.len();
                let mut rows = ready.query(params![name, priority, at, limit(room)])?;
                while let Some(row) = rows.next()? {
                    due.push((priority, row.get(0)?, row.get(1)?));
                }
                room -= due.len() - before;
            }
            let run_at = waiting
                .query_row(params![name, priority, at], |row| row.get(0))
                .optional()?;
            next_due = run_at.into_iter().chain(next_due).min();
            below = i64::from(priority);
        }
        Ok(next_due)
    }

    fn start(&self, seq: i64, owner: &str, at: DateTime<Utc>) -> rusqlite::Result<Job> {
        let mut job = self
            .conn
            .prepare_cached(concat!("SELECT ", job_columns!(), " FROM job WHERE seq = ?1"))?
            .query_row([seq], row::job)?;
        transition::start(&mut job, owner, at);
        self.conn
            .prepare_cached("UPDATE job SET status = 2, attempt = ?2, started_at = ?3, owner = ?4 WHERE seq = ?1")?
            .execute(params![signed(job.seq), job.attempt, millis(at), owner])?;
        Ok(job)
    }
}
