//! Taking due jobs: from the queue in memory, one row read and one written each.

use chrono::{DateTime, Utc};
use rusqlite::params;

use super::apply::{Halt, Tables};
use super::row::{self, job_columns, millis, signed};
use crate::store::{Claim, Job, Outcome, rules, transition};

impl Tables<'_> {
    pub(super) fn claim(&mut self, claim: &Claim, at: DateTime<Utc>) -> Result<Outcome, Halt> {
        let mut rooms = Vec::with_capacity(claim.wants.len());
        for (name, slots) in rules::rooms(&claim.wants) {
            rooms.push((name, self.ready.name(self.conn, name)?, slots));
        }
        let mut jobs = Vec::new();
        while jobs.len() < claim.limit {
            let mut first = None;
            for (place, &(name, held, slots)) in rooms.iter().enumerate() {
                if slots == 0 {
                    continue;
                }
                if let Some(due) = self.ready.first(self.conn, (name, held), millis(at))?
                    && first.is_none_or(|(_, first): (_, super::ready::Due)| due.order() < first.order())
                {
                    first = Some((place, due));
                }
            }
            let Some((place, due)) = first else {
                break;
            };
            self.ready.take(rooms[place].1, due);
            rooms[place].2 -= 1;
            jobs.push(self.start(due.seq, &claim.owner, at)?);
        }
        let mut next_due = None;
        for (name, held, _) in rooms {
            let next = self.ready.next_due(self.conn, (name, held), millis(at))?;
            next_due = next.into_iter().chain(next_due).min();
        }
        Ok(Outcome::Claimed {
            jobs,
            next_due: next_due.and_then(DateTime::from_timestamp_millis),
        })
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
