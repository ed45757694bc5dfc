//! The one list of what web answers.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use blackroad_os_contracts::web::FleetStatus;
use syscall_sdk::auth::Access;
use syscall_sdk::context::Context;
use syscall_sdk::http::{Failure, Html, json, pages};
use syscall_sdk::service::{Route, RouteKind, Routes};

use crate::{home, status};

/// Between looks at the counts while a status page is open: a probe is rarer than this.
const LOOK_EVERY: Duration = Duration::from_secs(5);

pub(crate) fn routes() -> Routes {
    pages::asset_routes(home::ASSETS)
        .with(
            Route::get("/", Access::Public, landing)
                .says("What BlackRoad OS is, and how to run it.")
                .page(),
        )
        .with(
            Route::get("/status", Access::Public, status_page)
                .says("Uptime of every service, from recorded probes.")
                .page(),
        )
        .with(
            Route::get("/status/live", Access::Public, status_live)
                .says("What changes on the status page.")
                .kind(RouteKind::Stream)
                .gives_media(200, "HTML by element.", "text/event-stream"),
        )
        .with(
            Route::get("/status.json", Access::Public, status_json)
                .says("Uptime of every service, from recorded probes.")
                .gives::<FleetStatus>(200, "By service, by hour and by day.")
                .fails(&[(503, "The counts cannot be read now.")]),
        )
}

async fn landing(context: Context) -> Html {
    Html(home::page(&context).await)
}

async fn status_page(context: Context) -> Result<Html, Failure> {
    Ok(Html(status::page(&context).await?))
}

async fn status_live(context: Context) -> Response {
    pages::live(&context, LOOK_EVERY, status::parts)
}

async fn status_json(context: Context) -> Result<Response, Failure> {
    Ok(json(StatusCode::OK, &status::fleet(&context).await?))
}
