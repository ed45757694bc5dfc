//! The one row that every commit holds: how far the sequence has come, the horizons, and the counts.

use super::failure::Fault;
use super::link::Rows;
use super::query::{Query, Value, number};
use super::row::{kept_bytes, signed, unsigned};
use crate::store::memory::{Marks, State};
use crate::store::{Heads, rules};

/// The row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meta {
    pub(super) marks: Marks,
    /// Rows of state, expired ones too.
    pub(super) entries: u64,
    pub(super) changes: u64,
    pub(super) events: u64,
    pub(super) jobs_live: u64,
    pub(super) jobs_ended: u64,
}

/// Reads the row alone.
const LOOK: &str = "SELECT seq, event_head, change_head, job_wakes, job_updates, plans, event_floor, change_floor, entries, \
                    changes, events, jobs_live, jobs_ended, event_bytes, change_bytes, job_bytes FROM {s}.meta WHERE id = 1";
/// Takes the row, and with it the turn to commit.
const LOCK: &str = "SELECT seq, event_head, change_head, job_wakes, job_updates, plans, event_floor, change_floor, entries, \
                    changes, events, jobs_live, jobs_ended, event_bytes, change_bytes, job_bytes FROM {s}.meta \
                    WHERE id = 1 FOR UPDATE";
/// The columns of [`heads`].
pub(super) const HEAD_COLUMNS: &str = "seq, event_head, change_head, job_wakes, job_updates, plans";
/// The one row, to be read.
pub(super) const FROM_META: &str = "FROM {s}.meta WHERE id = 1";
const SAVE: &str = "UPDATE {s}.meta SET seq = $1, event_head = $2, change_head = $3, job_wakes = $4, job_updates = $5, plans = $6, \
                    event_floor = $7, change_floor = $8, entries = $9, changes = $10, events = $11, jobs_live = $12, \
                    jobs_ended = $13, event_bytes = $14, change_bytes = $15, job_bytes = $16 WHERE id = 1";

impl Meta {
    pub(super) fn lock() -> Query<'static> {
        Query::new(LOCK, [])
    }

    pub(super) fn look() -> Query<'static> {
        Query::new(LOOK, [])
    }

    pub(super) fn read(rows: &Rows) -> Result<Self, Fault> {
        let row = rows
            .first()
            .ok_or_else(|| Fault::Damaged("the row of meta is not there".into()))?;
        Ok(Meta {
            marks: Marks {
                heads: heads(row, 0)?,
                event_floor: unsigned(row, 6)?,
                change_floor: unsigned(row, 7)?,
                kept: kept_bytes(row, 13)?,
            },
            entries: unsigned(row, 8)?,
            changes: unsigned(row, 9)?,
            events: unsigned(row, 10)?,
            jobs_live: unsigned(row, 11)?,
            jobs_ended: unsigned(row, 12)?,
        })
    }

    /// An empty state that goes on where the row stands.
    pub(super) fn state(&self) -> State {
        State::at(self.marks)
    }

    /// The row after what was done to a loaded state.
    pub(super) fn after(&self, before: &State, after: &State) -> Self {
        let live = |state: &State| state.jobs.values().filter(|job| rules::lives(job)).count();
        let (was_live, is_live) = (live(before), live(after));
        let ended = |state: &State, live: usize| state.jobs.len() - live;
        let moved = |count: u64, was: usize, is: usize| (count + is as u64).saturating_sub(was as u64);
        Meta {
            marks: after.marks,
            entries: moved(self.entries, before.entries.len(), after.entries.len()),
            changes: moved(self.changes, before.changes.len(), after.changes.len()),
            events: moved(self.events, before.events.len(), after.events.len()),
            jobs_live: moved(self.jobs_live, was_live, is_live),
            jobs_ended: moved(self.jobs_ended, ended(before, was_live), ended(after, is_live)),
        }
    }

    pub(super) fn save(&self) -> Query<'static> {
        let Marks {
            heads,
            event_floor,
            change_floor,
            kept,
        } = self.marks;
        let values: [u64; 16] = [
            heads.seq,
            heads.event,
            heads.change,
            heads.jobs,
            heads.job_updates,
            heads.plans,
            event_floor,
            change_floor,
            self.entries,
            self.changes,
            self.events,
            self.jobs_live,
            self.jobs_ended,
            kept.events,
            kept.changes,
            kept.jobs,
        ];
        let values: Vec<Value<'static>> = values.into_iter().map(|value| number(signed(value))).collect();
        Query::new(SAVE, values)
    }
}

/// Heads from the columns of [`HEAD_COLUMNS`].
pub(super) fn heads(row: &tokio_postgres::Row, first: usize) -> Result<Heads, Fault> {
    Ok(Heads {
        seq: unsigned(row, first)?,
        event: unsigned(row, first + 1)?,
        change: unsigned(row, first + 2)?,
        jobs: unsigned(row, first + 3)?,
        job_updates: unsigned(row, first + 4)?,
        plans: unsigned(row, first + 5)?,
    })
}
