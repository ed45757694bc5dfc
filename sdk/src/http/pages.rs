//! Where the shared pages meet the kernel: their assets, the palette, the frame of a request, live parts.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::response::{IntoResponse, Redirect, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use super::Path;
use super::respond::{Failure, json};
use super::sse::{self, Message};
use crate::auth::Access;
use crate::config::Environment;
use crate::context::Context;
use crate::contract::person::PROVIDER;
use crate::error::{Error, Result};
use crate::pages::{
    ASSET_CACHE_CONTROL, ASSET_PREFIX, Asset, FleetMark, Frame, Html, OWN_ASSET_PREFIX, Reader, Status, find_asset,
};
use crate::registry::host_name;
use crate::service::{Route, RouteKind, Routes};
use crate::wire::Timestamp;

/// Between looks at the fleet's marks while a page is open.
const MARKS_INTERVAL: Duration = Duration::from_secs(5);

/// Where the fleet's shell looks for a fleet on this machine unless it is told.
const DEFAULT_PORT: u16 = 8000;

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(
            Route::get("/_assets/{file}", Access::Public, asset)
                .says("Styles, scripts and icons of the pages; the name holds a hash of what is in it.")
                .kind(RouteKind::Page)
                .gives_media(200, "The file.", "application/octet-stream")
                .fails(&[(404, "There is no such file.")]),
        )
        .with(
            Route::get("/_pages/palette.json", Access::Public, palette)
                .says("Where the command palette of the pages leads.")
                .gives_media(200, "Entries.", "application/json"),
        )
        .with(
            Route::get("/_pages/live", Access::Public, live_fleet)
                .says("The fleet's marks as they change, for the frame of the pages.")
                .kind(RouteKind::Stream)
                .gives_media(200, "HTML by element.", "text/event-stream"),
        )
}

/// The page of a service that has none of its own: the console's page of it, so that no link to a service leads nowhere. In a fleet without a
/// console it is the sign that the service is here.
pub(super) fn front() -> Routes {
    async fn to_console(context: Context) -> Redirect {
        if !context.registry().has("console") {
            return Redirect::to("/v1/");
        }
        let console = service_url(&context, "console");
        Redirect::to(&format!("{console}services/{}", context.kernel().record.key))
    }
    Routes::new().with(
        Route::get("/", Access::Public, to_console)
            .says("Leads to the console's page of this service.")
            .gives_media(303, "The console.", ""),
    )
}

async fn asset(Path(file): Path) -> Result<Response, Failure> {
    serve(find_asset(&format!("{ASSET_PREFIX}{file}")))
}

/// The route of a service's own assets, made by [`Asset::own`]; the service adds it to its routes.
pub fn asset_routes(assets: &'static [Asset]) -> Routes {
    let own = move |Path(file): Path| {
        let path = format!("{OWN_ASSET_PREFIX}{file}");
        let found = assets.iter().find(|asset| asset.path() == path);
        std::future::ready(serve(found))
    };
    Routes::new().with(
        Route::get("/_assets/own/{file}", Access::Public, own)
            .says("What only this service's pages use; the name holds a hash of what is in it.")
            .kind(RouteKind::Page)
            .gives_media(200, "The file.", "application/octet-stream")
            .fails(&[(404, "There is no such file.")]),
    )
}

fn serve(asset: Option<&'static Asset>) -> Result<Response, Failure> {
    let asset = asset.ok_or_else(|| Error::not_found("there is no such file"))?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(asset.content_type)),
        (CACHE_CONTROL, HeaderValue::from_static(ASSET_CACHE_CONTROL)),
    ];
    Ok((headers, asset.body).into_response())
}

#[derive(Serialize)]
struct PaletteEntry {
    title: String,
    hint: String,
    href: String,
    group: &'static str,
}

async fn palette(context: Context) -> Response {
    let mut entries: Vec<PaletteEntry> = Vec::new();
    // Another fleet than the one that ships may have neither.
    let (has_console, has_docs) = (context.registry().has("console"), context.registry().has("docs"));
    for service in context.registry().services() {
        entries.push(PaletteEntry {
            title: service.key.clone(),
            hint: service.name.clone(),
            href: service_url(&context, &service.key),
            group: "services",
        });
        if has_console {
            entries.push(PaletteEntry {
                title: format!("{} in the console", service.key),
                hint: "health, methods, logs, events, jobs".to_owned(),
                href: format!("{}services/{}", service_url(&context, "console"), service.key),
                group: "console",
            });
        }
    }
    let of_console = [
        ("Calls", "which service calls which, and how it goes", "calls"),
        ("Traces", "what the services did lately", "traces"),
    ];
    for (title, hint, path) in of_console.into_iter().filter(|_| has_console) {
        entries.push(PaletteEntry {
            title: title.to_owned(),
            hint: hint.to_owned(),
            href: format!("{}{path}", service_url(&context, "console")),
            group: "console",
        });
    }
    let of_docs = [
        ("Documentation", ""),
        ("Search the documentation", "search"),
        ("The wire contract", "reference/syscalls"),
    ];
    for (title, path) in of_docs.into_iter().filter(|_| has_docs) {
        entries.push(PaletteEntry {
            title: title.to_owned(),
            hint: "docs".to_owned(),
            href: format!("{}{path}", service_url(&context, "docs")),
            group: "docs",
        });
    }
    for (name, method) in context.kernel().methods.iter().filter(|_| has_console) {
        entries.push(PaletteEntry {
            title: format!("{}.{name}", context.kernel().record.key),
            hint: method.description.to_owned(),
            href: format!(
                "{}services/{}#methods",
                service_url(&context, "console"),
                context.kernel().record.key
            ),
            group: "methods",
        });
    }
    json(StatusCode::OK, &entries)
}

/// Where a person finds a service: on a laptop beside the page that they look at, else by its public name. Ends in `/`.
pub fn service_url(context: &Context, key: &str) -> String {
    let host = context.request().host.as_deref().unwrap_or_default();
    let name = host_name(host);
    let local = name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<std::net::IpAddr>().is_ok()
        || name.is_empty();
    if local && context.kernel().settings.environment == Environment::Development {
        let port = host
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse().ok())
            .unwrap_or_else(|| context.kernel().port());
        return if key == "root" {
            format!("http://localhost:{port}/")
        } else {
            format!("http://{key}.localhost:{port}/")
        };
    }
    let url = context
        .registry()
        .public_url(key, context.kernel().settings.environment)
        .unwrap_or_default();
    format!("{}/", url.trim_end_matches('/'))
}

/// A line of the fleet's shell, `ps` or `logs core`, that reaches the fleet which the reader looks at: `blackroad logs core --port 9000`.
pub fn command(context: &Context, words: &str) -> String {
    let host = context.request().host.as_deref().unwrap_or_default();
    let port = host.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    match (context.kernel().settings.environment, port) {
        (Environment::Production, _) => format!("blackroad {words} --env production"),
        (Environment::Development, Some(port)) if port != DEFAULT_PORT => format!("blackroad {words} --port {port}"),
        _ => format!("blackroad {words}"),
    }
}

/// The frame of a page of this service, with the fleet's marks as the roster knows them.
pub async fn frame(context: &Context, title: &str) -> Frame {
    let kernel = context.kernel();
    let frame = Frame::new(title, kernel.settings.environment.as_str())
        .mounted(
            &service_url(context, "root"),
            &kernel.record.key,
            &service_url(context, &kernel.record.key),
        )
        .fleet(fleet_marks(context).await)
        .live("/_pages/live")
        .version(&kernel.build.version)
        .updated(Timestamp(context.clock().now()));
    match context.person() {
        None => frame,
        Some(person) => frame.reader(Reader {
            name: person.name.clone(),
            email: person.email.clone(),
            account_href: format!("{}account", service_url(context, PROVIDER)),
            form_token: person.form_token.clone(),
        }),
    }
}

/// Every service and how it is, as the roster knows it; unknown where the roster does not answer in a moment.
pub async fn fleet_marks(context: &Context) -> Vec<FleetMark> {
    let roster = context.roster().await;
    let listed = roster.iter().flat_map(|roster| &roster.services);
    let known: BTreeMap<&str, Status> = listed
        .map(|service| (service.key.as_str(), service.status.map_or(Status::Down, Status::from)))
        .collect();
    context
        .registry()
        .services()
        .map(|service| FleetMark {
            name: service.key.clone(),
            status: known.get(service.key.as_str()).copied().unwrap_or(Status::Unknown),
            href: service_url(context, &service.key),
        })
        .collect()
}

async fn live_fleet(context: Context) -> Response {
    live(&context, MARKS_INTERVAL, |context| async move {
        vec![("fleet".to_owned(), frame(&context, "").await.fleet_fragment())]
    })
}

/// Sends parts of a page whenever they have changed, looking at an interval: each is an element's id and its new HTML.
///
/// A part named `{id}:add` adds to a growing list instead of replacing an element.
pub fn live<F, Fut>(context: &Context, interval: Duration, look: F) -> Response
where
    F: Fn(Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Vec<(String, Html)>> + Send + 'static,
{
    let source = (context.clone(), look, BTreeMap::<String, String>::new(), false);
    sse::stream(
        context,
        Vec::new(),
        source,
        move |(context, look, mut sent, begun)| async move {
            if begun {
                tokio::time::sleep(interval).await;
            }
            // The future is made first and awaited without the closure, which then need not be shared between threads.
            let looking = look(context.clone());
            let mut messages: Vec<Message> = Vec::new();
            for (id, html) in looking.await {
                let html = html.into_string();
                if sent.get(&id) != Some(&html) {
                    messages.push(Message::html(&id, &html));
                    sent.insert(id, html);
                }
            }
            // A sign of life says that what is shown is as of now.
            messages.push(Message::html("beat", ""));
            Some((messages, (context, look, sent, true)))
        },
    )
}

/// Sends parts of a page as a source gives them, for what is heard of rather than looked at: each is an element's id and its new HTML.
///
/// The source is given back to be asked again, and `None` ends the stream. Where nothing changes it gives an empty list at least every
/// few seconds: each list is followed by a sign of life.
pub fn live_from<S, F, Fut>(context: &Context, source: S, next: F) -> Response
where
    S: Send + 'static,
    F: Fn(S) -> Fut + Send + 'static,
    Fut: Future<Output = Option<(Vec<(String, Html)>, S)>> + Send + 'static,
{
    sse::stream(context, vec![Message::html("beat", "")], source, move |source| {
        let parts = next(source);
        async move {
            let (parts, source) = parts.await?;
            let mut messages: Vec<Message> = parts
                .iter()
                .map(|(id, html)| Message::html(id, html.as_str()))
                .collect();
            messages.push(Message::html("beat", ""));
            Some((messages, source))
        }
    })
}
