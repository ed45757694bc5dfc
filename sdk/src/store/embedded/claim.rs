//! Taking due jobs: from the queue in memory, one row read and one written each.

use chrono::{DateTime, Utc};
use rusqlite::params;

use super::apply::{Halt, Tables};
use super::ready::{Due, Line};
use super::row::{self, job_columns, millis, millis_or_none, signed};
use crate::store::turn::{Meeting, Room};
use crate::store::{Claim, Job, Outcome, transition};

impl Tables<'_> {
    pub(super) fn claim(&mut self, claim: &Claim, at: DateTime<Utc>) -> Result<Outcome, Halt> {
        let rates = self.rates(claim)?;
        let mut room = Room::of(claim, at, |name| rates.get(name).copied());
        let mut lines = Vec::new();
        for name in room.names() {
            lines.push(self.ready.line(self.conn, name)?);
        }
        let (mut jobs, mut blocked) = (Vec::new(), 0);
        while room.is_open()
            && let Some((line, due)) = self.first(&lines, &room, millis(at))?
        {
            let mut job = self.queued(due.seq)?;
            match room.meet(&job, self.running(&job)?) {
                // There is room for its name, or it would not have been found.
                Meeting::Pass => break,
                Meeting::Block => {
                    self.block(&mut job)?;
                    blocked += 1;
                }
                Meeting::Start => {
                    self.start(&mut job, &claim.owner, at)?;
                    jobs.push(job);
                }
            }
            self.ready.take(line, due);
        }
        let mut next_due = None;
        for line in lines {
            let next = self.ready.next_due(self.conn, line, millis(at))?;
            next_due = next.into_iter().chain(next_due).min();
        }
        for (name, kept) in room.spent() {
            self.keep_rate(name, kept)?;
        }
        Ok(Outcome::Claimed {
            jobs,
            next_due: room.next_due(at, next_due.and_then(DateTime::from_timestamp_millis)),
            blocked,
        })
    }

    /// The due job whose turn it is, of the names for which there is room.
    fn first<'c>(&mut self, lines: &[Line<'c>], room: &Room<'c>, at: i64) -> rusqlite::Result<Option<(Line<'c>, Due)>> {
        let mut first: Option<(Line<'c>, Due)> = None;
        for line in lines {
            if room.of_name(line.name) == 0 {
                continue;
            }
            if let Some(due) = self.ready.first(self.conn, *line, at)?
                && first.is_none_or(|(_, first)| due.order() < first.order())
            {
                first = Some((*line, due));
            }
        }
        Ok(first)
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
