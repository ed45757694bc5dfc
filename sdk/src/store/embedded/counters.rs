//! The numbers that the writer keeps in memory and writes down once a transaction.

use rusqlite::{Connection, Result, params};

use super::row::{signed, unsigned};
use crate::store::Seq;

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
}

impl Counters {
    pub(super) fn load(conn: &Connection) -> Result<Self> {
        let mut select = conn.prepare_cached(
            "SELECT seq, event_head, change_head, event_floor, change_floor, entries, changes, events, jobs_live, \
             jobs_ended FROM meta WHERE id = 1",
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
            })
        })
    }

    pub(super) fn save(&self, conn: &Connection) -> Result<()> {
        let mut update = conn.prepare_cached(
            "UPDATE meta SET seq = ?1, event_head = ?2, change_head = ?3, event_floor = ?4, change_floor = ?5, \
             entries = ?6, changes = ?7, events = ?8, jobs_live = ?9, jobs_ended = ?10 WHERE id = 1",
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
        ])?;
        Ok(())
    }

    pub(super) fn next_seq(&mut self) -> Seq {
        self.seq += 1;
        self.seq
    }
}
