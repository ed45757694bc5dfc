//! State: get, put, list, delete, transaction, watch.

mod condition;
mod cursor;
mod watch;

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use super::extract::{Payload, Query};
use super::observe::LIMIT_MAX;
use super::respond::{Failure, json};
use crate::auth::{Access, Need, Word};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::name::Prefix;
use crate::service::{Route, RouteKind, Routes};
use crate::state::State;
use crate::store::{self, Batch, Outcome};
use crate::wire::{DeletedState, Entry, Json, OperationKind, PutState, StateList, Timestamp, Transacted, Transaction};
pub(super) use condition::expected;
use condition::{as_precondition, condition, etag, tags};
use watch::watch;

/// Entries on a page unless said.
const LIMIT: usize = 100;
/// Entries read at once while everything is streamed.
const STREAM_PAGE: usize = 500;
/// Operations of one transaction: it holds up every other writer while it runs.
pub(super) const TRANSACTION_MAX: usize = 128;
/// Longest time to live: ten years are a mistake in the unit.
const TTL_MAX: Duration = Duration::from_secs(10 * 366 * 24 * 3_600);

pub(super) fn routes() -> Routes {
    let conflict = (409, "The key has another version than was expected.");
    let precondition = (412, "If-Match or If-None-Match does not hold.");
    Routes::new()
        .with(
            Route::get("/v1/sys/state", Access::right("state read"), read)
                .says("One key; or everything, streamed; or with prefix, limit or cursor a page.")
                .kind(RouteKind::Stream)
                .query("key", "string", "This key.")
                .query("prefix", "string", "Keys under this literal prefix, which ends in / or :.")
                .query("limit", "integer", "At most so many; 100 unless said, 1,000 at most.")
                .query("cursor", "string", "Go on from this cursor.")
                .header("If-None-Match", "304 where the key still has this ETag.")
                .gives::<Entry>(200, "The key's entry; a StateList where no key was named.")
                .gives::<StateList>(200, "Where no key was named.")
                .gives_media(304, "It has not changed.", "")
                .fails(&[(400, "A parameter does not fit."), (404, "The key is absent.")]),
        )
        .with(
            Route::put("/v1/sys/state", Access::right("state write"), put)
                .says("Writes a key.")
                .header("If-Match", "Only where the key has this ETag; * where it is there.")
                .header("If-None-Match", "* : only where the key is absent.")
                .takes::<PutState>()
                .gives::<Entry>(200, "Written.")
                .fails(&[(400, "The body does not fit."), conflict, precondition]),
        )
        .with(
            Route::delete("/v1/sys/state", Access::right("state write"), delete)
                .says("Deletes a key.")
                .query("key", "string", "This key.")
                .query("expectedVersion", "integer", "Only where the key has this version.")
                .header("If-Match", "Only where the key has this ETag.")
                .gives::<DeletedState>(200, "It is absent now.")
                .fails(&[(400, "A parameter does not fit."), conflict, precondition]),
        )
        .with(
            Route::post("/v1/sys/state/transaction", Access::right("state write"), transaction)
                .says("Writes and deletes many keys, all or none.")
                .takes::<Transaction>()
                .gives::<Transacted>(200, "All of it was done.")
                .fails(&[(400, "The body does not fit."), conflict]),
        )
        .with(
            Route::get("/v1/sys/state/watch", Access::right("state read"), watch)
                .says("Committed changes as they come, as server-sent events; resumes by Last-Event-ID and never skips one.")
                .kind(RouteKind::Stream)
                .query("prefix", "string", "Only keys under this literal prefix, which ends in / or :.")
                .header("Last-Event-ID", "Go on after this message.")
                .gives_media(200, "Each message's data is an Event named state:put or state:deleted.", "text/event-stream")
                .fails(&[(400, "A parameter does not fit.")]),
        )
}

#[derive(Debug, Deserialize)]
struct ReadParams {
    key: Option<String>,
    prefix: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

async fn read(context: Context, headers: HeaderMap, Query(params): Query<ReadParams>) -> Result<Response, Failure> {
    if let Some(key) = &params.key {
        context.allow(&Need::one(Word::StateRead, key))?;
        return one(&context, &headers, key).await;
    }
    let prefix = Prefix::new(params.prefix.as_deref().unwrap_or_default())?;
    context.allow(&Need::prefix(Word::StateRead, prefix.as_str()))?;
    if params.prefix.is_none() && params.limit.is_none() && params.cursor.is_none() {
        return Ok(everything(context.state().clone()));
    }
    let limit = params.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let after = params.cursor.map(|cursor| cursor::decode(&cursor)).transpose()?;
    let page = context.state().page(&prefix, after, limit).await?;
    let cursor = (page.len() == limit)
        .then(|| page.last().map(|entry| cursor::encode(&entry.key)))
        .flatten();
    Ok(json(
        StatusCode::OK,
        &StateList {
            state: page.into_iter().map(shape).collect(),
            cursor,
        },
    ))
}

async fn one(context: &Context, headers: &HeaderMap, key: &str) -> Result<Response, Failure> {
    let entry = context.state().entry(key).await?.ok_or_else(|| absent(key))?;
    let etag = etag(entry.revision);
    let unchanged = headers.get(IF_NONE_MATCH).is_some_and(|value| {
        tags(value).any(|tag| tag == "*" || tag.trim_start_matches("W/").as_bytes() == etag.as_bytes())
    });
    if unchanged {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag)]).into_response());
    }
    let mut response = json(StatusCode::OK, &shape(entry));
    response.headers_mut().insert(ETAG, etag);
    Ok(response)
}

/// Everything in one document, read in pages so that it need not fit into memory.
fn everything(state: State) -> Response {
    enum Step {
        Open,
        After(Option<String>),
        End,
    }
    let chunks = stream::unfold((state, Step::Open, true), |(state, step, first)| async move {
        match step {
            Step::Open => Some((
                Ok(Bytes::from_static(b"{\"state\":[")),
                (state, Step::After(None), true),
            )),
            Step::After(after) => {
                let page = match state.page(&Prefix::all(), after, STREAM_PAGE).await {
                    Ok(page) => page,
                    // The status is sent already: breaking off is the only way left to say that this is not all.
                    Err(error) => return Some((Err(error), (state, Step::End, first))),
                };
                let full = page.len() == STREAM_PAGE;
                let last = page.last().map(|entry| entry.key.clone());
                let mut text = String::new();
                let mut first = first;
                for entry in page {
                    if !std::mem::take(&mut first) {
                        text.push(',');
                    }
                    text.push_str(&serde_json::to_string(&shape(entry)).unwrap_or_default());
                }
                if !full {
                    text.push_str("]}");
                }
                let step = if full { Step::After(last) } else { Step::End };
                Some((Ok(Bytes::from(text)), (state, step, first)))
            }
            Step::End => None,
        }
    });
    (
        [(CONTENT_TYPE, HeaderValue::from_static("application/json"))],
        Body::from_stream(chunks),
    )
        .into_response()
}

async fn put(context: Context, headers: HeaderMap, Payload(request): Payload<PutState>) -> Result<Response, Failure> {
    context.allow(&Need::one(Word::StateWrite, &request.key))?;
    let state = context.state();
    let (condition, by_header) = condition(state, &headers, &request.key, request.expected_version).await?;
    let ttl = request.ttl.map(ttl).transpose()?;
    let value = request.value.unwrap_or_else(|| Json::from(serde_json::Value::Null));
    let entry = state
        .write(&request.key, value, condition, ttl)
        .await
        .map_err(|error| as_precondition(error, by_header))?;
    let etag = etag(entry.revision);
    let mut response = json(StatusCode::OK, &shape(entry));
    response.headers_mut().insert(ETAG, etag);
    Ok(response)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeleteParams {
    key: Option<String>,
    expected_version: Option<u64>,
}

async fn delete(context: Context, headers: HeaderMap, Query(params): Query<DeleteParams>) -> Result<Response, Failure> {
    let key = params
        .key
        .ok_or_else(|| Error::invalid("say which key to delete: ?key="))?;
    context.allow(&Need::one(Word::StateWrite, &key))?;
    let state = context.state();
    let (condition, by_header) = condition(state, &headers, &key, params.expected_version).await?;
    let deleted = state
        .delete(&key, condition)
        .await
        .map_err(|error| as_precondition(error, by_header))?;
    Ok(json(StatusCode::OK, &DeletedState { key, deleted }))
}

async fn transaction(context: Context, Payload(request): Payload<Transaction>) -> Result<Response, Failure> {
    if !(1..=TRANSACTION_MAX).contains(&request.operations.len()) {
        return Err(Error::invalid(format!("a transaction has 1 to {TRANSACTION_MAX} operations")).into());
    }
    for operation in &request.operations {
        context.allow(&Need::one(Word::StateWrite, &operation.key))?;
    }
    let state = context.state();
    let mut batch = Batch::new(context.clock().now());
    for operation in request.operations {
        let condition = expected(operation.expected_version);
        batch.ops.push(match operation.op {
            OperationKind::Put => {
                let value = operation.value.unwrap_or_else(|| Json::from(serde_json::Value::Null));
                state.put_op(&operation.key, value, condition, operation.ttl.map(ttl).transpose()?)?
            }
            OperationKind::Delete => state.delete_op(&operation.key, condition)?,
        });
    }
    let outcomes = context.kernel().store.commit(batch).await?;
    let results = outcomes
        .into_iter()
        .map(|outcome| match outcome {
            Outcome::Written(entry) => Some(shape(entry)),
            _ => None,
        })
        .collect();
    Ok(json(StatusCode::OK, &Transacted { results }))
}

pub(super) fn ttl(millis: u64) -> Result<Duration> {
    let ttl = Duration::from_millis(millis);
    if millis == 0 || ttl > TTL_MAX {
        return Err(Error::invalid(format!("ttl is 1 to {} ms", TTL_MAX.as_millis())));
    }
    Ok(ttl)
}

fn absent(key: &str) -> Error {
    Error::not_found(format!("{key:?} does not exist"))
        .with_code("KEY_NOT_FOUND")
        .with_details(serde_json::json!({ "key": key }))
}

pub(super) fn shape(entry: store::Entry) -> Entry {
    Entry {
        key: entry.key,
        value: entry.value,
        version: entry.version,
        updated_at: Timestamp(entry.updated_at),
        expires_at: entry.expires_at.map(Timestamp),
    }
}
