//! A service's own directory: what it says of itself, and what it can be asked.

use blackroad_os_contracts::os::{FsKind, FsNode};
use syscall_sdk::error::{Error, Kind, Result};
use syscall_sdk::wire::{Identity, Json, LogEntry, Logs, Methods};

use super::{Ask, entry, file as file_of, options, text};

/// Lines that the file of the log shows.
const LINES: usize = 200;

/// Files that are one syscall's answer.
const FILES: [(&str, &str); 5] = [
    ("identity", "/v1/sys/identity"),
    ("health", "/v1/sys/health"),
    ("version", "/v1/sys/version"),
    ("config", "/v1/sys/config"),
    ("openapi.json", "/v1/sys/openapi.json"),
];

/// Directories of a service, and the capability that each needs.
pub(super) const DIRECTORIES: [(&str, &str); 7] = [
    ("methods", "rpc"),
    ("state", "state"),
    ("jobs", "jobs"),
    ("schedules", "jobs"),
    ("events", "events"),
    ("metrics", ""),
    ("traces", ""),
];

/// What a service's directory holds. It asks the service, so that a directory of one that is down is an error and no promise.
pub(super) async fn list(ask: &Ask<'_>) -> Result<FsNode> {
    let identity: Identity = ask.get("/v1/sys/identity").await?;
    let can = |capability: &str| capability.is_empty() || identity.capabilities.iter().any(|known| known == capability);
    let directories = DIRECTORIES
        .iter()
        .filter(|(_, capability)| can(capability))
        .map(|(name, _)| entry(name, FsKind::Dir, Some(hint(name).to_owned())));
    let files = FILES.iter().map(|(name, _)| *name).chain(["logs"]).map(|name| {
        let hint = match name {
            "health" => identity.health.status.as_str().to_owned(),
            "version" => identity.version.clone(),
            name => hint(name).to_owned(),
        };
        entry(name, FsKind::File, Some(hint))
    });
    Ok(ask.dir(files.chain(directories).collect(), None))
}

fn hint(name: &str) -> &'static str {
    match name {
        "identity" => "who it is and where it is found",
        "config" => "what is switched on",
        "openapi.json" => "everything it answers over HTTP",
        "logs" => "its latest lines",
        "methods" => "what can be called, with schemas",
        "state" => "its keys",
        "jobs" => "newest first",
        "schedules" => "what runs by the clock",
        "events" => "newest first",
        "metrics" => "its figures",
        "traces" => "newest first",
        _ => "",
    }
}

/// A file directly in a service's directory.
pub(super) async fn file(ask: &Ask<'_>, name: &str) -> Result<FsNode> {
    match FILES.iter().find(|(known, _)| *known == name) {
        Some((_, syscall)) => file_of(ask.path, &answer(ask, syscall).await?),
        None if name == "logs" => logs(ask).await,
        None => Err(ask.nothing()),
    }
}

/// A syscall's answer whatever its status: the health of an unhealthy service is what a reader wants most.
async fn answer(ask: &Ask<'_>, syscall: &str) -> Result<Json> {
    let reply = ask.context.rpc().get(&ask.key, syscall, &options(ask.context)).await?;
    let said: Option<Json> = serde_json::from_slice(&reply.body).ok();
    match said {
        Some(json) if reply.status.is_success() || json.value().get("error").is_none() => Ok(json),
        _ => ask.get(syscall).await,
    }
}

/// The latest lines, oldest first, as a text.
async fn logs(ask: &Ask<'_>) -> Result<FsNode> {
    let first: Logs = ask.get("/v1/sys/logs?limit=1").await?;
    let offset = first.total.saturating_sub(LINES);
    let logs: Logs = ask.get(&format!("/v1/sys/logs?limit={LINES}&offset={offset}")).await?;
    let lines: Vec<String> = logs.logs.iter().map(line).collect();
    text(ask.path, &lines.join("\n"))
}

fn line(entry: &LogEntry) -> String {
    let facts = entry
        .meta
        .as_ref()
        .map_or(String::new(), |meta| format!("  {}", meta.text()));
    format!("{}  {:<5}  {}{facts}", entry.timestamp, entry.level, entry.message)
}

/// What can be called.
pub(super) async fn methods(ask: &Ask<'_>) -> Result<FsNode> {
    let methods: Methods = ask.get("/v1/sys/rpc").await?;
    let entries = methods
        .methods
        .into_iter()
        .map(|method| entry(&method.name, FsKind::File, Some(method.description)));
    Ok(ask.dir(entries.collect(), None))
}

/// One method: what it does, and the schemas of what it takes and gives.
pub(super) async fn method(ask: &Ask<'_>, name: &str) -> Result<FsNode> {
    let methods: Methods = ask.get("/v1/sys/rpc").await?;
    match methods.methods.iter().find(|method| method.name == name) {
        Some(method) => file_of(ask.path, method),
        None => Err(ask.nothing()),
    }
}

/// That a service answered what this tree cannot read.
pub(super) fn misread(ask: &Ask<'_>, what: &str) -> Error {
    Error::new(
        Kind::BadGateway,
        format!(
            "{} answered its {what} in another shape than the contract says",
            ask.key
        ),
    )
}
