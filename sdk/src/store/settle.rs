//! How an attempt ends.

use chrono::{DateTime, Utc};

use crate::store::JobFailure;
use crate::wire::Json;

/// See [`Op::Settle`](crate::store::Op::Settle).
#[derive(Clone, Debug)]
pub struct Settle {
    /// The job.
    pub job: String,
    /// The attempt that ends; the fencing token.
    pub attempt: u32,
    /// How.
    pub verdict: Verdict,
    /// The trace in which it ran.
    pub trace: Option<String>,
}

/// How an attempt ends.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The job is done.
    Completed {
        /// What it came to.
        result: Option<Json>,
    },
    /// It failed; it runs again at `retry_at` where its attempts allow, else it is dead.
    Failed {
        /// Why.
        error: JobFailure,
        /// When to try again; `None` is never.
        retry_at: Option<DateTime<Utc>>,
    },
    /// It was not finished and is handed back; it runs again at once and the attempt does not count as a failure.
    HandedBack,
    /// It waits for something, and its slot is free. It has neither succeeded nor failed, so no attempt is recorded: a job may
    /// park as often as it likes. Its number is spent all the same, since it fences.
    Parked {
        /// When it runs again at the latest; `None` is when it is [woken](crate::store::Op::Wake), and no sooner.
        until: Option<DateTime<Utc>>,
    },
}
