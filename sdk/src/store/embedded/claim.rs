//! Taking due jobs: the one hot query that has to skip both what has ended and what is not due.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, params};

use super::apply::{Halt, Tables};
use super::row::{self, job_columns, limit, millis, millis_or_none, signed};
use crate::store::turn::{self, Meeting, Room};
use crate::store::{Claim, Job, Outcome, transition};

/// The due jobs of a name and a priority, which are in the order of their turns by themselves.
struct Level<'c> {
    name: &'c str,
    priority: i32,
    /// `run_at` in milliseconds and sequence of the next ones.
    ahead: VecDeque<(i64, i64)>,
}

impl Level<'_> {
    /// The turn of the first, and its sequence.
    fn first(&self) -> Option<(i64, i64)> {
        let (run_at, seq) = self.ahead.front()?;
        Some((turn::turn(self.priority, *run_at), *seq))
    }
}

impl Tables<'_> {
    pub(super) fn claim(&mut self, claim: &Claim, at: DateTime<Utc>) -> Result<Outcome, Halt> {
        let mut room = Room::of(claim);
        let (mut levels, mut next_due) = (Vec::new(), None);
        for (name, _) in room.names() {
            let waits_until = self.walk(name, room.of_name(name), millis(at), &mut levels)?;
            next_due = waits_until.into_iter().chain(next_due).min();
        }
        let (mut jobs, mut blocked) = (Vec::new(), 0);
        let firsts = levels.iter().enumerate();
        let mut next: BinaryHeap<_> = firsts
            .filter_map(|(place, level)| Some(Reverse((level.first()?, place))))
            .collect();
        while room.is_open()
            && let Some(Reverse(((_, seq), place))) = next.pop()
        {
            let mut job = self.queued(seq)?;
            match room.meet(&job, self.running(&job)?) {
                // The name is full, and so for all that follow in its level.
                Meeting::Pass => continue,
                Meeting::Block => {
                    self.block(&mut job)?;
                    blocked += 1;
                }
                Meeting::Start => {
                    self.start(&mut job, &claim.owner, at)?;
                    jobs.push(job);
                }
            }
            let level = &mut levels[place];
            level.ahead.pop_front();
            if level.ahead.is_empty() {
                // All that was read of it is no longer queued. Only jobs that were set aside make it come to this.
                self.read_ahead(level, room.of_name(level.name), millis(at))?;
            }
            next.extend(level.first().map(|first| Reverse((first, place))));
        }
        Ok(Outcome::Claimed {
            jobs,
            next_due: if room.stopped() {
                Some(at)
            } else {
                next_due.and_then(DateTime::from_timestamp_millis)
            },
            blocked,
        })
    }

    /// Finds the due jobs of a name and says when the next one that is not due will be.
    ///
    /// Goes from priority to priority, two seeks in the index each, so that jobs of a later day cost nothing however many
    /// they are.
    fn walk<'c>(
        &self,
        name: &'c str,
        slots: usize,
        at: i64,
        levels: &mut Vec<Level<'c>>,
    ) -> rusqlite::Result<Option<i64>> {
        let mut lower = self.conn.prepare_cached(
            "SELECT priority FROM job INDEXED BY job_ready \
             WHERE status = 1 AND name = ?1 AND priority < ?2 ORDER BY priority DESC LIMIT 1",
        )?;
        let mut waiting = self.conn.prepare_cached(
            "SELECT run_at FROM job INDEXED BY job_ready \
             WHERE status = 1 AND name = ?1 AND priority = ?2 AND run_at > ?3 ORDER BY run_at LIMIT 1",
        )?;
        let mut next_due = None::<i64>;
        let mut below = i64::MAX;
        while let Some(priority) = lower
            .query_row(params![name, below], |row| row.get::<_, i32>(0))
            .optional()?
        {
            let mut level = Level {
                name,
                priority,
                ahead: VecDeque::new(),
            };
            self.read_ahead(&mut level, slots, at)?;
            levels.push(level);
            let run_at = waiting
                .query_row(params![name, priority, at], |row| row.get(0))
                .optional()?;
            next_due = run_at.into_iter().chain(next_due).min();
            below = i64::from(priority);
        }
        Ok(next_due)
    }

    /// Reads as many of a level as there is room for.
    fn read_ahead(&self, level: &mut Level<'_>, slots: usize, at: i64) -> rusqlite::Result<()> {
        if slots == 0 {
            return Ok(());
        }
        let mut ready = self.conn.prepare_cached(
            "SELECT run_at, seq FROM job INDEXED BY job_ready \
             WHERE status = 1 AND name = ?1 AND priority = ?2 AND run_at <= ?3 ORDER BY run_at, seq LIMIT ?4",
        )?;
        let mut rows = ready.query(params![level.name, level.priority, at, limit(slots)])?;
        while let Some(row) = rows.next()? {
            level.ahead.push_back((row.get(0)?, row.get(1)?));
        }
        Ok(())
    }

    fn queued(&self, seq: i64) -> rusqlite::Result<Job> {
        self.conn
            .prepare_cached(concat!("SELECT ", job_columns!(), " FROM job WHERE seq = ?1"))?
            .query_row([seq], row::job)
    }

    fn start(&self, job: &mut Job, owner: &str, at: DateTime<Utc>) -> rusqlite::Result<()> {
        transition::start(job, owner, at);
        self.conn
            .prepare_cached("UPDATE job SET status = 2, attempt = ?2, started_at = ?3, owner = ?4 WHERE seq = ?1")?
            .execute(params![signed(job.seq), job.attempt, millis(at), owner])?;
        Ok(())
    }

    fn block(&self, job: &mut Job) -> rusqlite::Result<()> {
        transition::block(job);
        self.conn
            .prepare_cached("UPDATE job SET status = 0, turn = ?2 WHERE seq = ?1")?
            .execute(params![signed(job.seq), millis_or_none(job.turn)])?;
        Ok(())
    }

    /// How many run of a job's key.
    fn running(&self, job: &Job) -> rusqlite::Result<u64> {
        job.concurrency.as_ref().map_or(Ok(0), |of| self.running_of(&of.key))
    }
}
