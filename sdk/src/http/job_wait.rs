//! One job or run of a workflow, as it stands or, where the caller waits, when it has ended.

use std::time::Duration;

use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};

use super::allow;
use super::extract::{Path, Query};
use super::respond::{Failure, json};
use crate::auth::Word;
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::{no_such_job, schedule_as_job};
use crate::policy::REQUEST_TIMEOUT;
use crate::wire::{Job, JobStatus};

/// Longest that one request waits for a job: as long as the longest call, and less than the 35 s after which a front door takes a process
/// for mute. Who wants to wait longer asks again.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// What is left of the caller's time when the job is answered as it stands: enough to write it and to send it.
const MARGIN: Duration = Duration::from_millis(50);

#[derive(Debug, Deserialize)]
pub(super) struct WaitParams {
    wait: Option<u64>,
}

/// A job, when it has ended where the caller waits.
pub(super) async fn read(
    context: Context,
    Path(id): Path,
    Query(params): Query<WaitParams>,
) -> Result<Response, Failure> {
    allow::job(&context, Word::JobRead, &id).await?;
    if let Some(millis) = params.wait {
        let ended = async {
            match context.jobs().ended(&id).await {
                // A schedule does not end by itself, and it is read like a job.
                Err(error) if error.kind() != Kind::NotFound => Err(error),
                _ => Ok(()),
            }
        };
        wait(&context, millis, ended).await?;
    }
    in_time(shown(&context, &id)).await
}

/// A run of a workflow; where the caller waits, the last of the runs that continue it as new, when that has ended.
pub(super) async fn read_run(
    context: Context,
    Path(mut id): Path,
    Query(params): Query<WaitParams>,
) -> Result<Response, Failure> {
    allow::run(&context, Word::WorkflowRead, &id).await?;
    if let Some(millis) = params.wait {
        let ended = async { context.flows().ended(&id).await.map(drop) };
        wait(&context, millis, ended).await?;
        id = context.flows().latest_of(&id).await?;
    }
    in_time(context.flows().get(&id)).await
}

/// Waits for an end, for so long, as long as the caller listens and as long as the service is there to stay.
async fn wait(context: &Context, millis: u64, ended: impl Future<Output = Result<()>>) -> Result<()> {
    let mut until = Instant::now() + Duration::from_millis(millis).min(WAIT_MAX);
    if let Some(deadline) = context.request().deadline {
        until = until.min(deadline.checked_sub(MARGIN).unwrap_or(deadline));
    }
    tokio::select! {
        ended = timeout_at(until, ended) => ended.unwrap_or(Ok(())),
        () = context.kernel().streams.cancelled() => Ok(()),
    }
}

/// Answers with what is read. Waiting has an end of its own; this has that of any plain request.
async fn in_time<T: Serialize>(read: impl Future<Output = Result<T>>) -> Result<Response, Failure> {
    let shown = timeout_at(Instant::now() + REQUEST_TIMEOUT, read).await.map_err(|_| {
        let late = format!("it was not read within {} ms", REQUEST_TIMEOUT.as_millis());
        Error::new(Kind::DeadlineExceeded, late)
    })?;
    Ok(json(StatusCode::OK, &shown?))
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
