//! The life of a job and of a schedule, as plain functions on plain data.
//!
//! A backend loads the row, calls one of these, and writes the row back; so all backends agree on what a status means.

use chrono::{DateTime, Utc};

use crate::store::{
    Attempt, AttemptEnd, Enqueue, Job, JobFailure, NewSchedule, Refusal, Result, Schedule, Seq, Settle, Verdict, kept,
    turn,
};
use crate::wire::{JobStatus, Timestamp};

/// The code of a job that had to begin by a moment and did not.
pub const NOT_BEGUN: &str = "JOB_NOT_BEGUN";

/// The job that an order makes.
pub(super) fn enqueued(order: &Enqueue, seq: Seq, at: DateTime<Utc>) -> Job {
    Job {
        seq,
        id: order.id.clone(),
        name: order.name.clone(),
        params: order.params.clone(),
        status: JobStatus::Queued,
        priority: order.priority,
        created_at: at,
        run_at: order.run_at.unwrap_or(at),
        started_at: None,
        completed_at: None,
        attempt: 0,
        failures: 0,
        max_attempts: order.max_attempts,
        backoff: order.backoff,
        timeout: order.timeout,
        deadline: order.deadline(at),
        start_by: order.start_by(at),
        heartbeat: order.heartbeat,
        unique_key: order.unique_key.clone(),
        concurrency: order.concurrency.clone(),
        turn: None,
        throttle_key: order.throttle_key.clone(),
        attempt_bytes: 0,
        redrive_of: None,
        redriven_as: None,
        schedule_id: order.schedule_id.clone(),
        progress: None,
        result: None,
        error: None,
        trace: order.trace.clone(),
        owner: None,
        cancel_acknowledged_at: None,
    }
}

/// The schedule that an order makes.
pub(super) fn scheduled(order: &NewSchedule, seq: Seq, at: DateTime<Utc>) -> Schedule {
    Schedule {
        seq,
        id: order.id.clone(),
        name: order.name.clone(),
        params: order.params.clone(),
        cron: order.cron.clone(),
        timezone: order.timezone.clone(),
        catch_up: order.catch_up,
        overlap: order.overlap,
        created_at: at,
        next_run: order.next_run,
        last_run: None,
        cancelled_at: None,
        priority: order.priority,
        max_attempts: order.max_attempts,
        backoff: order.backoff,
        timeout: order.timeout,
        max_elapsed: order.max_elapsed,
        start_within: order.start_within,
        heartbeat: order.heartbeat,
    }
}

/// Begins an attempt of a queued job.
pub(super) fn start(job: &mut Job, owner: &str, at: DateTime<Utc>) {
    job.status = JobStatus::Running;
    job.attempt += 1;
    job.started_at = Some(at);
    job.owner = Some(owner.to_owned());
}

/// Sets a queued job aside until its key has room.
pub(super) fn block(job: &mut Job) {
    job.status = JobStatus::Pending;
    job.turn = Some(turn::turn_of(job));
}

/// Queues a job that waits for its key's turn; its moment stays, so that it keeps its place.
pub(super) fn promote(job: &mut Job) {
    queue(job, job.run_at);
}

/// The key of which a job gives up a place when it ends or is queued anew: it runs, or was queued and may have been promoted for it.
pub(super) fn holds(job: &Job) -> Option<String> {
    let holds = matches!(job.status, JobStatus::Running | JobStatus::Queued);
    job.concurrency.as_ref().filter(|_| holds).map(|key| key.key.clone())
}

/// Refuses whoever does not hold the running attempt.
pub(super) fn fence(job: &Job, attempt: u32) -> Result<(), Refusal> {
    if job.status == JobStatus::Running && job.attempt == attempt {
        Ok(())
    } else {
        Err(Refusal::Fenced { id: job.id.clone() })
    }
}

/// Ends the running attempt as its verdict says, and gives it where it is worth a record; the caller has checked the fence.
pub(super) fn settle(job: &mut Job, settle: &Settle, at: DateTime<Utc>) -> Option<Attempt> {
    let (end, error) = match &settle.verdict {
        Verdict::Completed { result } => {
            job.result = result.clone();
            finish(job, JobStatus::Completed, at);
            (AttemptEnd::Completed, None)
        }
        Verdict::Failed { error, retry_at } => {
            job.failures += 1;
            job.error = Some(error.clone());
            match retry_at {
                Some(moment) if job.failures < job.max_attempts => queue(job, *moment),
                _ => finish(job, JobStatus::Failed, at),
            }
            (AttemptEnd::Failed, Some(error.clone()))
        }
        Verdict::HandedBack => {
            queue(job, at);
            (AttemptEnd::Interrupted, None)
        }
        Verdict::Parked { until } => {
            park(job, *until);
            return None;
        }
    };
    Some(ended(job, at, end, error, settle.trace.clone()))
}

/// Takes a running job from a process that is no more: it runs again at once, and no failure counts.
pub(super) fn interrupt(job: &mut Job, at: DateTime<Utc>) -> Attempt {
    queue(job, at);
    ended(job, at, AttemptEnd::Interrupted, None, None)
}

/// Cancels a job that lives; gives the attempt that it cut short.
///
/// The owner of such an attempt stays noted: its handler still runs until it acknowledges.
pub(super) fn cancel(job: &mut Job, at: DateTime<Utc>) -> Result<Option<Attempt>, Refusal> {
    if job.status.ended() {
        return Err(status(job));
    }
    let attempt = (job.status == JobStatus::Running).then(|| ended(job, at, AttemptEnd::Cancelled, None, None));
    job.status = JobStatus::Cancelled;
    job.completed_at = Some(at);
    job.turn = None;
    Ok(attempt)
}

/// Notes that the handler of a cancelled attempt has stopped; says whether this was news.
pub(super) fn acknowledge(job: &mut Job, attempt: u32, at: DateTime<Utc>) -> bool {
    let news = job.status == JobStatus::Cancelled
        && job.attempt == attempt
        && job.owner.is_some()
        && job.cancel_acknowledged_at.is_none();
    if news {
        job.cancel_acknowledged_at = Some(at);
        job.owner = None;
    }
    news
}

/// Queues a failed or cancelled job anew. Its attempts go on counting, since their number fences.
pub(super) fn revive(job: &mut Job, at: DateTime<Utc>) -> Result<(), Refusal> {
    dead(job)?;
    queue(job, at);
    job.failures = 0;
    // Who revives it after its time wants it all the same.
    job.deadline = None;
    job.start_by = None;
    job.completed_at = None;
    job.cancel_acknowledged_at = None;
    Ok(())
}

/// Lets a waiting job run now; says whether it waited. One that waits for its key's turn is not for others to wake.
pub(super) fn wake(job: &mut Job, at: DateTime<Utc>) -> bool {
    let parked = job.status == JobStatus::Pending && job.turn.is_none();
    let waits = parked || (job.status == JobStatus::Queued && job.run_at > at);
    if waits {
        queue(job, at);
    }
    waits
}

/// Ends a schedule.
pub(super) fn cancel_schedule(schedule: &mut Schedule, at: DateTime<Utc>) -> Result<(), Refusal> {
    if schedule.cancelled_at.is_some() {
        return Err(Refusal::Status {
            id: schedule.id.clone(),
            status: JobStatus::Cancelled,
        });
    }
    schedule.cancelled_at = Some(at);
    schedule.next_run = None;
    Ok(())
}

/// Refuses a job that cannot be tried again: it lives, it is done, or another was made of it.
pub(super) fn dead(job: &Job) -> Result<(), Refusal> {
    match (&job.redriven_as, job.status) {
        (Some(redriven_as), _) => Err(Refusal::Redriven {
            id: job.id.clone(),
            redriven_as: redriven_as.clone(),
        }),
        (None, JobStatus::Failed | JobStatus::Cancelled) => Ok(()),
        (None, _) => Err(status(job)),
    }
}

/// Fails a job that had to begin by now and has not.
pub(super) fn expire(job: &mut Job, at: DateTime<Utc>) -> Result<(), Refusal> {
    let due = job.start_by.filter(|start_by| unbegun(job) && *start_by <= at);
    let Some(start_by) = due else {
        return Err(status(job));
    };
    job.error = Some(JobFailure {
        message: format!("{NOT_BEGUN}: the job had not begun by {}", Timestamp(start_by)),
        stack: None,
    });
    finish(job, JobStatus::Failed, at);
    job.turn = None;
    Ok(())
}

/// Whether a job waits for its first attempt.
pub(super) fn unbegun(job: &Job) -> bool {
    matches!(job.status, JobStatus::Pending | JobStatus::Queued) && job.attempt == 0
}

/// The refusal that names a job's status.
pub(super) fn status(job: &Job) -> Refusal {
    Refusal::Status {
        id: job.id.clone(),
        status: job.status,
    }
}

fn queue(job: &mut Job, run_at: DateTime<Utc>) {
    job.status = JobStatus::Queued;
    job.run_at = run_at;
    job.turn = None;
    job.owner = None;
}

fn park(job: &mut Job, until: Option<DateTime<Utc>>) {
    match until {
        Some(moment) => queue(job, moment),
        None => {
            job.status = JobStatus::Pending;
            job.owner = None;
        }
    }
}

fn finish(job: &mut Job, status: JobStatus, at: DateTime<Utc>) {
    job.status = status;
    job.completed_at = Some(at);
    job.owner = None;
}

fn ended(
    job: &mut Job,
    at: DateTime<Utc>,
    end: AttemptEnd,
    error: Option<JobFailure>,
    trace: Option<String>,
) -> Attempt {
    let attempt = Attempt {
        attempt: job.attempt,
        // A job that ran has begun; the moment of its end is the nearest for a row that was damaged.
        started_at: job.started_at.unwrap_or(at),
        ended_at: at,
        end,
        error,
        trace,
    };
    job.attempt_bytes = job.attempt_bytes.saturating_add(kept::of_attempt(&attempt));
    attempt
}
