//! Jobs and schedules.

use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::allow;
use super::events::cursor;
use super::extract::{Body, Path, Payload, Query, parse};
use super::idempotency::{Keyed, Known};
use super::job_wait;
use super::observe::LIMIT_MAX;
use super::respond::{Failure, json};
use crate::auth::{Access, Need, Word};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::jobs::{Created, FLOW_PREFIX, Paused, schedule_as_job, to_wire};
use crate::service::{Route, RouteKind, Routes};
use crate::store::{self, Answer, Batch, JobQuery, Outcome, Refusal};
use crate::wire::{CreateJob, Job, JobStatus, Jobs, Pause, PauseJobs, Schedule, Schedules};

/// Jobs on a page unless said.
const LIMIT: usize = 50;

pub(super) fn routes() -> Routes {
    let missing = (404, "There is no job or schedule of this id.");
    Routes::new()
        .with(
            Route::post("/v1/sys/job", Access::right("job create"), create)
                .says("Creates a job, or with a cron expression a schedule; it is durable when this answers.")
                .header("Idempotency-Key", "The first answer is stored with the job and repeated.")
                .takes::<CreateJob>()
                .gives::<Job>(201, "Created, or alive already under the same unique key.")
                .fails(&[
                    (400, "The body, the schedule or a bound does not fit."),
                    (404, "No handler has this name."),
                    (422, "Another body came under this Idempotency-Key."),
                ]),
        )
        .with(
            Route::get("/v1/sys/job/{id}", Access::right("job read"), job_wait::read)
                .says("A job with its ended attempts, or a schedule in a job's shape; with `wait` when the job has ended.")
                .kind(RouteKind::Wait)
                .query(
                    "wait",
                    "integer",
                    "Answers when the job has ended, or as it stands after so many milliseconds; 30,000 at most.",
                )
                .gives::<Job>(200, "The job; its status tells whether it has ended.")
                .fails(&[missing, (503, "Too many wait here already.")]),
        )
        .with(
            Route::post("/v1/sys/job/{id}/cancel", Access::right("job cancel"), cancel)
                .control()
                .says("Cancels a job at once, running or not; a running handler is told, and its late outcome is refused.")
                .gives::<Job>(200, "Cancelled.")
                .fails(&[(400, "It has ended already."), missing]),
        )
        .with(
            Route::get("/v1/sys/jobs", Access::right("job read"), list)
                .says("Jobs, newest first, in pages.")
                .query("status", "string", "Only of this status.")
                .query("name", "string", "Only of this name.")
                .query("scheduleId", "string", "Only made by this schedule.")
                .query("limit", "integer", "At most so many; 50 unless said, 1,000 at most.")
                .query("cursor", "string", "Go on from this cursor.")
                .gives::<Jobs>(200, "The jobs.")
                .fails(&[(400, "A parameter does not fit.")]),
        )
        .with(
            Route::post("/v1/sys/jobs/{name}/pause", Access::right("job pause"), pause)
                .control()
                .audited("jobs.pause")
                .says("Begins no more jobs of a name, in any replica and after any restart; what runs goes on.")
                .takes::<PauseJobs>()
                .gives::<Pause>(200, "Paused.")
                .fails(&[(400, "A bound does not fit."), (404, "No handler has this name.")]),
        )
        .with(
            Route::post("/v1/sys/jobs/{name}/resume", Access::right("job pause"), resume)
                .control()
                .audited("jobs.resume")
                .says("Ends the pause of the jobs of a name.")
                .gives::<Pause>(200, "The pause that is over.")
                .fails(&[(404, "They are not paused.")]),
        )
        .with(
            Route::post("/v1/sys/job/{id}/pause", Access::right("job pause"), pause_schedule)
                .control()
                .audited("schedule.pause")
                .says("Lets a schedule tick no more until it is resumed; jobs that it made go on.")
                .takes::<PauseJobs>()
                .gives::<Pause>(200, "Paused.")
                .fails(&[(400, "A bound does not fit."), (404, "There is no such schedule.")]),
        )
        .with(
            Route::post("/v1/sys/job/{id}/resume", Access::right("job pause"), resume_schedule)
                .control()
                .audited("schedule.resume")
                .says("Ends the pause of a schedule; a tick that passed meanwhile is a missed one.")
                .gives::<Pause>(200, "The pause that is over.")
                .fails(&[(404, "It is not paused.")]),
        )
        .with(
            Route::get("/v1/sys/schedules", Access::right("job read"), schedules)
                .says("The cron schedules that have not been cancelled.")
                .gives::<Schedules>(200, "The schedules."),
        )
}

async fn create(context: Context, headers: HeaderMap, Body(body): Body) -> Result<Response, Failure> {
    let request: CreateJob = parse(&body)?;
    context.allow(&Need::one(Word::JobCreate, &request.name))?;
    let Some(keyed) = Keyed::read(&headers, "job", &context, &body)? else {
        let created = context.jobs().create(request).await?;
        return Ok(json(StatusCode::CREATED, &shape(created)));
    };
    let op = context.jobs().create_op(request)?;
    let at = context.clock().now();
    let foreseen = shape(foresee(&op, at));
    let answer = |job: &Job| -> Result<Answer> {
        let body =
            serde_json::to_string(job).map_err(|error| Error::internal("a job has no JSON form").with_source(error))?;
        Ok(Answer { status: 201, body })
    };
    let batch = Batch::new(at)
        .with(op)
        .with(keyed.remember(&context, Some(answer(&foreseen)?), false));
    match context.kernel().store.commit(batch).await {
        Ok(outcomes) => match outcomes.into_iter().next() {
            // Its unique key was taken: the living job is the answer, and is put in the place of the one foreseen.
            Some(Outcome::Duplicate(job) | Outcome::Changed(job)) => {
                let living = to_wire(*job, None);
                let correct = keyed.remember(&context, Some(answer(&living)?), true);
                context.kernel().store.commit(Batch::new(at).with(correct)).await?;
                Ok(json(StatusCode::CREATED, &living))
            }
            _ => Ok(json(StatusCode::CREATED, &foreseen)),
        },
        Err(store::Error::Refused {
            why: Refusal::Remembered(remembered),
            ..
        }) => match keyed.compare(&context, *remembered).await? {
            Known::Answered(response) => Ok(response),
            // A job and its answer are one commit: there is no running one.
            Known::Unknown => Err(Error::conflict("the outcome of the first request is unknown")
                .with_code("OUTCOME_UNKNOWN")
                .into()),
        },
        Err(error) => Err(error.into()),
    }
}

/// The job or schedule as the store will keep it: what it is answered with is remembered in the commit that makes it.
pub(super) fn foresee(op: &store::Op, at: chrono::DateTime<chrono::Utc>) -> Created {
    match op {
        store::Op::Schedule(new) => Created::Schedule(Box::new(store::Schedule {
            seq: 0,
            id: new.id.clone(),
            name: new.name.clone(),
            params: new.params.clone(),
            cron: new.cron.clone(),
            timezone: new.timezone.clone(),
            catch_up: new.catch_up,
            overlap: new.overlap,
            created_at: at,
            next_run: new.next_run,
            last_run: None,
            cancelled_at: None,
            priority: new.priority,
            max_attempts: new.max_attempts,
            backoff: new.backoff,
            timeout: new.timeout,
            max_elapsed: new.max_elapsed,
            start_within: new.start_within,
            heartbeat: new.heartbeat,
        })),
        store::Op::Enqueue(new) => Created::Job(
            Box::new(store::Job {
                seq: 0,
                id: new.id.clone(),
                name: new.name.clone(),
                params: new.params.clone(),
                status: JobStatus::Queued,
                priority: new.priority,
                created_at: at,
                run_at: new.run_at.unwrap_or(at),
                started_at: None,
                completed_at: None,
                attempt: 0,
                failures: 0,
                max_attempts: new.max_attempts,
                backoff: new.backoff,
                timeout: new.timeout,
                deadline: new.deadline(at),
                start_by: new.start_by(at),
                heartbeat: new.heartbeat,
                unique_key: new.unique_key.clone(),
                concurrency: new.concurrency.clone(),
                turn: None,
                throttle_key: new.throttle_key.clone(),
                attempt_bytes: 0,
                redrive_of: None,
                redriven_as: None,
                schedule_id: None,
                progress: None,
                result: None,
                error: None,
                trace: new.trace.clone(),
                owner: None,
                cancel_acknowledged_at: None,
            }),
            false,
        ),
        _ => unreachable!("creating a job makes a job or a schedule"),
    }
}

pub(super) fn shape(created: Created) -> Job {
    match created {
        Created::Job(job, _) => to_wire(*job, None),
        Created::Schedule(schedule) => schedule_as_job(*schedule),
    }
}

async fn cancel(context: Context, Path(id): Path) -> Result<Response, Failure> {
    allow::job(&context, Word::JobCancel, &id).await?;
    if is_run(&context, &id).await? {
        let run = context.flows().cancel(&id).await?;
        return Ok(json(StatusCode::OK, &to_wire(run, None)));
    }
    Ok(json(StatusCode::OK, &shape(context.jobs().cancel(&id).await?)))
}

/// Whether a job is a run of a workflow, whose jobs and children end with it.
pub(super) async fn is_run(context: &Context, id: &str) -> Result<bool> {
    let job = context.jobs().get(id).await?;
    Ok(job.is_some_and(|job| job.name.starts_with(FLOW_PREFIX)))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListParams {
    status: Option<JobStatus>,
    name: Option<String>,
    schedule_id: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

async fn list(context: Context, Query(params): Query<ListParams>) -> Result<Response, Failure> {
    context.allow(&Need::named(Word::JobRead, params.name.as_deref()))?;
    let limit = params.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let before = params.cursor.as_deref().map(cursor).transpose()?;
    let query = JobQuery {
        status: params.status,
        name: params.name,
        schedule_id: params.schedule_id,
        before,
        limit,
    };
    let pauses = context.jobs().pauses().await?;
    let (jobs, next) = context.jobs().list_shown(query, &pauses).await?;
    Ok(json(
        StatusCode::OK,
        &Jobs {
            jobs: jobs.into_iter().map(|job| pauses.show(job, None)).collect(),
            cursor: next.map(|seq| seq.to_string()),
            paused: pauses.all(),
        },
    ))
}

async fn schedules(context: Context) -> Result<Response, Failure> {
    context.allow(&Need::all(Word::JobRead))?;
    let pauses = context.jobs().pauses().await?;
    let shown = |schedule: store::Schedule| Schedule {
        paused: pauses.schedule(&schedule.id).cloned(),
        ..schedule.into()
    };
    let schedules = context.jobs().schedules().await?.into_iter().map(shown).collect();
    Ok(json(StatusCode::OK, &Schedules { schedules }))
}

async fn pause(context: Context, Path(name): Path, Payload(why): Payload<PauseJobs>) -> Result<Response, Failure> {
    context.allow(&Need::one(Word::JobPause, &name))?;
    Ok(json(
        StatusCode::OK,
        &context.jobs().pause(Paused::Name(&name), why).await?,
    ))
}

async fn resume(context: Context, Path(name): Path) -> Result<Response, Failure> {
    context.allow(&Need::one(Word::JobPause, &name))?;
    Ok(json(StatusCode::OK, &context.jobs().resume(Paused::Name(&name)).await?))
}

async fn pause_schedule(
    context: Context,
    Path(id): Path,
    Payload(why): Payload<PauseJobs>,
) -> Result<Response, Failure> {
    allow::job(&context, Word::JobPause, &id).await?;
    Ok(json(
        StatusCode::OK,
        &context.jobs().pause(Paused::Schedule(&id), why).await?,
    ))
}

async fn resume_schedule(context: Context, Path(id): Path) -> Result<Response, Failure> {
    allow::job(&context, Word::JobPause, &id).await?;
    Ok(json(
        StatusCode::OK,
        &context.jobs().resume(Paused::Schedule(&id)).await?,
    ))
}
