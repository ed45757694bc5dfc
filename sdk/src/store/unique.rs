//! What becomes of an order whose unique key a living job has, as a plain function on plain data.

use chrono::{DateTime, Utc};

use crate::store::{Enqueue, Job};
use crate::wire::{JobStatus, UniqueMode};

/// What an order did to the living job that has its unique key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Met {
    /// Nothing: it is the answer.
    Left,
    /// It changed, and is the answer.
    Changed,
    /// It runs with what it was given, so it has let go of the key, and the order makes a job.
    LetGo,
}

/// Lets an order meet the living job that has its unique key.
pub(super) fn meet(job: &mut Job, order: &Enqueue, at: DateTime<Utc>) -> Met {
    // What is meant for one handler is never given to another.
    if job.name != order.name {
        return Met::Left;
    }
    let asked = order.run_at.unwrap_or(at);
    match (order.unique_mode, job.status) {
        (UniqueMode::Replace | UniqueMode::Debounce, JobStatus::Running) => {
            job.unique_key = None;
            Met::LetGo
        }
        (UniqueMode::Replace, _) => {
            renew(job, order);
            Met::Changed
        }
        (UniqueMode::Debounce, _) => {
            renew(job, order);
            // It is put off no further than its time, so that what never falls silent is done all the same. And one with a key
            // of concurrency whose moment has come may hold that key's turn, which nobody else would then be given.
            let in_turn = job.concurrency.is_some() && job.run_at <= at;
            let over = job.deadline.is_some_and(|deadline| asked >= deadline);
            if job.status == JobStatus::Queued && !in_turn && !over {
                put_off(job, asked);
            }
            Met::Changed
        }
        (UniqueMode::Earliest, JobStatus::Queued) if asked < job.run_at => {
            put_off(job, asked);
            Met::Changed
        }
        (UniqueMode::Ignore | UniqueMode::Earliest | UniqueMode::Throttle, _) => Met::Left,
    }
}

/// Gives a waiting job the parameters of an order, and with them all its attempts.
fn renew(job: &mut Job, order: &Enqueue) {
    job.params = order.params.clone();
    job.failures = 0;
}

/// Moves a waiting job, and with it the moment by which it has to begin.
fn put_off(job: &mut Job, run_at: DateTime<Utc>) {
    let by = run_at - job.run_at;
    job.start_by = job.start_by.and_then(|moment| moment.checked_add_signed(by));
    job.run_at = run_at;
}
