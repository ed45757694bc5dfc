//! A local server that keeps zones and speaks the shapes that Cloudflare's API documents, with its transactions, its pages, its locks and
//! its errors; and the platform's question for the domains of a project.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::zone::Zone;
use crate::binary::{Ran, blackroad};

pub(super) const TOKEN: &str = "a-token-of-forty-characters-abcdefghijkl";
/// So few records a page that every zone has several.
const PAGE: usize = 4;

/// What the server does next, and what it was asked.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) zones: Vec<Zone>,
    /// How many of the next requests come too soon, and for how many seconds.
    pub(super) too_soon: (u32, u64),
    /// Parts of paths that the token may not do.
    pub(super) forbidden: Vec<String>,
    /// A name that no batch may change.
    pub(super) refused: Option<String>,
    /// The end of a path that may be read and not written.
    pub(super) shut: Option<String>,
    /// After how many lists of records somebody else adds one.
    pub(super) meddles_after: Option<u32>,
    pub(super) asked: Vec<String>,
    /// The platform's custom domains.
    pub(super) domains: Value,
}

/// A server that is up until it is dropped.
pub(super) struct Api {
    pub(super) address: SocketAddr,
    world: Arc<Mutex<World>>,
    stop: Option<oneshot::Sender<()>>,
}

impl Api {
    pub(super) fn start(zones: Vec<Zone>) -> Result<Self> {
        let world = Arc::new(Mutex::new(World {
            zones,
            ..World::default()
        }));
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let shared = Arc::clone(&world);
        std::thread::spawn(move || -> Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
                tell.send(listener.local_addr()?)?;
                let routes = Router::new().fallback(answer).with_state(shared);
                tokio::select! {
                    served = async { axum::serve(listener, routes).await } => Ok(served?),
                    _ = stopped => Ok(()),
                }
            })
        });
        Ok(Api {
            address: told.recv()?,
            world,
            stop: Some(stop),
        })
    }

    /// The world, to be looked at or turned.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A command, with the token in a file as a container has it.
    pub(super) fn run(&self, args: &[&str]) -> Result<Ran> {
        self.run_with(args, &[])
    }

    pub(super) fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Result<Ran> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), format!("{TOKEN}\n"))?;
        let mut command = dns(args);
        command
            .env("CLOUDFLARE_API_TOKEN_FILE", file.path())
            .env("CLOUDFLARE_API_URL", format!("http://{}/client/v4", self.address))
            .env("RAILWAY_API_URL", format!("http://{}/graphql/v2", self.address))
            .envs(variables.iter().copied());
        Ok(command.output()?.into())
    }

    /// Runs a command that must end so, and gives what it printed.
    pub(super) fn ends(&self, code: i32, args: &[&str]) -> Result<String> {
        let ran = self.run(args)?;
        anyhow::ensure!(ran.code == Some(code), "{args:?} came to {ran:?}");
        Ok(format!("{}{}", ran.out, ran.err))
    }

    /// The requests that change something.
    pub(super) fn writes(&self) -> Vec<String> {
        let asked = &self.world().asked;
        asked.iter().filter(|line| !line.starts_with("GET")).cloned().collect()
    }

    /// The records of a zone.
    pub(super) fn listed(&self, zone: &str) -> Result<Vec<String>> {
        let world = self.world();
        let zone = world.zones.iter().find(|known| known.name == zone);
        Ok(zone.context("the zone is there")?.listed())
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have ended by itself.
            let _ = stop.send(());
        }
    }
}

/// `blackroad dns` with arguments, and nothing of the test's own environment.
pub(super) fn dns(args: &[&str]) -> std::process::Command {
    let mut command = blackroad(&[&["dns"], args].concat());
    for name in [
        "CLOUDFLARE_API_TOKEN",
        "CLOUDFLARE_API_TOKEN_FILE",
        "CLOUDFLARE_API_URL",
        "CLOUDFLARE_DOMAIN",
        "CLOUDFLARE_PROXIED",
        "RAILWAY_TOKEN",
        "RAILWAY_TOKEN_FILE",
        "DNS_OWNERSHIP_FILE",
    ] {
        command.env_remove(name);
    }
    command
}

fn good(result: Value) -> Response {
    let body = json!({ "result": result, "success": true, "errors": [], "messages": [] });
    axum::Json(body).into_response()
}

fn bad(status: u16, code: i64, message: &str) -> Response {
    let errors = json!([{ "code": code, "message": message }]);
    let body = json!({ "result": null, "success": false, "errors": errors, "messages": [] });
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, axum::Json(body)).into_response()
}

/// A page of a list, of as many as the server likes to give.
fn page(all: &[Value], query: &BTreeMap<String, String>) -> Response {
    let number = query
        .get("page")
        .and_then(|page| page.parse().ok())
        .unwrap_or(1usize)
        .max(1);
    let part: Vec<Value> = all.iter().skip((number - 1) * PAGE).take(PAGE).cloned().collect();
    let info = json!({
        "page": number, "per_page": PAGE, "count": part.len(), "total_count": all.len(), "total_pages": all.len().div_ceil(PAGE),
    });
    let body = json!({ "result": part, "success": true, "errors": [], "messages": [], "result_info": info });
    axum::Json(body).into_response()
}

async fn answer(
    State(world): State<Arc<Mutex<World>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if uri.path() == "/graphql/v2" {
        return platform(&world, &body);
    }
    world
        .asked
        .push(format!("{method} {}", uri.path().trim_start_matches("/client/v4/")));
    if world.too_soon.0 > 0 {
        world.too_soon.0 -= 1;
        let mut answer = bad(
            429,
            10_100,
            "More than 1200 requests per 300 seconds reached. Please wait and consider throttling your request speed",
        );
        answer.headers_mut().insert("retry-after", world.too_soon.1.into());
        return answer;
    }
    if headers.get("authorization").and_then(|value| value.to_str().ok()) != Some(&format!("Bearer {TOKEN}")) {
        return bad(403, 9_109, "Invalid access token");
    }
    if world.forbidden.iter().any(|part| uri.path().contains(part)) {
        return bad(403, 10_000, "Authentication error");
    }
    if method != Method::GET && world.shut.as_deref().is_some_and(|end| uri.path().ends_with(end)) {
        return bad(403, 1_006, "Not allowed to edit setting");
    }
    let query: BTreeMap<String, String> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let path: Vec<String> = uri.path().split('/').skip(4).map(str::to_owned).collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let Some((id, rest)) = path.split_first() else {
        let name = query.get("name").cloned().unwrap_or_default();
        let found = world.zones.iter().filter(|zone| zone.name == name).map(|zone| {
            json!({ "id": zone.id, "name": zone.name, "status": "active", "plan": { "legacy_id": zone.plan, "name": "a plan" } })
        });
        return good(found.collect());
    };
    if rest == ["dns_records"] && method == Method::GET && !query.contains_key("page") {
        return bad(400, 1_004, "a list has pages");
    }
    meddle(&mut world, rest, &query);
    let refused = world.refused.clone();
    let Some(zone) = world.zones.iter_mut().find(|zone| zone.id == *id) else {
        return bad(
            404,
            7_003,
            "Could not route to the zone, perhaps your object identifier is invalid?",
        );
    };
    in_zone(zone, &method, rest, &query, &body, refused.as_deref())
}

/// Somebody else is at work in the zone.
fn meddle(world: &mut World, rest: &[&str], query: &BTreeMap<String, String>) {
    if rest != ["dns_records"] || query.get("page").map(String::as_str) != Some("1") {
        return;
    }
    match world.meddles_after {
        Some(0) => {
            world.meddles_after = None;
            if let Some(zone) = world.zones.first_mut() {
                let name = format!("core.{}", zone.name);
                zone.add(json!({ "type": "A", "name": name, "content": "192.0.2.9" }));
            }
        }
        Some(left) => world.meddles_after = Some(left - 1),
        None => {}
    }
}

fn in_zone(
    zone: &mut Zone,
    method: &Method,
    rest: &[&str],
    query: &BTreeMap<String, String>,
    body: &Value,
    refused: Option<&str>,
) -> Response {
    match (method.as_str(), rest) {
        ("GET", ["dns_records"]) => page(&zone.records, query),
        ("POST", ["dns_records", "batch"]) => match zone.batch(body, refused) {
            Ok(done) => good(done),
            Err((code, message)) => bad(400, code, &message),
        },
        ("GET", ["settings", id]) => match zone.settings.get(*id) {
            Some(setting) => good(setting.clone()),
            None => bad(400, 1_003, "Undefined zone setting"),
        },
        ("PATCH", ["settings", id]) => match zone.settings.get_mut(*id) {
            Some(setting) if setting["editable"] == true => {
                setting["value"] = body["value"].clone();
                good(setting.clone())
            }
            _ => bad(403, 1_006, "Not allowed to edit setting"),
        },
        ("GET", ["bot_management"]) => good(json!({ "fight_mode": zone.fight_mode, "enable_js": true })),
        ("PUT", ["bot_management"]) => {
            zone.fight_mode = body["fight_mode"] == true;
            good(json!({ "fight_mode": zone.fight_mode }))
        }
        ("GET", ["rulesets", "phases", "http_request_firewall_managed", "entrypoint"]) => match &zone.rules {
            Some(rules) => good(json!({ "id": "a-ruleset", "rules": rules })),
            None => bad(
                404,
                10_003,
                "could not find entrypoint ruleset in the http_request_firewall_managed phase",
            ),
        },
        ("PUT", ["rulesets", "phases", "http_request_firewall_managed", "entrypoint"]) => {
            zone.rules = body["rules"].as_array().cloned();
            good(json!({ "id": "a-ruleset", "rules": zone.rules }))
        }
        ("POST", ["rulesets", "a-ruleset", "rules"]) => {
            zone.rules.get_or_insert_default().push(body.clone());
            good(json!({ "id": "a-ruleset", "rules": zone.rules }))
        }
        ("GET", ["healthchecks"]) => page(&zone.checks, query),
        ("POST", ["healthchecks"]) => {
            let mut check = body.clone();
            check["id"] = json!(format!("{:032x}", 0xc000 + zone.checks.len()));
            zone.checks.push(check.clone());
            good(check)
        }
        ("DELETE", ["healthchecks", id]) => {
            zone.checks.retain(|check| check["id"] != **id);
            good(json!({ "id": id }))
        }
        _ => bad(404, 7_000, "No route for that URI"),
    }
}

/// The platform's API: who the token is, which services there are, and their domains.
fn platform(world: &World, body: &Value) -> Response {
    let query = body["query"].as_str().unwrap_or_default();
    let data = if query.contains("projectToken") {
        json!({ "projectToken": { "projectId": "p1", "environmentId": "e1" } })
    } else if query.contains("project(id") {
        json!({ "project": { "services": { "edges": [{ "node": { "id": "s1", "name": "blackroad-os-core-production" } }] } } })
    } else if query.contains("customDomains") {
        assert_eq!(body["variables"]["s0"], "s1", "the service is asked for by its id");
        json!({ "s0": { "customDomains": world.domains } })
    } else {
        return axum::Json(json!({ "errors": [{ "message": "Problem processing request" }] })).into_response();
    };
    axum::Json(json!({ "data": data })).into_response()
}
