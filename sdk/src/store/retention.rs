//! What may be dropped of what ages, and which rows these are.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::store::{Kept, rules};

/// What may be dropped, each by age, by count and by [bytes](super::Kept), the oldest first; see [`Op::Prune`](super::Op::Prune).
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Events older than this go.
    pub event_age: Duration,
    /// Of the newer ones, at most so many stay.
    pub events_max: u64,
    /// And at most so many bytes of them.
    pub event_bytes_max: u64,
    /// Changes of state older than this go; the state itself stays.
    pub change_age: Duration,
    /// Of the newer ones, at most so many stay.
    pub changes_max: u64,
    /// And at most so many bytes of them.
    pub change_bytes_max: u64,
    /// Ended jobs older than this go, with their attempts.
    pub job_age: Duration,
    /// Of the newer ones, at most so many stay.
    pub jobs_max: u64,
    /// And at most so many bytes of them.
    pub job_bytes_max: u64,
    /// At most so many rows of each kind are dropped at once, so that a slice never holds up a writer.
    pub slice: u64,
}

impl Retention {
    /// Drops nothing but what has expired, a thousand rows at once.
    pub const KEEP_ALL: Retention = Retention {
        event_age: Duration::MAX,
        events_max: u64::MAX,
        event_bytes_max: u64::MAX,
        change_age: Duration::MAX,
        changes_max: u64::MAX,
        change_bytes_max: u64::MAX,
        job_age: Duration::MAX,
        jobs_max: u64::MAX,
        job_bytes_max: u64::MAX,
        slice: 1_000,
    };
}

/// Which rows of a log go, read from its oldest: those above the count or the bytes, then those that are too old.
///
/// Only ever a head of the log goes, so that one number tells how far it reaches.
pub(super) struct Horizon {
    /// Rows above the count.
    excess: u64,
    /// Bytes above the bound.
    surplus: u64,
    cutoff: Option<DateTime<Utc>>,
}

impl Horizon {
    /// For so many events.
    pub(super) fn of_events(rows: u64, kept: Kept, most: &Retention, at: DateTime<Utc>) -> Self {
        Horizon {
            excess: rows.saturating_sub(most.events_max),
            surplus: kept.events.saturating_sub(most.event_bytes_max),
            cutoff: rules::cutoff(at, most.event_age),
        }
    }

    /// For so many changes.
    pub(super) fn of_changes(rows: u64, kept: Kept, most: &Retention, at: DateTime<Utc>) -> Self {
        Horizon {
            excess: rows.saturating_sub(most.changes_max),
            surplus: kept.changes.saturating_sub(most.change_bytes_max),
            cutoff: rules::cutoff(at, most.change_age),
        }
    }

    /// For so many ended jobs.
    pub(super) fn of_jobs(rows: u64, kept: Kept, most: &Retention, at: DateTime<Utc>) -> Self {
        Horizon {
            excess: rows.saturating_sub(most.jobs_max),
            surplus: kept.jobs.saturating_sub(most.job_bytes_max),
            cutoff: rules::cutoff(at, most.job_age),
        }
    }

    /// Whether the next row, of a moment and so many bytes, goes where all before it did.
    pub(super) fn takes(&mut self, at: DateTime<Utc>, bytes: u64) -> bool {
        let goes = self.excess > 0 || self.surplus > 0 || self.cutoff.is_some_and(|cutoff| at < cutoff);
        if goes {
            self.excess = self.excess.saturating_sub(1);
            self.surplus = self.surplus.saturating_sub(bytes);
        }
        goes
    }
}
