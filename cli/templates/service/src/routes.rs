//! The one list of what the service answers, beside the syscalls.

use std::time::Duration;

use axum::response::Response;
use syscall_sdk::auth::Access;
use syscall_sdk::context::Context;
use syscall_sdk::http::{Failure, Html, pages};
use syscall_sdk::service::{Route, RouteKind, Routes};

use crate::page;

/// Between looks at the items while the page is open.
const LOOK_EVERY: Duration = Duration::from_secs(2);

pub(crate) fn routes() -> Routes {
    Routes::new()
        .with(
            Route::get("/", Access::Public, items)
                .says("The items, to read.")
                .page(),
        )
        .with(
            Route::get("/live", Access::Public, live)
                .says("What changes on the page.")
                .kind(RouteKind::Stream)
                .gives_media(200, "HTML by element.", "text/event-stream"),
        )
}

async fn items(context: Context) -> Result<Html, Failure> {
    Ok(Html(page::items(&context).await?))
}

async fn live(context: Context) -> Response {
    pages::live(&context, LOOK_EVERY, page::parts)
}
