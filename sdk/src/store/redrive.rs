//! What a job that died becomes when it is made anew: another job, which says of which it was made.

use chrono::{DateTime, TimeDelta, Utc};

use crate::store::{Job, Refusal, Result, Seq, transition};
use crate::wire::{JobStatus, Json};

/// See [`Op::Redrive`](crate::store::Op::Redrive).
#[derive(Clone, Debug)]
pub struct Redrive {
    /// The job that failed or was cancelled.
    pub job: String,
    /// The id of the new one.
    pub id: String,
    /// What its handler is given instead.
    pub params: Option<Json>,
    /// How many failures end it instead.
    pub max_attempts: Option<u32>,
    /// Not before this; `None` is at once.
    pub run_at: Option<DateTime<Utc>>,
    /// The `traceparent` of who redrives it.
    pub trace: Option<String>,
}

/// The new job. The old one keeps its story and tells which job was made of it.
pub(super) fn redriven(old: &mut Job, redrive: &Redrive, seq: Seq, at: DateTime<Utc>) -> Result<Job, Refusal> {
    transition::dead(old)?;
    let run_at = redrive.run_at.unwrap_or(at);
    // Its time is as long as the old one's was, from its own creation.
    let moved = |moment: Option<DateTime<Utc>>, from: DateTime<Utc>, to: DateTime<Utc>| {
        let span: TimeDelta = moment? - from;
        to.checked_add_signed(span)
    };
    let new = Job {
        seq,
        id: redrive.id.clone(),
        params: redrive.params.clone().or_else(|| old.params.clone()),
        status: JobStatus::Queued,
        created_at: at,
        run_at,
        started_at: None,
        completed_at: None,
        attempt: 0,
        failures: 0,
        max_attempts: redrive.max_attempts.unwrap_or(old.max_attempts),
        deadline: moved(old.deadline, old.created_at, at),
        start_by: None,
        turn: None,
        throttle_key: None,
        attempt_bytes: 0,
        redrive_of: Some(old.id.clone()),
        redriven_as: None,
        progress: None,
        result: None,
        error: None,
        trace: redrive.trace.clone(),
        owner: None,
        cancel_acknowledged_at: None,
        ..old.clone()
    };
    old.redriven_as = Some(redrive.id.clone());
    Ok(new)
}
