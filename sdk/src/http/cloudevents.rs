//! CloudEvents 1.0 in JSON: read where the content type says so, written where the reader asks for it.
//!
//! A CloudEvent is named by its source and id together, an event of ours by its id alone; so an event of another source bears both as
//! its id, parted by a space, which no URI reference holds. A second one of the same name is refused, as the specification means it.

use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap};

use super::extract::{parse, parse_any};
use crate::error::{Error, Result};
use crate::name::Topic;
use crate::store::Emit;
use crate::telemetry::{self, TraceContext};
use crate::wire::{CloudEvent, Event};

/// One event, in structured mode.
pub(super) const ONE: &str = "application/cloudevents+json";
/// Several of them, as an array.
pub(super) const BATCH: &str = "application/cloudevents-batch+json";
/// Longest source and id together, in bytes: they become one id, which is an index' key.
const ID_MAX_BYTES: usize = 512;

/// What a content type says of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The contract's own.
    Ours,
    /// One CloudEvent.
    One,
    /// An array of them.
    Batch,
}

/// Reads the content type of a request.
pub(super) fn form(headers: &HeaderMap) -> Form {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    match kind.map(|kind| kind.split(';').next().unwrap_or_default().trim()) {
        Some(kind) if kind.eq_ignore_ascii_case(ONE) => Form::One,
        Some(kind) if kind.eq_ignore_ascii_case(BATCH) => Form::Batch,
        _ => Form::Ours,
    }
}

/// Whether a reader asks for CloudEvents, by `format` or by `Accept`.
///
/// # Errors
/// `INVALID_ARGUMENT` where the format is unknown.
pub(super) fn wanted(headers: &HeaderMap, format: Option<&str>) -> Result<bool> {
    match format {
        Some("cloudevents") => Ok(true),
        Some("event") => Ok(false),
        Some(other) => Err(Error::invalid(format!(
            "format {other:?} is neither event nor cloudevents"
        ))),
        None => Ok(headers
            .get(ACCEPT)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|accept| accept.contains("application/cloudevents"))),
    }
}

/// Reads one CloudEvent.
pub(super) fn read_one(body: &[u8], own: &str) -> Result<Emit> {
    emit(parse(body)?, own)
}

/// Reads an array of them.
pub(super) fn read_batch(body: &[u8], own: &str) -> Result<Vec<Emit>> {
    let events: Vec<CloudEvent> = parse_any(body)?;
    let read = events.into_iter().enumerate().map(|(index, event)| {
        emit(event, own).map_err(|error| {
            Error::new(error.kind(), format!("[{index}]: {}", error.message())).with_code(error.code().to_owned())
        })
    });
    read.collect()
}

fn emit(event: CloudEvent, own: &str) -> Result<Emit> {
    let wrong = |what: String| Err(Error::invalid(what).with_code("INVALID_CLOUDEVENT"));
    if event.specversion != "1.0" {
        return wrong(format!("specversion is {:?}; send \"1.0\"", event.specversion));
    }
    let printable = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
    if !printable(&event.id) || !printable(&event.source) || event.source.contains(' ') {
        return wrong("id is a text and source a URI reference, neither empty; mend the one that is not".to_owned());
    }
    if event.id.len() + event.source.len() > ID_MAX_BYTES {
        return wrong(format!("source and id are at most {ID_MAX_BYTES} bytes together"));
    }
    if event.data_base64.is_some() {
        return wrong("data_base64 is not kept here; send the data as JSON in data".to_owned());
    }
    let media = event.datacontenttype.as_deref().unwrap_or("application/json");
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media != "application/json" && !media.ends_with("+json") {
        return wrong(format!("datacontenttype is {media:?}; only JSON is kept here"));
    }
    let trace = match &event.traceparent {
        None => telemetry::current_trace(),
        Some(text) => match TraceContext::parse(text) {
            Some(trace) => Some(trace),
            None => return wrong("traceparent is none of W3C Trace Context; mend it or leave it out".to_owned()),
        },
    };
    Ok(Emit {
        id: if event.source == own {
            event.id
        } else {
            format!("{} {}", event.source, event.id)
        },
        topic: Topic::new(&event.kind)?.to_string(),
        data: event.data,
        trace: trace.map(|trace| trace.to_string()),
    })
}

/// Writes an event as a CloudEvent.
pub(super) fn write(event: Event, trace: Option<String>) -> CloudEvent {
    let (source, id) = match event.id.split_once(' ') {
        Some((source, id)) => (source.to_owned(), id.to_owned()),
        None => (event.source, event.id),
    };
    CloudEvent {
        specversion: "1.0".to_owned(),
        id,
        source,
        kind: event.event,
        time: Some(event.timestamp),
        datacontenttype: event.data.is_some().then(|| "application/json".to_owned()),
        data: event.data,
        data_base64: None,
        traceparent: trace,
    }
}
