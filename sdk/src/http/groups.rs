//! Groups of consumers: fetch, acknowledge, release, seek.

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::extract::{Path, Payload};
use super::respond::{Failure, json};
use crate::auth::{Access, Need, Word};
use crate::context::Context;
use crate::error::Result;
use crate::service::{Route, RouteKind, Routes};
use crate::wire::{Fetch, Fetched, Group, Groups, Seek, Settled, Settlement};

pub(super) fn routes() -> Routes {
    let consume = || Access::right("event consume");
    let missing = (404, "There is no group of this name.");
    let wrong = (400, "The body, a name or a place does not fit.");
    Routes::new()
        .with(
            Route::get("/v1/sys/events/groups", Access::right("event read"), list)
                .says("The groups of consumers that share this service's events, with how far each is.")
                .gives::<Groups>(200, "The groups, by name."),
        )
        .with(
            Route::get("/v1/sys/events/groups/{group}", Access::right("event read"), read)
                .says("One group.")
                .gives::<Group>(200, "The group.")
                .fails(&[wrong, missing]),
        )
        .with(
            Route::delete("/v1/sys/events/groups/{group}", consume(), delete)
                .audited("group.forget")
                .says("Forgets a group and its place.")
                .gives_media(204, "It is gone.", "")
                .fails(&[wrong, missing]),
        )
        .with(
            Route::post("/v1/sys/events/groups/{group}/fetch", consume(), fetch)
                .says("The group's next events, for this consumer alone until they are acknowledged or their time is over; the first fetch makes the group.")
                .kind(RouteKind::Wait)
                .takes::<Fetch>()
                .gives::<Fetched>(200, "The events; none where none came within wait.")
                .fails(&[wrong]),
        )
        .with(
            Route::post("/v1/sys/events/groups/{group}/ack", consume(), acknowledge)
                .says("This consumer is done with these events.")
                .takes::<Settlement>()
                .gives::<Settled>(200, "How many it was news of.")
                .fails(&[wrong, missing]),
        )
        .with(
            Route::post("/v1/sys/events/groups/{group}/release", consume(), release)
                .says("This consumer cannot take these events; another may at once, until they have been given out too often.")
                .takes::<Settlement>()
                .gives::<Settled>(200, "How many were released.")
                .fails(&[wrong, missing]),
        )
        .with(
            Route::post("/v1/sys/events/groups/{group}/seek", consume(), seek)
                .audited("group.seek")
                .says("Moves the group to another place in the log.")
                .takes::<Seek>()
                .gives::<Group>(200, "The group as it is now.")
                .fails(&[wrong, missing]),
        )
}

async fn list(context: Context) -> Result<Response, Failure> {
    context.allow(&Need::all(Word::EventRead))?;
    let groups = context.kernel().subscriptions.groups.list().await?;
    Ok(json(StatusCode::OK, &Groups { groups }))
}

async fn read(context: Context, Path(group): Path) -> Result<Response, Failure> {
    context.allow(&Need::all(Word::EventRead))?;
    let group = context.kernel().subscriptions.groups.get(&group).await?;
    Ok(json(StatusCode::OK, &group))
}

async fn delete(context: Context, Path(group): Path) -> Result<Response, Failure> {
    context.allow(&Need::one(Word::EventConsume, &group))?;
    context.kernel().subscriptions.groups.delete(&group).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn fetch(context: Context, Path(group): Path, Payload(fetch): Payload<Fetch>) -> Result<Response, Failure> {
    context.allow(&Need::one(Word::EventConsume, &group))?;
    // Who makes a group says what is in it; who comes later shares what the first one was allowed.
    if context.kernel().subscriptions.groups.get(&group).await.is_err() {
        context.allow(&Need::filtered(Word::EventRead, fetch.event.as_deref()))?;
    }
    let fetched = context.kernel().subscriptions.groups.fetch(&group, &fetch).await?;
    Ok(json(StatusCode::OK, &fetched))
}

async fn acknowledge(
    context: Context,
    Path(group): Path,
    Payload(settlement): Payload<Settlement>,
) -> Result<Response, Failure> {
    context.allow(&Need::one(Word::EventConsume, &group))?;
    let groups = &context.kernel().subscriptions.groups;
    Ok(json(StatusCode::OK, &groups.acknowledge(&group, &settlement).await?))
}

async fn release(
    context: Context,
    Path(group): Path,
    Payload(settlement): Payload<Settlement>,
) -> Result<Response, Failure> {
    context.allow(&Need::one(Word::EventConsume, &group))?;
    let groups = &context.kernel().subscriptions.groups;
    Ok(json(StatusCode::OK, &groups.release(&group, &settlement).await?))
}

async fn seek(context: Context, Path(group): Path, Payload(seek): Payload<Seek>) -> Result<Response, Failure> {
    context.allow(&Need::one(Word::EventConsume, &group))?;
    let groups = &context.kernel().subscriptions.groups;
    Ok(json(StatusCode::OK, &groups.seek(&group, &seek.to).await?))
}
