//! The front page of the public site.

use askama::Template;
use syscall_sdk::context::Context;
use syscall_sdk::http::pages::{frame, service_url};
use syscall_sdk::pages::{Asset, Html, code_block};

/// What only this service's pages use.
pub(crate) const ASSETS: &[Asset] = &[STYLE];
const STYLE: Asset = Asset::own("web.css", "text/css; charset=utf-8", include_str!("../assets/web.css"));

/// What has to be there for a small fleet, what is commonly put beside it, and what it is here.
const COMPARED: [(&str, &str, &str); 7] = [
    (
        "Calls between services",
        "a sidecar a pod, or a client written anew in each",
        "one call, in process or over the network, with deadline, retry budget and trace",
    ),
    (
        "Events",
        "a broker to run, and an outbox so that it agrees with the database",
        "part of the same commit as the data; read from where a reader left off",
    ),
    (
        "Jobs and schedules",
        "a queue, its workers, a cron host",
        "part of the same commit; at least once, cancelled at once, retried with backoff",
    ),
    (
        "Who is where",
        "a registry or a mesh's control plane",
        "one file, registry.toml; a roster kept by one of the services",
    ),
    (
        "Logs, metrics, traces",
        "a collector, and three stores behind it",
        "kept by each service, shown live, exported over OTLP where you have a collector",
    ),
    (
        "State with versions",
        "a key-value store beside the database",
        "the same store, watched and conditional",
    ),
    (
        "What you run",
        "your services and five more",
        "one binary and one file; PostgreSQL when one machine is not enough",
    ),
];

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    run: Html,
    call: Html,
    compared: [(&'static str, &'static str, &'static str); 7],
    docs: String,
    console: String,
    app: String,
    root: String,
    repository: &'static str,
}

pub(crate) async fn page(context: &Context) -> String {
    let url = |key: &str| service_url(context, key);
    let content = Home {
        run: code_block("Run the fleet", "cargo run --release -- up"),
        call: code_block("Call a method", "cargo run --release -- call core listUsers"),
        compared: COMPARED,
        docs: url("docs"),
        console: url("console"),
        app: url("app"),
        root: url("root"),
        repository: env!("CARGO_PKG_REPOSITORY"),
    };
    frame(context, "An operating system for small fleets")
        .await
        .style(STYLE.path())
        .render(content)
}

/// The style of this service's pages, where it is.
pub(crate) fn style() -> String {
    STYLE.path()
}
