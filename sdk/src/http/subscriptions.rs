//! Subscriptions between services, and the events that were given up on.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;

use super::extract::{Path, Payload, Query};
use super::observe::LIMIT_MAX;
use super::respond::{Failure, json};
use crate::auth::{Access, Need, Word};
use crate::context::Context;
use crate::error::Result;
use crate::service::{Route, RouteKind, Routes};
use crate::wire::{DeadLetter, DeadLetters, EditDeadLetter, Redriven, Subscriptions};

/// Dead letters on a page unless said.
const LIMIT: usize = 100;

pub(super) fn routes() -> Routes {
    let consume = || Access::right("event consume");
    let missing = (404, "There is no dead letter of this id.");
    let moving = (409, "It is being redriven.");
    let wrong = (400, "A parameter or the body does not fit.");
    Routes::new()
        .with(
            Route::get("/v1/sys/events/subscriptions", Access::right("event read"), list)
                .says("What this service pushes to others and others push to it, with how far each is.")
                .gives::<Subscriptions>(200, "Both sides."),
        )
        .with(
            Route::get("/v1/sys/events/dead", Access::right("event read"), dead)
                .says("Events that subscriptions and groups gave up on, oldest first, in pages.")
                .query(
                    "holder",
                    "string",
                    "Only of this subscription, as source/event, or of this group.",
                )
                .query("limit", "integer", "At most so many; 100 unless said, 1,000 at most.")
                .query("cursor", "string", "Go on from this cursor.")
                .gives::<DeadLetters>(200, "The dead letters.")
                .fails(&[wrong]),
        )
        .with(
            Route::get("/v1/sys/events/dead/{id}", Access::right("event read"), read)
                .says("One dead letter.")
                .gives::<DeadLetter>(200, "The dead letter.")
                .fails(&[wrong, missing]),
        )
        .with(
            Route::put("/v1/sys/events/dead/{id}", consume(), edit)
                .audited("dead-letter.edit")
                .says("Gives the event other data, to be redriven with.")
                .takes::<EditDeadLetter>()
                .gives::<DeadLetter>(200, "The dead letter as it is now.")
                .fails(&[wrong, missing, moving]),
        )
        .with(
            Route::delete("/v1/sys/events/dead/{id}", consume(), drop_letter)
                .audited("dead-letter.drop")
                .says("Forgets a dead letter.")
                .gives_media(204, "It is gone.", "")
                .fails(&[wrong, missing, moving]),
        )
        .with(
            Route::post("/v1/sys/events/dead/{id}/redrive", consume(), redrive)
                .audited("dead-letter.redrive")
                .says("Tries it again: a subscription's handler takes it now, a group's next fetch gets it.")
                .kind(RouteKind::Rpc)
                .gives::<Redriven>(200, "What became of it.")
                .fails(&[
                    wrong,
                    missing,
                    (409, "The handler failed again, or it is being redriven."),
                ]),
        )
}

async fn list(context: Context) -> Result<Response, Failure> {
    context.allow(&Need::all(Word::EventRead))?;
    Ok(json(StatusCode::OK, &context.kernel().subscriptions.list().await?))
}

#[derive(Debug, Deserialize)]
struct DeadParams {
    holder: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

async fn dead(context: Context, Query(params): Query<DeadParams>) -> Result<Response, Failure> {
    context.allow(&Need::all(Word::EventRead))?;
    let limit = params.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let dead = &context.kernel().subscriptions.dead;
    let page = dead
        .list(params.holder.as_deref(), params.cursor.as_deref(), limit)
        .await?;
    Ok(json(StatusCode::OK, &page))
}

async fn read(context: Context, Path(id): Path) -> Result<Response, Failure> {
    context.allow(&Need::all(Word::EventRead))?;
    Ok(json(
        StatusCode::OK,
        &context.kernel().subscriptions.dead.get(&id).await?,
    ))
}

async fn edit(context: Context, Path(id): Path, Payload(edit): Payload<EditDeadLetter>) -> Result<Response, Failure> {
    context.allow(&Need::all(Word::EventConsume))?;
    let letter = context.kernel().subscriptions.dead.edit(&id, edit.data).await?;
    Ok(json(StatusCode::OK, &letter))
}

async fn drop_letter(context: Context, Path(id): Path) -> Result<Response, Failure> {
    context.allow(&Need::all(Word::EventConsume))?;
    context.kernel().subscriptions.dead.drop_letter(&id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn redrive(context: Context, Path(id): Path) -> Result<Response, Failure> {
    context.allow(&Need::all(Word::EventConsume))?;
    let redriven = context.kernel().subscriptions.dead.redrive(&id).await?;
    Ok(json(StatusCode::OK, &redriven))
}
