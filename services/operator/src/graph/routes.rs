//! `POST /v1/workflows`, `GET /v1/workflows/{id}`.

use blackroad_os_contracts::workflows::{Graph, GraphRun, RUN_GRAPH};
use http::{HeaderMap, StatusCode};
use syscall_sdk::auth::{Access, Need, Word};
use syscall_sdk::context::Context;
use syscall_sdk::error::Error;
use syscall_sdk::http::{Failure, Path, Payload, json};
use syscall_sdk::rpc::header::IDEMPOTENCY_KEY;
use syscall_sdk::service::{Route, Routes};
use syscall_sdk::transport::Response;

use super::check::Plan;
use super::show::show;

pub(crate) fn routes() -> Routes {
    Routes::new()
        .with(
            Route::post("/v1/workflows", Access::right("workflow start"), start)
                .says("Runs a graph of calls, jobs, waits and approvals; nodes that do not depend on each other run side by side.")
                .takes::<Graph>()
                .gives::<GraphRun>(201, "Started, or there already under the same id or `Idempotency-Key`.")
                .fails(&[
                    (400, "The graph cannot be run; of a cycle the answer names the path."),
                    (409, "Another run has the id."),
                ]),
        )
        .with(
            Route::get("/v1/workflows/{id}", Access::right("workflow read"), read)
                .says("Where a run of a graph stands, node by node.")
                .gives::<GraphRun>(200, "The run.")
                .fails(&[(404, "There is no run of a graph of this id.")]),
        )
}

async fn start(context: Context, headers: HeaderMap, Payload(graph): Payload<Graph>) -> Result<Response, Failure> {
    context.allow(&Need::one(Word::WorkflowStart, RUN_GRAPH.name))?;
    Plan::new(graph.clone())?.is_of(context.registry())?;
    let id = match &graph.id {
        Some(id) => Some(id.clone()),
        None => keyed(&headers)?,
    };
    let run = context.start(&RUN_GRAPH, &graph, id).await?;
    let run = context.flows().get(&run.id).await?;
    Ok(json(StatusCode::CREATED, &show(run)?))
}

/// The id of a run that is named by its request's `Idempotency-Key`: whoever sends it again gets the same run, for as long as it is kept.
fn keyed(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    match key.to_str() {
        Ok(key) if !key.is_empty() => Ok(Some(format!("key-{key}"))),
        _ => Err(Error::invalid(
            "Idempotency-Key is not text; give the graph an id, or the key as letters and digits",
        )),
    }
}

async fn read(context: Context, Path(id): Path) -> Result<Response, Failure> {
    context.allow(&Need::one(Word::WorkflowRead, RUN_GRAPH.name))?;
    let run = context.flows().get(&id).await?;
    if run.name != RUN_GRAPH.name {
        return Err(Error::not_found(format!("workflow {id:?} is no graph"))
            .with_code("WORKFLOW_NOT_FOUND")
            .into());
    }
    Ok(json(StatusCode::OK, &show(run)?))
}
