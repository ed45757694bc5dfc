//! Dead jobs, tried again: one as it was or edited, and many in slices.

use axum::response::Response;
use http::StatusCode;

use super::allow;
use super::events::cursor;
use super::extract::{Body, Path, Payload, parse};
use super::jobs::is_run;
use super::observe::LIMIT_MAX;
use super::respond::{Failure, json};
use crate::auth::{Access, Need, Word};
use crate::context::Context;
use crate::error::Error;
use crate::jobs::{Dead, to_wire};
use crate::service::{Route, Routes};
use crate::wire::{Job, JobStatus, RetriedJobs, RetryJob, RetryJobs};

/// Jobs of a slice unless said: few enough that the answer comes in the time of a plain request on a slow disk.
const SLICE: usize = 100;

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(
            Route::post("/v1/sys/job/{id}/retry", Access::right("job create"), one)
                .says("Queues a failed or cancelled job anew, with fresh attempts; with an edit it makes another of it, which says so.")
                .takes::<RetryJob>()
                .gives::<Job>(200, "Queued: the same job, or with an edit the new one.")
                .fails(&[
                    (400, "It lives, or is completed, or the edit does not fit."),
                    (404, "There is no job of this id, or with an edit no handler for it."),
                    (409, "Another was made of it."),
                ]),
        )
        .with(
            Route::post("/v1/sys/jobs/retry", Access::right("job create"), many)
                .audited("jobs.retry")
                .says("Queues dead jobs anew, a slice at a time, the newest first.")
                .takes::<RetryJobs>()
                .gives::<RetriedJobs>(200, "How many, and where to go on.")
                .fails(&[(400, "A field does not fit.")]),
        )
}

async fn one(context: Context, Path(id): Path, Body(body): Body) -> Result<Response, Failure> {
    allow::job(&context, Word::JobCreate, &id).await?;
    let edit = if body.iter().all(u8::is_ascii_whitespace) {
        RetryJob::default()
    } else {
        // `null` is as absent here too.
        parse::<Option<RetryJob>>(&body)?.unwrap_or_default()
    };
    let job = match (is_run(&context, &id).await?, edit == RetryJob::default()) {
        (true, true) => context.flows().resume(&id).await?,
        (true, false) => {
            let why = "a run of a workflow goes on as it was started; fork it, or start another with other input";
            return Err(Error::invalid(why).into());
        }
        (false, true) => context.jobs().retry(&id).await?,
        (false, false) => context.jobs().redrive(&id, edit).await?,
    };
    Ok(json(StatusCode::OK, &to_wire(job, None)))
}

async fn many(context: Context, Payload(request): Payload<RetryJobs>) -> Result<Response, Failure> {
    context.allow(&Need::named(Word::JobCreate, request.name.as_deref()))?;
    let dead = Dead {
        name: request.name,
        status: request.status.unwrap_or(JobStatus::Failed),
        ended_before: request.before.map(|before| before.0),
        cursor: request.cursor.as_deref().map(cursor).transpose()?,
        limit: request.limit.unwrap_or(SLICE).clamp(1, LIMIT_MAX),
    };
    let done = context.jobs().retry_many(dead).await?;
    Ok(json(
        StatusCode::OK,
        &RetriedJobs {
            retried: done.retried,
            left: done.left,
            cursor: done.cursor.map(|seq| seq.to_string()),
        },
    ))
}
