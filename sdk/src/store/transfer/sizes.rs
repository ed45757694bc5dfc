//! How much a store holds and since when.

use chrono::{DateTime, Utc};

use super::Contents;
use crate::wire::JobStatus;

/// One kind of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// What the rows are.
    pub name: &'static str,
    /// How many.
    pub rows: u64,
    /// The moment of the oldest, where there is one and its kind tells it.
    pub oldest: Option<DateTime<Utc>>,
}

/// How much a store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Each kind of rows.
    pub kinds: Vec<Kind>,
    /// Jobs by status.
    pub jobs: Vec<(JobStatus, u64)>,
}

/// How much these are.
pub fn sizes(contents: &Contents) -> Sizes {
    let started = contents.attempts.iter().map(|(_, attempt)| attempt.started_at);
    let kinds = vec![
        kind("state", contents.entries.iter().map(|(_, entry)| entry.updated_at)),
        kind("changes", contents.changes.iter().map(|(_, change)| change.at)),
        kind("events", contents.events.iter().map(|event| event.at)),
        kind("jobs", contents.jobs.iter().map(|job| job.created_at)),
        kind("attempts", started),
        kind(
            "schedules",
            contents.schedules.iter().map(|schedule| schedule.created_at),
        ),
        // What is remembered notes when it ends, not when it began.
        Kind {
            name: "remembered",
            rows: contents.remembered.len() as u64,
            oldest: None,
        },
    ];
    let of = |status| contents.jobs.iter().filter(|job| job.status == status).count() as u64;
    Sizes {
        kinds,
        jobs: JobStatus::ALL.iter().map(|status| (*status, of(*status))).collect(),
    }
}

fn kind(name: &'static str, moments: impl Iterator<Item = DateTime<Utc>>) -> Kind {
    let (mut rows, mut oldest) = (0, None);
    for moment in moments {
        rows += 1;
        oldest = Some(oldest.map_or(moment, |oldest: DateTime<Utc>| oldest.min(moment)));
    }
    Kind { name, rows, oldest }
}
