//! One job, as it stands or, where the caller waits, when it has ended.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::extract::{Path, Query};
use super::respond::{Failure, json};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::{no_such_job, schedule_as_job};
use crate::policy::{IN_FLIGHT_MAX, REQUEST_TIMEOUT};
use crate::wire::{Job, JobStatus};

/// Longest that one request waits for a job: as long as the longest call, and less than the 35 s after which a front door takes a process
/// for mute. Who wants to wait longer asks again.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// Requests that wait at once, in a process and service: half of what may be in flight, so that who waits leaves room for who does not.
const WAITS_MAX: usize = IN_FLIGHT_MAX / 2;
/// What is left of the caller's time when the job is answered as it stands: enough to write it and to send it.
const MARGIN: Duration = Duration::from_millis(50);

#[derive(Debug, Deserialize)]
pub(super) struct WaitParams {
    wait: Option<u64>,
}

/// The room for requests that wait.
pub(super) fn room() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(WAITS_MAX))
}

pub(super) async fn read(
    context: Context,
    Path(id): Path,
    Query(params): Query<WaitParams>,
    room: Arc<Semaphore>,
) -> Result<Response, Failure> {
    if let Some(millis) = params.wait {
        let _place = room.try_acquire().map_err(|_| {
            let full = format!("{WAITS_MAX} requests wait for jobs here already; send it again, or without wait");
            Error::new(Kind::Overloaded, full)
        })?;
        wait(&context, &id, Duration::from_millis(millis).min(WAIT_MAX)).await?;
    }
    // Waiting has an end of its own; what follows has that of any plain request.
    let shown = timeout_at(Instant::now() + REQUEST_TIMEOUT, shown(&context, &id))
        .await
        .map_err(|_| {
            let late = format!("the job was not read within {} ms", REQUEST_TIMEOUT.as_millis());
            Error::new(Kind::DeadlineExceeded, late)
        })?;
    Ok(json(StatusCode::OK, &shown?))
}

/// Waits until a job has ended, for so long, as long as the caller listens and as long as the service is there to stay.
async fn wait(context: &Context, id: &str, most: Duration) -> Result<()> {
    let mut until = Instant::now() + most;
    if let Some(deadline) = context.request().deadline {
        until = until.min(deadline.checked_sub(MARGIN).unwrap_or(deadline));
    }
    tokio::select! {
        ended = timeout_at(until, context.jobs().ended(id)) => match ended {
            // A schedule does not end by itself, and it is read like a job.
            Ok(Err(error)) if error.kind() != Kind::NotFound => Err(error),
            _ => Ok(()),
        },
        () = context.kernel().streams.cancelled() => Ok(()),
    }
}

async fn shown(context: &Context, id: &str) -> Result<Job> {
    let jobs = context.jobs();
    if let Some(job) = jobs.get(id).await? {
        let attempts = jobs.attempts(id).await?;
        return Ok(jobs.pauses().await?.show(job, Some(attempts)));
    }
    let Some(schedule) = jobs.schedule(id).await? else {
        return Err(no_such_job(id));
    };
    let mut shown = schedule_as_job(schedule);
    shown.paused = jobs.pauses().await?.schedule(id).cloned();
    if shown.status == JobStatus::Queued && shown.paused.is_some() {
        shown.status = JobStatus::Pending;
    }
    Ok(shown)
}
