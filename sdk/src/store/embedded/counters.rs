//! The numbers that the writer keeps in memory and writes down once a transaction.

use rusqlite::{Connection, Result, params};

use super::row::{kept_bytes, signed, unsigned};
use crate::store::{Job, Kept, Seq, kept};

/// How far the sequence has come, the horizons, and the counts that would be slow to take anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) seq: Seq,
    pub(super) event_head: Seq,
    pub(super) change_head: Seq,
    pub(super) event_floor: Seq,
    pub(super) change_floor: Seq,
    /// Rows of state, expired ones too.
    pub(super) entries: u64,
    pub(super) changes: u64,
    pub(super) events: u64,
    pub(super) jobs_live: u64,
    pub(super) jobs_ended: u64,
    pub(super) kept: Kept,
}

impl Counters {
    pub(super) fn load(conn: &Connection) -> Result<Self> {
        let mut select = conn.prepare_cached(
            "SELECT seq, event_head, change_head, event_floor, change_floor, entries, changes, events, jobs_live, \
             jobs_ended, event_bytes, change_bytes, job_bytes FROM meta WHERE id = 1",
        )?;
        select.query_row([], |row| {
            Ok(Counters {
                seq: unsigned(row, 0)?,
                event_head: unsigned(row, 1)?,
                change_head: unsigned(row, 2)?,
                event_floor: unsigned(row, 3)?,
                change_floor: unsigned(row, 4)?,
                entries: unsigned(row, 5)?,
                changes: unsigned(row, 6)?,
                events: unsigned(row, 7)?,
                jobs_live: unsigned(row, 8)?,
                jobs_ended: unsigned(row, 9)?,
                kept: kept_bytes(row, 10)?,
            })
        })
    }

    pub(super) fn save(&self, conn: &Connection) -> Result<()> {
        let mut update = conn.prepare_cached(
            "UPDATE meta SET seq = ?1, event_head = ?2, change_head = ?3, event_floor = ?4, change_floor = ?5, \
             entries = ?6, changes = ?7, events = ?8, jobs_live = ?9, jobs_ended = ?10, event_bytes = ?11, change_bytes = ?12, \
             job_bytes = ?13 WHERE id = 1",
        )?;
        update.execute(params![
            signed(self.seq),
            signed(self.event_head),
            signed(self.change_head),
            signed(self.event_floor),
            signed(self.change_floor),
            signed(self.entries),
            signed(self.changes),
            signed(self.events),
            signed(self.jobs_live),
            signed(self.jobs_ended),
            signed(self.kept.events),
            signed(self.kept.changes),
            signed(self.kept.jobs),
        ])?;
        Ok(())
    }

    /// Notes that a job which lived has ended.
    pub(super) fn ended(&mut self, job: &Job) {
        self.jobs_live -= 1;
        self.jobs_ended += 1;
        self.kept.jobs += kept::of_job(job);
    }

    /// Notes that a job which had ended, as it was, lives again.
    pub(super) fn revived(&mut self, was: &Job) {
        self.jobs_live += 1;
        self.jobs_ended -= 1;
        self.kept.jobs = self.kept.jobs.saturating_sub(kept::of_job(was));
    }

    pub(super) fn next_seq(&mut self) -> Seq {
        self.seq += 1;
        self.seq
    }
}
