//! Events: emit, stream, read back.

use axum::response::Response;
use http::header::{CONTENT_TYPE, LINK};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::json as value;
use uuid::Uuid;

use super::cloudevents::{self, Form};
use super::extract::{Body, Query, parse};
use super::idempotency::{Keyed, Known};
use super::observe::LIMIT_MAX;
use super::respond::{Failure, json};
use super::sse::{self, Message};
use super::state::TRANSACTION_MAX;
use crate::auth::{Access, Need, Word};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::events::Events;
use crate::name::TopicFilter;
use crate::service::{Route, RouteKind, Routes};
use crate::store::{self, Answer, Batch, Refusal, Seq};
use crate::wire::{EmitRequest, Emitted, EmittedBatch, Event, Json, RecentEvents, Timestamp};

/// Events on a page unless said.
const LIMIT: usize = 100;

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(
            Route::post("/v1/sys/event", Access::right("event emit"), emit)
                .says("Emits an event, also as a CloudEvent or a batch of them by the content type; it is durable when this answers.")
                .header(
                    "Idempotency-Key",
                    "The first answer is stored with the event and repeated.",
                )
                .takes::<EmitRequest>()
                .gives::<Emitted>(201, "Emitted.")
                .fails(&[
                    (400, "The body does not fit."),
                    (403, "The name is one of the service's own."),
                    (409, "An event of this id is there already; only CloudEvents bring their own."),
                    (422, "Another body came under this Idempotency-Key."),
                ]),
        )
        .with(
            Route::get("/v1/sys/events", Access::right("event read"), follow)
                .says("Events as they come, as server-sent events; resumes by Last-Event-ID without loss or repeat.")
                .kind(RouteKind::Stream)
                .query(
                    "event",
                    "string",
                    "Only this name, or with a trailing * every name that starts so.",
                )
                .query(
                    "since",
                    "string",
                    "First replay what is later than this moment, RFC 3339.",
                )
                .query("format", "string", "cloudevents for CloudEvents 1.0, as does Accept: application/cloudevents+json.")
                .header("Last-Event-ID", "Go on after this message.")
                .gives_media(200, "Each message's data is an Event.", "text/event-stream")
                .fails(&[(400, "A parameter does not fit.")]),
        )
        .with(
            Route::get("/v1/sys/events/recent", Access::right("event read"), recent)
                .says("The latest events, newest first, in pages.")
                .query(
                    "event",
                    "string",
                    "Only this name, or with a trailing * every name that starts so.",
                )
                .query("limit", "integer", "At most so many; 100 unless said, 1,000 at most.")
                .query("before", "string", "Go on from this cursor.")
                .query("format", "string", "cloudevents for CloudEvents 1.0, as does Accept: application/cloudevents+json.")
                .gives::<RecentEvents>(200, "The events.")
                .fails(&[(400, "A parameter does not fit.")]),
        )
}

async fn emit(context: Context, headers: HeaderMap, Body(body): Body) -> Result<Response, Failure> {
    let source = context.events().source();
    let (emits, several) = match cloudevents::form(&headers) {
        Form::Ours => {
            let request: EmitRequest = parse(&body)?;
            (vec![Events::emit_op(&request.event, request.data)?], false)
        }
        Form::One => (vec![cloudevents::read_one(&body, source)?], false),
        Form::Batch => (cloudevents::read_batch(&body, source)?, true),
    };
    let own = &context.kernel().own_events;
    emits
        .iter()
        .try_for_each(|emit| Events::check_from_outside(&emit.topic, own))?;
    if !(1..=TRANSACTION_MAX).contains(&emits.len()) {
        return Err(Error::invalid(format!("a batch has 1 to {TRANSACTION_MAX} events")).into());
    }
    for emit in &emits {
        context.allow(&Need::one(Word::EventEmit, &emit.topic))?;
    }
    let at = context.clock().now();
    let mut events: Vec<Emitted> = emits
        .iter()
        .map(|emit| Emitted {
            id: emit.id.clone(),
            timestamp: Timestamp(at),
        })
        .collect();
    let text = if several {
        serde_json::to_string(&EmittedBatch { events })
    } else {
        serde_json::to_string(&events.swap_remove(0))
    };
    let answer = Answer {
        status: 201,
        body: text.map_err(|error| Error::internal("an answer has no JSON form").with_source(error))?,
    };
    let keyed = Keyed::read(&headers, "event", &context, &body)?;
    let mut batch = Batch::new(at);
    if let Some(keyed) = &keyed {
        // First of all: an event that brings its own id would be refused by itself the second time.
        batch = batch.with(keyed.remember(&context, Some(answer.clone()), false));
    }
    batch = emits.into_iter().fold(batch, Batch::with);
    match (context.kernel().store.commit(batch).await, keyed) {
        (Ok(_), _) => Ok(super::idempotency::first(answer)),
        (
            Err(store::Error::Refused {
                why: Refusal::Remembered(remembered),
                ..
            }),
            Some(keyed),
        ) => match keyed.compare(&context, *remembered).await? {
            Known::Answered(response) => Ok(response),
            // An event and its answer are one commit: there is no running one.
            Known::Unknown => Err(outcome_unknown().into()),
        },
        (Err(error), _) => Err(error.into()),
    }
}

/// What is answered where a request was taken on and nobody knows what it came to.
pub(super) fn outcome_unknown() -> Error {
    Error::conflict("the outcome of the first request is unknown").with_code("OUTCOME_UNKNOWN")
}

#[derive(Debug, Deserialize)]
struct FollowParams {
    event: Option<String>,
    since: Option<Timestamp>,
    format: Option<String>,
}

async fn follow(context: Context, headers: HeaderMap, Query(params): Query<FollowParams>) -> Result<Response, Failure> {
    let filter = TopicFilter::parse(params.event.as_deref())?;
    context.allow(&Need::filtered(Word::EventRead, params.event.as_deref()))?;
    let cloud = cloudevents::wanted(&headers, params.format.as_deref())?;
    let head = context.events().head();
    let resume = last_event_id(&headers)?.map(|cursor| cursor.min(head));
    let mut first = Vec::new();
    let (after, since) = match (resume, params.since) {
        (Some(cursor), _) => {
            let floor = context.events().floor().await?;
            if cursor < floor {
                let gap = gap_event(&context, cursor, floor);
                first.push(message(gap, None, cloud).at(floor));
            }
            (cursor.max(floor), None)
        }
        (None, Some(since)) => (0, Some(since.0)),
        (None, None) => (head, None),
    };
    let source = (context.events().follow(filter, after, since), context.events().clone());
    Ok(sse::stream(
        &context,
        first,
        source,
        move |(mut follow, events)| async move {
            match follow.next().await {
                Ok(batch) => {
                    let messages = batch
                        .into_iter()
                        .map(|event| {
                            let (seq, trace) = (event.seq, event.trace.clone());
                            message(events.to_wire(event), trace, cloud).at(seq)
                        })
                        .collect();
                    Some((messages, (follow, events)))
                }
                // The reader comes back and resumes where it was.
                Err(error) => {
                    tracing::warn!(error = %error.chain(), "an event stream was cut");
                    None
                }
            }
        },
    ))
}

/// The cursor that a reader resumes from.
pub(super) fn last_event_id(headers: &HeaderMap) -> Result<Option<Seq>> {
    let Some(value) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        Error::invalid("Last-Event-ID is none of this stream's ids; leave it out to begin with what comes next")
            .with_code("INVALID_CURSOR")
    })
}

/// Says that retention has eaten what a reader asked for.
pub(super) fn gap(context: &Context, from: Seq, to: Seq) -> Message {
    message(gap_event(context, from, to), None, false).at(to)
}

fn gap_event(context: &Context, from: Seq, to: Seq) -> Event {
    Event {
        id: Uuid::now_v7().to_string(),
        event: "gap".to_owned(),
        timestamp: Timestamp(context.clock().now()),
        source: context.events().source().to_owned(),
        data: Some(Json::from(value!({ "from": from.to_string(), "to": to.to_string() }))),
    }
}

fn message(event: Event, trace: Option<String>, cloud: bool) -> Message {
    if cloud {
        Message::of(&cloudevents::write(event, trace))
    } else {
        Message::of(&event)
    }
}

#[derive(Debug, Deserialize)]
struct RecentParams {
    event: Option<String>,
    limit: Option<usize>,
    before: Option<String>,
    format: Option<String>,
}

async fn recent(context: Context, headers: HeaderMap, Query(params): Query<RecentParams>) -> Result<Response, Failure> {
    let cloud = cloudevents::wanted(&headers, params.format.as_deref())?;
    let filter = TopicFilter::parse(params.event.as_deref())?;
    context.allow(&Need::filtered(Word::EventRead, params.event.as_deref()))?;
    let limit = params.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let before = params.before.as_deref().map(cursor).transpose()?;
    let events = context.events().recent(filter, before, limit).await?;
    let next = (events.len() == limit)
        .then(|| events.last().map(|event| event.seq.to_string()))
        .flatten();
    if cloud {
        return Ok(recent_cloudevents(&context, events, next));
    }
    let events = events
        .into_iter()
        .map(|event| context.events().to_wire(event))
        .collect();
    Ok(json(StatusCode::OK, &RecentEvents { events, cursor: next }))
}

/// The batch format has no place for a cursor, so it is a link (RFC 8288).
fn recent_cloudevents(context: &Context, events: Vec<store::Event>, next: Option<String>) -> Response {
    let events: Vec<_> = events
        .into_iter()
        .map(|event| {
            let trace = event.trace.clone();
            cloudevents::write(context.events().to_wire(event), trace)
        })
        .collect();
    let mut response = json(StatusCode::OK, &events);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(cloudevents::BATCH));
    let link = next.and_then(|cursor| HeaderValue::try_from(format!("<?before={cursor}>; rel=\"next\"")).ok());
    if let Some(link) = link {
        headers.insert(LINK, link);
    }
    response
}

/// Reads a page cursor.
pub(super) fn cursor(text: &str) -> Result<Seq> {
    text.parse().map_err(|_| {
        Error::invalid(format!("cursor {text:?} is none that this service gave")).with_code("INVALID_CURSOR")
    })
}
