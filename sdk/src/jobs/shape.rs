//! Jobs as the wire shows them.

use std::time::Duration;

use super::unique::plain_key;
use crate::store::{self, Attempt, AttemptEnd, JobFailure};
use crate::telemetry::TraceContext;
use crate::wire::{self, JobStatus, Timestamp, WaitingFor};

/// A job, with its ended attempts where they were read.
pub fn to_wire(job: store::Job, attempts: Option<Vec<Attempt>>) -> wire::Job {
    let (key, limit) = job.concurrency.map(|of| (of.key, of.limit)).unzip();
    wire::Job {
        id: job.id,
        name: job.name,
        params: job.params,
        schedule: None,
        schedule_id: job.schedule_id,
        status: job.status,
        created_at: Timestamp(job.created_at),
        started_at: job.started_at.map(Timestamp),
        completed_at: job.completed_at.map(Timestamp),
        result: job.result,
        error: job.error.map(error),
        attempt: Some(job.attempt),
        max_attempts: Some(job.max_attempts),
        run_at: Some(Timestamp(job.run_at)),
        deadline: job.deadline.map(Timestamp),
        priority: Some(job.priority),
        waiting_for: job.turn.and(key.clone()).map(|key| WaitingFor { key: Some(key) }),
        concurrency_key: key,
        concurrency_limit: limit,
        start_by: job.start_by.map(Timestamp),
        heartbeat: job.heartbeat.map(millis),
        unique_key: job.unique_key.or_else(|| job.throttle_key.as_deref().map(plain_key)),
        redrive_of: job.redrive_of,
        redriven_as: job.redriven_as,
        progress: job.progress,
        next_run: None,
        cancel_acknowledged_at: job.cancel_acknowledged_at.map(Timestamp),
        paused: None,
        attempts: attempts.map(|attempts| attempts.into_iter().map(attempt).collect()),
    }
}

/// A schedule in a job's shape: queued until it is cancelled.
pub fn schedule_as_job(schedule: store::Schedule) -> wire::Job {
    wire::Job {
        id: schedule.id,
        name: schedule.name,
        params: schedule.params,
        schedule: Some(schedule.cron),
        schedule_id: None,
        status: if schedule.cancelled_at.is_some() {
            JobStatus::Cancelled
        } else {
            JobStatus::Queued
        },
        created_at: Timestamp(schedule.created_at),
        started_at: None,
        completed_at: schedule.cancelled_at.map(Timestamp),
        result: None,
        error: None,
        attempt: None,
        max_attempts: Some(schedule.max_attempts),
        run_at: None,
        deadline: None,
        priority: Some(schedule.priority),
        start_by: None,
        heartbeat: schedule.heartbeat.map(millis),
        unique_key: None,
        concurrency_key: None,
        concurrency_limit: None,
        waiting_for: None,
        redrive_of: None,
        redriven_as: None,
        progress: None,
        next_run: schedule.next_run.map(Timestamp),
        cancel_acknowledged_at: None,
        paused: None,
        attempts: None,
    }
}

impl From<store::Schedule> for wire::Schedule {
    fn from(schedule: store::Schedule) -> Self {
        wire::Schedule {
            id: schedule.id,
            name: schedule.name,
            params: schedule.params,
            schedule: schedule.cron,
            timezone: schedule.timezone,
            catch_up: schedule.catch_up,
            overlap: schedule.overlap,
            created_at: Timestamp(schedule.created_at),
            next_run: schedule.next_run.map(Timestamp),
            last_run: schedule.last_run.map(Timestamp),
            paused: None,
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn attempt(attempt: Attempt) -> wire::AttemptRecord {
    wire::AttemptRecord {
        attempt: attempt.attempt,
        started_at: Timestamp(attempt.started_at),
        ended_at: Timestamp(attempt.ended_at),
        outcome: match attempt.end {
            AttemptEnd::Completed => "completed",
            AttemptEnd::Failed => "failed",
            AttemptEnd::Cancelled => "cancelled",
            AttemptEnd::Interrupted => "interrupted",
        }
        .to_owned(),
        error: attempt.error.map(error),
        trace_id: attempt
            .trace
            .and_then(|trace| Some(TraceContext::parse(&trace)?.trace.to_string())),
    }
}

fn error(failure: JobFailure) -> wire::JobError {
    wire::JobError {
        message: failure.message,
        stack: failure.stack,
    }
}
