//! Changes of keys, streamed as they are committed.

use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;

use super::shape;
use crate::auth::{Need, Word};
use crate::context::Context;
use crate::http::events::{gap, last_event_id};
use crate::http::extract::Query;
use crate::http::respond::Failure;
use crate::http::sse::{self, Message};
use crate::name::Prefix;
use crate::store::Change;
use crate::wire::{Event, Json, StateChange, Timestamp};

#[derive(Debug, Deserialize)]
pub(super) struct WatchParams {
    prefix: Option<String>,
}

pub(super) async fn watch(
    context: Context,
    headers: HeaderMap,
    Query(params): Query<WatchParams>,
) -> Result<Response, Failure> {
    let prefix = Prefix::new(params.prefix.unwrap_or_default())?;
    context.allow(&Need::prefix(Word::StateRead, prefix.as_str()))?;
    let head = context.state().now();
    let resume = last_event_id(&headers)?.map(|cursor| cursor.min(head));
    let mut first = Vec::new();
    let after = match resume {
        Some(cursor) => {
            let floor = context.kernel().store.stats().await?.change_floor;
            if cursor < floor {
                first.push(gap(&context, cursor, floor));
            }
            cursor.max(floor)
        }
        None => head,
    };
    let source = (
        context.state().watch(prefix, after),
        context.events().source().to_owned(),
    );
    Ok(sse::stream(&context, first, source, |(mut watch, source)| async move {
        match watch.next().await {
            Ok(changes) => Some((
                changes.into_iter().map(|change| message(change, &source)).collect(),
                (watch, source),
            )),
            // The reader comes back and resumes where it was.
            Err(error) => {
                tracing::warn!(error = %error.chain(), "a watch was cut");
                None
            }
        }
    }))
}

fn message(change: Change, source: &str) -> Message {
    let seq = change.seq;
    let name = if change.entry.is_some() {
        "state:put"
    } else {
        "state:deleted"
    };
    let data = StateChange {
        key: change.key,
        entry: change.entry.map(shape),
    };
    Message::of(&Event {
        id: format!("{source}/{seq}"),
        event: name.to_owned(),
        timestamp: Timestamp(change.at),
        source: source.to_owned(),
        data: Json::of(&data).ok(),
    })
    .at(seq)
}
