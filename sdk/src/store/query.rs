//! What a store can be asked.

use chrono::{DateTime, Utc};

use crate::name::{Prefix, TopicFilter};
use crate::store::Seq;
use crate::wire::JobStatus;

/// Entries of a namespace under a prefix, in byte order of their keys.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The namespace.
    pub namespace: String,
    /// Keys under this.
    pub prefix: Prefix,
    /// Keys after this one.
    pub after: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// Changes of a namespace under a prefix, in commit order.
#[derive(Clone, Debug)]
pub struct ChangeQuery {
    /// The namespace.
    pub namespace: String,
    /// Keys under this.
    pub prefix: Prefix,
    /// Changes after this sequence.
    pub after: Seq,
    /// At most so many.
    pub limit: usize,
}

/// Which way to read a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Oldest first.
    Forward,
    /// Newest first.
    Backward,
}

/// Events of the log.
#[derive(Clone, Debug)]
pub struct EventQuery {
    /// Which names.
    pub filter: TopicFilter,
    /// Only events after this sequence.
    pub after: Seq,
    /// Only events before this sequence.
    pub before: Option<Seq>,
    /// Only events later than this moment.
    pub since: Option<DateTime<Utc>>,
    /// Which way.
    pub direction: Direction,
    /// At most so many.
    pub limit: usize,
}

/// Jobs, newest first.
#[derive(Clone, Debug, Default)]
pub struct JobQuery {
    /// Only of this status.
    pub status: Option<JobStatus>,
    /// Only of this name.
    pub name: Option<String>,
    /// Only made by this schedule.
    pub schedule_id: Option<String>,
    /// Only with a sequence below this.
    pub before: Option<Seq>,
    /// At most so many.
    pub limit: usize,
}
