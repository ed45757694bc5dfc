//! The one list of what root answers.

use std::time::Duration;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use blackroad_os_contracts::root::FleetRegistry;
use syscall_sdk::auth::Access;
use syscall_sdk::context::Context;
use syscall_sdk::error::Error;
use syscall_sdk::http::{Failure, Html, json, pages};
use syscall_sdk::pages::asset_path;
use syscall_sdk::service::{Route, RouteKind, Routes};

use crate::{apex, files, landing};

/// Between looks at the fleet's marks while the page is open.
const LOOK_EVERY: Duration = Duration::from_secs(5);

pub(crate) fn routes() -> Routes {
    let moved = (301, "To the apex, from its www.", "");
    Routes::new()
        .with(
            Route::get("/", Access::Public, home)
                .says("The fleet's front page: every service, how it is, and what it is for.")
                .page()
                .gives_media(moved.0, moved.1, moved.2),
        )
        .with(
            Route::get("/live", Access::Public, live)
                .says("What changes on the front page.")
                .kind(RouteKind::Stream)
                .gives_media(200, "HTML by element.", "text/event-stream"),
        )
        .with(
            Route::get("/registry.json", Access::Public, registry)
                .says("The registry: every service, its role, and where it is found.")
                .gives::<FleetRegistry>(200, "The registry."),
        )
        .with(
            Route::get("/.well-known/security.txt", Access::Public, security)
                .says("Whom to tell of a vulnerability (RFC 9116).")
                .gives_media(200, "The file.", "text/plain"),
        )
        .with(
            Route::get("/robots.txt", Access::Public, robots)
                .says("What crawlers may read: the public pages of production, and nothing elsewhere.")
                .gives_media(200, "The file.", "text/plain"),
        )
        .with(
            Route::get("/favicon.ico", Access::Public, icon)
                .says("The icon, for who asks by its old name.")
                .gives_media(302, "Where the icon is.", ""),
        )
        .with(
            Route::get("/{*path}", Access::Public, elsewhere)
                .says("Any other path: to the apex where the Host is its www, else nothing.")
                .gives_media(moved.0, moved.1, moved.2)
                .fails(&[(404, "There is nothing at this path.")]),
        )
}

async fn home(context: Context, uri: Uri) -> Response {
    match apex::moved(&context, &uri) {
        Some(to) => to_apex(&to),
        None => Html(landing::page(&context).await).into_response(),
    }
}

async fn live(context: Context) -> Response {
    pages::live(&context, LOOK_EVERY, landing::parts)
}

async fn registry(context: Context, uri: Uri) -> Response {
    match apex::moved(&context, &uri) {
        Some(to) => to_apex(&to),
        None => json(StatusCode::OK, &files::registry(&context)),
    }
}

async fn security(context: Context, uri: Uri) -> Response {
    match apex::moved(&context, &uri) {
        Some(to) => to_apex(&to),
        None => text(files::security(
            &context.registry().file().domain,
            env!("CARGO_PKG_REPOSITORY"),
            context.clock().now(),
        )),
    }
}

async fn robots(context: Context, uri: Uri) -> Response {
    match apex::moved(&context, &uri) {
        Some(to) => to_apex(&to),
        None => text(files::robots(context.kernel().settings.environment).to_owned()),
    }
}

async fn icon(context: Context, uri: Uri) -> Response {
    match apex::moved(&context, &uri) {
        Some(to) => to_apex(&to),
        None => redirect(StatusCode::FOUND, &asset_path("icon.svg")),
    }
}

async fn elsewhere(context: Context, uri: Uri) -> Result<Response, Failure> {
    match apex::moved(&context, &uri) {
        Some(to) => Ok(to_apex(&to)),
        None => Err(
            Error::not_found("there is nothing at this path; GET /v1/sys/openapi.json lists what is")
                .with_code("ROUTE_NOT_FOUND")
                .into(),
        ),
    }
}

fn to_apex(url: &str) -> Response {
    redirect(StatusCode::MOVED_PERMANENTLY, url)
}

fn redirect(status: StatusCode, to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(to) => (status, [(axum::http::header::LOCATION, to)]).into_response(),
        // A request's path that was parsed is made of characters that a header may hold.
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

fn text(body: String) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600")),
    ];
    (headers, body).into_response()
}
