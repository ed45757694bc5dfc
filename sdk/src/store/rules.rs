//! Rules of the data that every backend obeys, as plain functions.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use crate::policy::Rate;
use crate::store::{
    Batch, Condition, Heads, Job, JobFailure, Op, Outcome, Refusal, Remember, Remembered, Result, Schedule, Seq,
    Verdict, Want,
};
use crate::wire::JobStatus;

/// Cuts every moment of a batch to the millisecond that a store keeps, and a growth that is no number to none, and writes NULs in
/// failures as what is no letter, so that what is answered is what is read back.
pub(super) fn normalised(mut batch: Batch) -> Batch {
    let cut = |moment: &mut DateTime<Utc>| *moment = moment.trunc_subsecs(3);
    let cut_duration = |duration: &mut Duration| *duration = millis_of(*duration);
    cut(&mut batch.at);
    for op in &mut batch.ops {
        match op {
            Op::Put(put) => put.expires_at.iter_mut().for_each(cut),
            Op::Enqueue(job) => {
                job.run_at.iter_mut().for_each(cut);
                job.timeout.iter_mut().for_each(cut_duration);
                job.max_elapsed.iter_mut().for_each(cut_duration);
                job.start_within.iter_mut().for_each(cut_duration);
                job.heartbeat.iter_mut().for_each(cut_duration);
                job.backoff.factor = number(job.backoff.factor);
            }
            Op::Settle(settle) => {
                settle.trace.iter_mut().for_each(plain);
                match &mut settle.verdict {
                    Verdict::Failed { error, retry_at } => {
                        retry_at.iter_mut().for_each(cut);
                        plain_failure(error);
                    }
                    Verdict::Parked { until } => until.iter_mut().for_each(cut),
                    Verdict::Completed { .. } | Verdict::HandedBack => {}
                }
            }
            Op::Schedule(schedule) => {
                schedule.next_run.iter_mut().for_each(cut);
                schedule.timeout.iter_mut().for_each(cut_duration);
                schedule.max_elapsed.iter_mut().for_each(cut_duration);
                schedule.start_within.iter_mut().for_each(cut_duration);
                schedule.heartbeat.iter_mut().for_each(cut_duration);
                schedule.backoff.factor = number(schedule.backoff.factor);
            }
            Op::Redrive(redrive) => redrive.run_at.iter_mut().for_each(cut),
            Op::Tick { from, next, .. } => {
                cut(from);
                next.iter_mut().for_each(cut);
            }
            Op::Remember(remember) => cut(&mut remember.expires_at),
            Op::Delete(_)
            | Op::Check { .. }
            | Op::Emit(_)
            | Op::Claim(_)
            | Op::Progress { .. }
            | Op::Cancel { .. }
            | Op::AcknowledgeCancel { .. }
            | Op::Revive { .. }
            | Op::Expire { .. }
            | Op::Wake { .. }
            | Op::Forget { .. }
            | Op::Prune(_) => {}
        }
    }
    batch
}

/// Whether something that lasts until a moment is over.
pub(super) fn expired(expires_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    expires_at.is_some_and(|at| at <= now)
}

/// The moment before which things of an age are too old; `None` where that is before all time.
pub(super) fn cutoff(at: DateTime<Utc>, age: Duration) -> Option<DateTime<Utc>> {
    at.checked_sub_signed(TimeDelta::from_std(millis_of(age)).ok()?)
}

/// Refuses a write whose condition does not hold for the version and revision that the key has.
pub(super) fn check(condition: Condition, key: &str, current: Option<(u64, Seq)>) -> Result<(), Refusal> {
    let holds = match condition {
        Condition::Any => true,
        Condition::Absent => current.is_none(),
        Condition::Present => current.is_some(),
        Condition::Version(wanted) => current.is_some_and(|(version, _)| version == wanted),
        Condition::Revision(wanted) => current.is_some_and(|(_, revision)| revision == wanted),
    };
    if holds {
        Ok(())
    } else {
        Err(Refusal::Version {
            key: key.to_owned(),
            current: current.map_or(0, |(version, _)| version),
        })
    }
}

/// Refuses a request that is remembered already; the caller has dropped one that has expired.
pub(super) fn check_remembered(kept: Option<Remembered>, remember: &Remember) -> Result<(), Refusal> {
    match kept {
        Some(kept) if !(remember.replace && kept.owner == remember.owner) => Err(Refusal::Remembered(Box::new(kept))),
        _ => Ok(()),
    }
}

/// Refuses a tick that another scheduler took, or that will not come.
pub(super) fn check_tick(schedule: &Schedule, from: DateTime<Utc>) -> Result<(), Refusal> {
    if schedule.cancelled_at.is_none() && schedule.next_run == Some(from) {
        return Ok(());
    }
    let next = schedule.next_run.map_or(0, |next| next.timestamp_millis());
    Err(Refusal::Version {
        key: schedule.id.clone(),
        current: u64::try_from(next).unwrap_or(0),
    })
}

/// The rooms of a claim, one a name and none empty.
pub(super) fn rooms(wants: &[Want]) -> Vec<(&str, usize)> {
    let mut rooms: Vec<(&str, usize)> = Vec::with_capacity(wants.len());
    for want in wants {
        match rooms.iter_mut().find(|(name, _)| *name == want.name) {
            Some((_, slots)) => *slots = slots.saturating_add(want.slots),
            None => rooms.push((&want.name, want.slots)),
        }
    }
    rooms
}

/// The rate of a name that a claim wants.
pub(super) fn rate(wants: &[Want], name: &str) -> Option<Rate> {
    wants.iter().filter(|want| want.name == name).find_map(|want| want.rate)
}

/// Counts what a committed batch may have made ready, and whether a reader of jobs could see it.
pub(super) fn count_jobs(heads: &mut Heads, ops: &[Op], outcomes: &[Outcome]) {
    let (mut ready, mut seen, mut planned) = (false, false, false);
    for (op, outcome) in ops.iter().zip(outcomes) {
        match (op, outcome) {
            (_, Outcome::Job(job)) => {
                seen = true;
                // The end of one with a key may have queued others of it.
                ready |= job.status == JobStatus::Queued || job.concurrency.is_some();
            }
            // A job that was put off is due later than a claim was told, and one that was hastened sooner.
            (_, Outcome::Changed(_)) => (ready, seen) = (true, true),
            (Op::Cancel { .. }, Outcome::Schedule(_)) => (seen, planned) = (true, true),
            (_, Outcome::Schedule(_)) => (ready, seen, planned) = (true, true, true),
            (_, Outcome::Claimed { jobs, blocked, .. }) => seen |= !jobs.is_empty() || *blocked > 0,
            (_, Outcome::Pruned(dropped)) => seen |= *dropped > 0,
            (Op::Wake { job }, _) => {
                (ready, seen) = (true, true);
                planned |= job.is_empty();
            }
            (Op::Progress { .. } | Op::AcknowledgeCancel { .. }, _) => seen = true,
            _ => {}
        }
    }
    heads.jobs += u64::from(ready);
    heads.job_updates += u64::from(seen);
    heads.plans += u64::from(planned);
}

/// Whether a job counts as one with its unique key.
pub(super) fn lives(job: &Job) -> bool {
    !job.status.ended()
}

/// A duration to the millisecond.
fn millis_of(duration: Duration) -> Duration {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

/// PostgreSQL keeps no NUL in a text, and a failure must be kept whatever it says.
pub(super) fn plain_failure(error: &mut JobFailure) {
    plain(&mut error.message);
    error.stack.iter_mut().for_each(plain);
}

/// See [`plain_failure`].
pub(super) fn plain(text: &mut String) {
    if text.contains('\0') {
        *text = text.replace('\0', "\u{fffd}");
    }
}

/// SQLite keeps no NaN, and [`Backoff::ceiling`](crate::policy::Backoff::ceiling) reads it as 1.
fn number(factor: f64) -> f64 {
    if factor.is_nan() { 1.0 } else { factor }
}
