//! The rest of the fleet, as this process sees it.

use axum::response::Response;
use http::StatusCode;

use super::extract::Path;
use super::respond::{Failure, json};
use crate::auth::Access;
use crate::context::Context;
use crate::service::{Route, Routes};
use crate::wire::{Peer, Peers};

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(
            Route::get("/v1/sys/peers", Access::right("peers read"), list)
                .says("Every other service as this process sees it: addresses, breakers, calls, latency. Asks nobody.")
                .gives::<Peers>(200, "The services, in the registry's order."),
        )
        .with(
            Route::get("/v1/sys/peers/{service}", Access::right("peers read"), one)
                .says("One service as this process sees it; its name is resolved where that is due.")
                .gives::<Peer>(200, "The service.")
                .fails(&[(404, "The registry has no such service.")]),
        )
}

fn list(context: Context) -> std::future::Ready<Response> {
    std::future::ready(json(StatusCode::OK, &context.rpc().peers()))
}

async fn one(context: Context, Path(service): Path) -> Result<Response, Failure> {
    Ok(json(StatusCode::OK, &context.rpc().peer_of(&service).await?))
}
