use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use syscall_sdk::auth::Access;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::http::{Failure, Query, json};
use syscall_sdk::name::Prefix;
use syscall_sdk::service::{Route, Routes};
use syscall_sdk::state::State;
use syscall_sdk::wire::{AuditEntry, AuditOutcome, AuditPage};

use super::{ENTRIES, NAMESPACE, append, key};

/// Entries of a page unless said, and at most.
const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1_000;
/// Entries that are looked at to fill a page that a filter thins out. Past it the page bears a cursor, so that no request reads the
/// whole of a trail that is never dropped.
const LOOKED_AT_MAX: u64 = 5_000;
/// Entries read from the store at once.
const SLICE: u64 = 500;

pub(super) fn routes() -> Routes {
    Routes::new().with(
        Route::get("/v1/audit", Access::right("audit read"), list)
            .says("The audit trail, newest first; with `after`, oldest first from there on.")
            .query(
                "after",
                "integer",
                "Go on after this entry, oldest first; 0 is from the first.",
            )
            .query("before", "integer", "Go on before this entry, newest first.")
            .query("limit", "integer", "At most so many; 100 unless said, 1,000 at most.")
            .query(
                "action",
                "string",
                "Only this action, or with a trailing * every action that starts so.",
            )
            .query("actor", "string", "Only of this actor.")
            .query("target", "string", "Only on this.")
            .query("outcome", "string", "Only allowed, denied or failed.")
            .query("service", "string", "Only of this service, by key or name.")
            .query("trace", "string", "Only of this trace.")
            .gives::<AuditPage>(200, "The entries, and where the chain ends.")
            .fails(&[(400, "A parameter does not fit.")]),
    )
}

#[derive(Debug, Default, Deserialize)]
struct Params {
    after: Option<u64>,
    before: Option<u64>,
    limit: Option<usize>,
    action: Option<String>,
    actor: Option<String>,
    target: Option<String>,
    outcome: Option<AuditOutcome>,
    service: Option<String>,
    trace: Option<String>,
}

impl Params {
    fn wants(&self, entry: &AuditEntry) -> bool {
        let is = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|wanted| wanted == is);
        let action = self
            .action
            .as_deref()
            .is_none_or(|wanted| match wanted.strip_suffix('*') {
                Some(start) => entry.action.starts_with(start),
                None => entry.action == wanted,
            });
        action
            && self.actor.as_deref().is_none_or(|wanted| by(wanted, &entry.actor))
            && is(&self.target, &entry.target)
            && is(&self.service, &entry.service)
            && self.outcome.is_none_or(|wanted| wanted == entry.outcome)
            && self
                .trace
                .as_deref()
                .is_none_or(|wanted| entry.trace.as_deref() == Some(wanted))
    }
}

async fn list(context: Context, Query(mut params): Query<Params>) -> Result<Response, Failure> {
    if params.after.is_some() && params.before.is_some() {
        return Err(Error::invalid("after and before are two directions; say one").into());
    }
    if let Some(service) = &mut params.service {
        *service = context.registry().get(service)?.name.clone();
    }
    let chain = context.namespace(NAMESPACE)?;
    let (head, _) = append::head(&chain).await?;
    let limit = params.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let forward = params.after.is_some();
    let mut entries = Vec::new();
    let mut looked_at = 0;
    // The part of the chain that is left to look at, both ends included.
    let (mut from, mut to) = match params.before {
        Some(before) => (1, before.saturating_sub(1).min(head.sequence)),
        None => (params.after.unwrap_or(0).saturating_add(1), head.sequence),
    };
    while from <= to && entries.len() < limit && looked_at < LOOKED_AT_MAX {
        let count = SLICE.min(to - from + 1);
        let first = if forward { from } else { to - count + 1 };
        looked_at += count;
        // Moved on by the places that were looked at, not by what lay there: of a chain that was tampered with, every entry is shown that
        // there is.
        for (place, entry) in slice(&chain, first, count, forward).await? {
            if entries.len() == limit {
                break;
            }
            (from, to) = if forward { (place + 1, to) } else { (from, place - 1) };
            entries.extend(params.wants(&entry).then_some(entry));
        }
        if entries.len() < limit {
            (from, to) = if forward {
                (first + count, to)
            } else {
                (from, first - 1)
            };
        }
    }
    let cursor = (from <= to).then_some(if forward { from - 1 } else { to + 1 });
    Ok(json(StatusCode::OK, &AuditPage { entries, head, cursor }))
}

/// The entries of so many places from one on, oldest or newest first, each with its place.
async fn slice(chain: &State, first: u64, count: u64, forward: bool) -> Result<Vec<(u64, AuditEntry)>> {
    let after = Some(key(first - 1));
    let page = chain.page(&Prefix::new(ENTRIES)?, after, count as usize).await?;
    let mut entries = Vec::with_capacity(page.len());
    for kept in page {
        let place = kept.key[ENTRIES.len()..].parse().unwrap_or(u64::MAX);
        // Where one is missing, the store gives one from beyond.
        if place >= first + count {
            break;
        }
        let entry = kept
            .value
            .to()
            .map_err(|error| Error::internal(format!("{} is no audit entry", kept.key)).with_source(error))?;
        entries.push((place, entry));
    }
    if !forward {
        entries.reverse();
    }
    Ok(entries)
}

/// Whether an entry is of an actor: by themselves, or by a service that spoke for them.
fn by(wanted: &str, actor: &str) -> bool {
    actor
        .strip_prefix(wanted)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(" by "))
}
