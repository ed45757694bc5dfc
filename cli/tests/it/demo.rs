//! A small service whose pages show every part, so that a browser can judge them.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::sse::{Event, Sse};
use axum::response::{Html as Body, IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::{Stream, stream};
use serde_json::json;
use syscall_sdk::pages::{
    ASSET_CACHE_CONTROL, ASSET_PREFIX, CONTENT_SECURITY_POLICY, FleetMark, Frame, Html, NavGroup, NavLink, Status,
    find_asset,
};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

mod overview;
mod parts;

pub(crate) use overview::{jobs, log_line};

/// The service; it ends when this is dropped.
pub(crate) struct Demo {
    address: SocketAddr,
    events: Events,
    server: JoinHandle<()>,
}

/// Named messages for the live parts; `None` breaks the streams.
type Events = broadcast::Sender<Option<(String, String)>>;

impl Demo {
    /// Serves on a port of the system's choice.
    pub(crate) async fn start() -> Result<Self> {
        let (events, _) = broadcast::channel(64);
        let routes = Router::new()
            .route("/", get(|| page("/", "Overview", overview::overview())))
            .route("/parts", get(|| page("/parts", "Parts", parts::parts())))
            .route("/guide", get(|| page("/guide", "Guide", parts::guide())))
            .route("/desk", get(|| page("/desk", "Desk", parts::desk())))
            .route(
                "/jobs/{id}",
                get(|| page("/jobs", "Job", Html::trusted("<h1>A job</h1>"))),
            )
            .route("/jobs/{id}/retry", post(retry))
            .route("/refuse", post(refuse))
            .route("/_live", get(live))
            .route("/_pages/palette.json", get(palette))
            .route("/_assets/{file}", get(asset))
            .with_state(events.clone());
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(async move {
            axum::serve(listener, routes).await.expect("a bound listener serves");
        });
        Ok(Demo {
            address,
            events,
            server,
        })
    }

    /// The address of a path, under a name as a fleet's services have it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://core.localhost:{}{path}", self.address.port())
    }

    /// Sends a live message to every page that listens.
    pub(crate) fn push(&self, event: &str, markup: &Html) {
        self.events
            .send(Some((event.to_owned(), markup.to_string())))
            .expect("a page listens");
    }

    /// Ends every stream, as a service that restarts does.
    pub(crate) fn break_streams(&self) {
        self.events.send(None).expect("a page listens");
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn page(path: &str, title: &str, content: Html) -> Response {
    let link = |label: &str, href: &str| NavLink {
        label: label.into(),
        href: href.into(),
        current: href == path,
    };
    let mut frame = Frame::new(title, "production")
        .mounted("/", "core", "/")
        .path(if path == "/" {
            "/jobs/018f4a6e-3b1c-7c2e-9d0a-5f6b7c8d9e0f"
        } else {
            path
        })
        .fleet(fleet())
        .version("0.1.0")
        .updated(overview::now())
        .live("/_live");
    if path != "/desk" {
        frame = frame.nav(vec![
            NavGroup {
                label: "Service".into(),
                links: vec![link("Overview", "/"), link("Parts", "/parts")],
            },
            NavGroup {
                label: "More".into(),
                links: vec![link("Guide", "/guide"), link("Desk", "/desk")],
            },
        ]);
    }
    (
        [(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY)],
        Body(frame.render(content)),
    )
        .into_response()
}

pub(crate) fn fleet() -> Vec<FleetMark> {
    ["operator", "core", "api", "app", "console", "docs", "web", "os", "root"]
        .iter()
        .map(|name| FleetMark {
            name: (*name).into(),
            status: match *name {
                "api" => Status::Degraded,
                "docs" => Status::Down,
                "os" => Status::Unknown,
                _ => Status::Healthy,
            },
            href: format!("/?at={name}"),
        })
        .collect()
}

async fn retry(Path(id): Path<String>) -> impl IntoResponse {
    Body(format!(r#"<p id="outcome">Job {} runs again.</p>"#, Html::text(id)))
}

async fn refuse() -> impl IntoResponse {
    let body =
        json!({ "error": { "code": "JOB_FINISHED", "message": "The job has finished and cannot be cancelled." } });
    (StatusCode::CONFLICT, axum::Json(body))
}

async fn live(State(events): State<Events>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let messages = stream::unfold(events.subscribe(), |mut heard| async move {
        let (name, markup) = heard.recv().await.ok()??;
        Some((Ok(Event::default().event(name).data(markup)), heard))
    });
    let hello = stream::iter([Ok(Event::default().event("beat").data(""))]);
    Sse::new(futures_util::StreamExt::chain(hello, messages))
}

async fn palette() -> impl IntoResponse {
    let mut entries: Vec<_> = fleet()
        .into_iter()
        .map(|mark| json!({ "title": mark.name, "hint": mark.status.as_str(), "href": mark.href, "group": "Services" }))
        .collect();
    for method in ["getUserById", "createUser", "listUsers"] {
        entries.push(json!({ "title": method, "hint": "core", "href": "/parts", "group": "Methods" }));
    }
    entries.push(json!({ "title": "Retry a dead job", "hint": "how-to", "href": "/guide", "group": "Docs" }));
    axum::Json(entries)
}

async fn asset(Path(file): Path<String>) -> Response {
    match find_asset(&format!("{ASSET_PREFIX}{file}")) {
        Some(asset) => {
            let headers: [(HeaderName, &str); 2] = [
                (header::CONTENT_TYPE, asset.content_type),
                (header::CACHE_CONTROL, ASSET_CACHE_CONTROL),
            ];
            (headers, asset.body).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
