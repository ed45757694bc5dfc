//! Workflows: started, read, listed, cancelled, signalled, resumed, forked.

use axum::extract::FromRequestParts;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::allow;
use super::events::cursor;
use super::extract::{Body, Path, Query, in_path, parse, parse_any};
use super::idempotency::{Keyed, Known};
use super::job_wait;
use super::observe::LIMIT_MAX;
use super::respond::{Failure, json};
use crate::auth::{Access, Need, Word};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::jobs::FLOW_PREFIX;
use crate::service::{Route, RouteKind, Routes};
use crate::store::{self, Answer, Batch, Job, Op, Refusal};
use crate::wire::{ForkWorkflow, Json, Signalled, StartWorkflow, Timestamp, Workflow, WorkflowStatus, Workflows};
use crate::workflow::{Flows, to_wire};

/// Runs on a page unless said.
const LIMIT: usize = 50;

pub(super) fn routes() -> Routes {
    let missing = (404, "There is no run of this id.");
    Routes::new()
        .with(
            Route::post("/v1/sys/workflow", Access::right("workflow start"), start)
                .says("Starts a run of a workflow; it is durable when this answers. The same id with the same input is the same run.")
                .header("Idempotency-Key", "The first answer is stored with the run and repeated.")
                .takes::<StartWorkflow>()
                .gives::<Workflow>(201, "Started, or there already under the same id.")
                .fails(&[
                    (400, "The body, the id or the input does not fit."),
                    (404, "There is no workflow of this name."),
                    (409, "Another run has the id."),
                    (422, "Another body came under this Idempotency-Key."),
                ]),
        )
        .with(
            Route::get("/v1/sys/workflow/{id}", Access::right("workflow read"), job_wait::read_run)
                .says("A run with its steps in the order in which they were asked for; with `wait` the run in which its workflow ended.")
                .kind(RouteKind::Wait)
                .query(
                    "wait",
                    "integer",
                    "Answers when the workflow has ended, with the last of the runs that continue this one as new, or as that stands \
                     after so many milliseconds; 30,000 at most.",
                )
                .gives::<Workflow>(200, "The run; its status tells whether it has ended.")
                .fails(&[missing, (503, "Too many wait here already.")]),
        )
        .with(
            Route::post("/v1/sys/workflow/{id}/cancel", Access::right("workflow cancel"), cancel)
                .control()
                .says("Cancels a run at once, and the jobs and children that it waits for with it. What it did is not undone. Of a workflow that continued as new, the latest run is cancelled.")
                .gives::<Workflow>(200, "Cancelled.")
                .fails(&[(400, "It has ended already."), missing]),
        )
        .with(
            Route::post("/v1/sys/workflow/{id}/resume", Access::right("workflow start"), resume)
                .says("Takes up a failed or cancelled run where its journal ends, for one that met changed code.")
                .gives::<Workflow>(200, "Queued.")
                .fails(&[(400, "It lives, or is completed."), missing]),
        )
        .with(
            Route::post("/v1/sys/workflow/{id}/fork", Access::right("workflow start"), fork)
                .says("Starts a new run with the input of this one and what its journal holds from before a step.")
                .takes::<ForkWorkflow>()
                .gives::<Workflow>(201, "The new run.")
                .fails(&[
                    (400, "The body does not fit."),
                    (404, "There is no run of this id, or no such step in it."),
                ]),
        )
        .with(
            Route::post(
                "/v1/sys/workflow/{id}/signal/{name}",
                Access::right("workflow signal"),
                signal,
            )
            .says("Sends a signal to a run; the body is its value. The first value of a name counts, also before the run asks for it. Of a workflow that continued as new, the latest run gets it.")
            .takes::<Json>()
            .gives::<Signalled>(200, "Sent, or sent before with the same value.")
            .fails(&[
                (400, "The body is no JSON, or the run has ended."),
                missing,
                (409, "Another value came first."),
            ]),
        )
        .with(
            Route::get("/v1/sys/workflows", Access::right("workflow read"), list)
                .says("Runs, newest first, in pages.")
                .query("status", "string", "Only of this status.")
                .query("name", "string", "Only of this workflow.")
                .query("limit", "integer", "At most so many are looked at; 50 unless said, 1,000 at most.")
                .query("cursor", "string", "Go on from this cursor.")
                .gives::<Workflows>(200, "The runs.")
                .fails(&[(400, "A parameter does not fit.")]),
        )
}

async fn start(context: Context, headers: HeaderMap, Body(body): Body) -> Result<Response, Failure> {
    let request: StartWorkflow = parse(&body)?;
    context.allow(&Need::one(Word::WorkflowStart, &request.name))?;
    let Some(keyed) = Keyed::read(&headers, "workflow", &context, &body)? else {
        return Ok(run(StatusCode::CREATED, context.flows().start(request).await?));
    };
    let op = context.flows().start_op(request.clone())?;
    let at = context.clock().now();
    let foreseen = foresee(&op, at)?;
    let body = serde_json::to_string(&foreseen)
        .map_err(|error| Error::internal("a run has no JSON form").with_source(error))?;
    let answer = Answer {
        status: StatusCode::CREATED.as_u16(),
        body,
    };
    // First, so that what was remembered is told rather than that the run is there.
    let batch = Batch::new(at)
        .with(keyed.remember(&context, Some(answer), false))
        .with(op)
        .with(Flows::free_op(&foreseen.id));
    match context.kernel().store.commit(batch).await {
        Ok(_) => Ok(json(StatusCode::CREATED, &foreseen)),
        Err(store::Error::Refused {
            why: Refusal::Remembered(remembered),
            ..
        }) => match keyed.compare(&context, *remembered).await? {
            Known::Answered(response) => Ok(response),
            // A run and its answer are one commit: there is no running one.
            Known::Unknown => Err(Error::conflict("the outcome of the first request is unknown")
                .with_code("OUTCOME_UNKNOWN")
                .into()),
        },
        Err(store::Error::Refused {
            why: Refusal::JobExists { .. } | Refusal::Version { .. },
            ..
        }) => Ok(run(StatusCode::CREATED, context.flows().start(request).await?)),
        Err(error) => Err(error.into()),
    }
}

/// The run as the store will keep it: what it is answered with is remembered in the commit that makes it.
fn foresee(op: &Op, at: chrono::DateTime<chrono::Utc>) -> Result<Workflow> {
    let Op::Enqueue(new) = op else {
        return Err(Error::internal("starting a run makes a job"));
    };
    Ok(Workflow {
        id: new.id.clone(),
        name: new.name.trim_start_matches(FLOW_PREFIX).to_owned(),
        status: WorkflowStatus::Queued,
        input: new.params.clone(),
        result: None,
        error: None,
        created_at: Timestamp(at),
        started_at: None,
        completed_at: None,
        run_at: None,
        parent: None,
        forked_from: None,
        continued_from: None,
        continued_as: None,
        chain: None,
        steps: None,
    })
}

async fn cancel(context: Context, Path(id): Path) -> Result<Response, Failure> {
    allow::run(&context, Word::WorkflowCancel, &id).await?;
    Ok(run(StatusCode::OK, context.flows().cancel(&id).await?))
}

async fn resume(context: Context, Path(id): Path) -> Result<Response, Failure> {
    allow::run(&context, Word::WorkflowStart, &id).await?;
    Ok(run(StatusCode::OK, context.flows().resume(&id).await?))
}

async fn fork(context: Context, Path(id): Path, Body(body): Body) -> Result<Response, Failure> {
    allow::run(&context, Word::WorkflowStart, &id).await?;
    let request = if body.is_empty() {
        ForkWorkflow::default()
    } else {
        parse(&body)?
    };
    let forked = context.flows().fork(&id, request.from_step.as_deref()).await?;
    Ok(run(StatusCode::CREATED, forked))
}

async fn signal(context: Context, Signal { id, name }: Signal, Body(body): Body) -> Result<Response, Failure> {
    allow::run(&context, Word::WorkflowSignal, &id).await?;
    let value: Json = if body.is_empty() {
        serde_json::Value::Null.into()
    } else {
        parse_any(&body)?
    };
    Ok(json(StatusCode::OK, &context.flows().signal(&id, &name, value).await?))
}

/// The two parameters of a signal's path.
struct Signal {
    id: String,
    name: String,
}

impl FromRequestParts<Context> for Signal {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, context: &Context) -> Result<Self, Failure> {
        let [id, name] = in_path(parts, context).await?;
        Ok(Signal { id, name })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListParams {
    status: Option<WorkflowStatus>,
    name: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

async fn list(context: Context, Query(params): Query<ListParams>) -> Result<Response, Failure> {
    context.allow(&Need::named(Word::WorkflowRead, params.name.as_deref()))?;
    let limit = params.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let before = params.cursor.as_deref().map(cursor).transpose()?;
    let (runs, next) = context
        .flows()
        .list(params.name.as_deref(), params.status, before, limit)
        .await?;
    let workflows = runs.into_iter().map(to_wire).collect();
    let cursor = next.map(|next| next.to_string());
    Ok(json(StatusCode::OK, &Workflows { workflows, cursor }))
}

fn run(status: StatusCode, job: Job) -> Response {
    json(status, &to_wire(job))
}
