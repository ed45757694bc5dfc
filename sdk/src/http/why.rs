//! Why something ran, and why it did not.

use axum::response::Response;
use http::StatusCode;

use super::extract::Path;
use super::respond::{Failure, json};
use crate::auth::Access;
use crate::context::Context;
use crate::service::{Route, Routes};
use crate::why::Teller;
use crate::wire::Why;

pub(super) fn routes() -> Routes {
    Routes::new().with(
        Route::get("/v1/sys/why/{id}", Access::right("why read"), read)
            .says("The story of a job, a schedule, a run of a workflow, an event or a dead letter: what happened, what it waits for, what it hangs together with.")
            .gives::<Why>(200, "The story.")
            .fails(&[(404, "Nothing here has this id, or has it any more.")]),
    )
}

async fn read(context: Context, Path(id): Path) -> Result<Response, Failure> {
    let kernel = context.kernel();
    let teller = Teller {
        store: &kernel.store,
        clock: &kernel.clock,
        jobs: &kernel.jobs,
        flows: &kernel.flows,
        subscriptions: &kernel.subscriptions,
        recorder: &kernel.recorder,
        incarnation: &kernel.incarnation,
    };
    Ok(json(StatusCode::OK, &teller.tell(&id).await?))
}
