//! Every route of the file system and the shell.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use blackroad_os_contracts::os::{FsNode, ShellCall, ShellEmit, ShellProcesses};
use http::StatusCode;
use syscall_sdk::auth::Access;
use syscall_sdk::context::Context;
use syscall_sdk::http::pages::asset_routes;
use syscall_sdk::http::{Failure, json};
use syscall_sdk::pages::Asset;
use syscall_sdk::service::{Route, RouteKind, Routes};
use syscall_sdk::wire::{Emitted, RpcResponse};

use crate::path::{FsPath, parameter};
use crate::{page, shell, tail, tree};

/// Where the tree is read.
const FS: &str = "/v1/fs";
/// What the pages have beside the shared style.
pub(crate) const STYLE: Asset = Asset::own("os.css", "text/css; charset=utf-8", include_str!("../assets/os.css"));
/// The terminal.
pub(crate) const SCRIPT: Asset = Asset::own(
    "terminal.js",
    "text/javascript; charset=utf-8",
    include_str!(concat!(env!("OUT_DIR"), "/terminal.js")),
);

pub(crate) fn routes() -> Routes {
    let mut routes = asset_routes(&[STYLE, SCRIPT]);
    for path in [FS, "/v1/fs/", "/v1/fs/{*path}"] {
        routes = routes.with(reading(Route::get(path, Access::right("fs read"), read)));
    }
    for path in ["/fs", "/fs/", "/fs/{*path}"] {
        routes = routes.with(
            Route::get(path, Access::Session, page::place)
                .says("A place in the tree, to read.")
                .page(),
        );
    }
    routes
        .with(
            Route::get("/", Access::Session, page::terminal)
                .says("The shell.")
                .page(),
        )
        .with(
            Route::post("/v1/shell/call", Access::Session, shell::call)
                .says("Calls a method of a service, with the caller's own credential.")
                .kind(RouteKind::Rpc)
                .takes::<ShellCall>()
                .gives::<RpcResponse>(200, "What the method gave.")
                .fails(&[
                    (400, "The body does not fit."),
                    (404, "No such service or method."),
                    (503, "The service cannot be reached."),
                ]),
        )
        .with(
            Route::post("/v1/shell/emit", Access::Session, shell::emit)
                .says("Emits an event of a service, with the caller's own credential.")
                .takes::<ShellEmit>()
                .gives::<Emitted>(201, "Emitted.")
                .fails(&[
                    (400, "The body does not fit."),
                    (
                        403,
                        "Events of that name are the kernel's own, or the caller has no right to them.",
                    ),
                    (404, "No such service."),
                    (503, "The service cannot be reached."),
                ]),
        )
        .with(
            Route::get("/v1/shell/ps", Access::Session, shell::ps)
                .says("What runs, as each service itself says.")
                .gives::<ShellProcesses>(200, "Every service of the registry."),
        )
        .with(
            Route::get("/v1/tail/{service}/{what}", Access::Session, tail::follow)
                .says("A service's events or log as they come, as server-sent events; what is events or logs.")
                .kind(RouteKind::Stream)
                .query(
                    "event",
                    "string",
                    "Of events, only this name, or with a trailing * every name that starts so.",
                )
                .query("level", "string", "Of logs, exactly this level.")
                .query("limit", "integer", "Of logs, so many of the latest first.")
                .header("Last-Event-ID", "Go on after this message.")
                .gives_media(
                    200,
                    "Each message's data is an Event or a line of the log.",
                    "text/event-stream",
                )
                .fails(&[
                    (404, "No such service, or no such thing to follow."),
                    (503, "The service cannot be reached."),
                ]),
        )
}

fn reading(route: Route) -> Route {
    route
        .says("A directory or a file of the tree. Names are literal and decoded once.")
        .query(
            "path",
            "string",
            "The path, instead of in the URL: for names that a URL cannot hold, such as two dots.",
        )
        .query("cursor", "string", "Go on from this cursor of a directory.")
        .query(
            "limit",
            "integer",
            "At most so many entries; 100 unless said, 1,000 at most.",
        )
        .gives::<FsNode>(200, "What is there.")
        .fails(&[
            (400, "The path is no UTF-8."),
            (404, "Nothing is there; details name the nearest directory that is."),
            (503, "The service cannot be reached."),
        ])
}

async fn read(context: Context, request: Request) -> Result<Response, Failure> {
    let query = request.uri().query();
    let path = match parameter(query, "path")? {
        Some(text) => FsPath::literal(&text),
        None => FsPath::decode(request.uri().path().strip_prefix(FS).unwrap_or_default())?,
    };
    let node = tree::read(&context, &path, &tree::Window::of(query)?).await?;
    Ok(json(StatusCode::OK, &node).into_response())
}
