//! How much retention counts a row for: the bytes of its texts, and a fixed weight for all the rest of it.
//!
//! The schemas say the same in SQL, so that a slice need not read what it drops.

use crate::store::{Attempt, Entry, Event, Job, JobFailure};
use crate::wire::Json;

/// What a row weighs beside its texts: its numbers, its header, and its places in indexes. The schemas name the same number.
const ROW_BYTES: u64 = 128;

/// Bytes of what retention may drop, by kind. They move with every commit and are never counted anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Of events.
    pub events: u64,
    /// Of changes of state.
    pub changes: u64,
    /// Of ended jobs, with their attempts.
    pub jobs: u64,
}

pub(super) fn of_event(event: &Event) -> u64 {
    ROW_BYTES + texts([&event.id, &event.topic]) + json(&event.data) + texts(&event.trace)
}

/// What a change of a key counts for, by what was written; `None` is a delete.
pub(super) fn of_change(namespace: &str, key: &str, entry: Option<&Entry>) -> u64 {
    let value = entry.map_or(0, |entry| entry.value.text().len());
    ROW_BYTES + (namespace.len() + key.len() + value) as u64
}

/// What a job counts for once it has ended, with its attempts. Who runs it is left out: that is gone when its handler has stopped.
pub(super) fn of_job(job: &Job) -> u64 {
    let keys = [
        &job.unique_key,
        &job.throttle_key,
        &job.schedule_id,
        &job.redrive_of,
        &job.redriven_as,
        &job.trace,
    ];
    ROW_BYTES
        + texts([&job.id, &job.name])
        + texts(keys.into_iter().flatten())
        + texts(job.concurrency.as_ref().map(|of| &of.key))
        + json(&job.params)
        + json(&job.progress)
        + json(&job.result)
        + failure(job.error.as_ref())
        + job.attempt_bytes
}

/// What a job counts for now: nothing while it lives.
pub(super) fn of_ended(job: &Job) -> u64 {
    if job.status.ended() { of_job(job) } else { 0 }
}

pub(super) fn of_attempt(attempt: &Attempt) -> u64 {
    ROW_BYTES + failure(attempt.error.as_ref()) + texts(&attempt.trace)
}

/// A figure after what counted for `was` counts for `is`.
pub(super) fn moved(figure: u64, was: u64, is: u64) -> u64 {
    figure.saturating_add(is).saturating_sub(was)
}

fn texts<'t>(of: impl IntoIterator<Item = &'t String>) -> u64 {
    of.into_iter().map(|text| text.len() as u64).sum()
}

fn json(of: &Option<Json>) -> u64 {
    of.as_ref().map_or(0, |json| json.text().len() as u64)
}

fn failure(of: Option<&JobFailure>) -> u64 {
    of.map_or(0, |failure| texts([&failure.message]) + texts(&failure.stack))
}
