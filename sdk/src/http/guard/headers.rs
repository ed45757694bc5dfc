//! What a request says of itself in its head, and what every answer says in its own.

use axum::response::Response;
use http::HeaderValue;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use uuid::Uuid;

use crate::auth::Caller;
use crate::config::Secret;
use crate::error::{Error, Kind};
use crate::http::failure;
use crate::rpc::header;
use crate::telemetry::{SpanId, TraceContext};

/// Longest request id that is taken over from a caller; a UUID has 36.
const REQUEST_ID_MAX: usize = 128;

/// A refusal from before any service's guard, such as a door's: identified as every answer is.
pub fn refuse(headers: &HeaderMap, error: &Error) -> Response {
    let trace = remote_trace(headers).unwrap_or_default().at(SpanId::random());
    let mut response = failure(error);
    identify(&mut response, request_id(headers), Some(trace));
    response
}

/// The trace that the caller is in.
pub(super) fn remote_trace(headers: &HeaderMap) -> Option<TraceContext> {
    TraceContext::parse(headers.get(header::TRACEPARENT)?.to_str().ok()?)
}

pub(super) fn identify(response: &mut Response, request_id: HeaderValue, trace: Option<TraceContext>) {
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static(header::REQUEST_ID), request_id);
    if let Some(value) = trace.and_then(|trace| HeaderValue::try_from(trace.to_string()).ok()) {
        headers.insert(HeaderName::from_static(header::TRACEPARENT), value);
    }
}

pub(super) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// What a signed-in person does must come from the service's own pages: a browser sends the session along whichever page asks.
pub(super) fn same_origin(method: &http::Method, headers: &HeaderMap) -> Result<(), Error> {
    let from = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if method.is_safe() || matches!(from, None | Some(b"same-origin" | b"none")) {
        return Ok(());
    }
    Err(Error::new(
        Kind::Forbidden,
        "a page of another site asked for this on your behalf; do it from this service's own page",
    )
    .with_code("CROSS_SITE"))
}

/// The caller's own where it is harmless in a log, else a new one.
pub(super) fn request_id(headers: &HeaderMap) -> HeaderValue {
    let harmless = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    match headers.get(header::REQUEST_ID) {
        Some(id) if (1..=REQUEST_ID_MAX).contains(&id.len()) && id.as_bytes().iter().all(harmless) => id.clone(),
        _ => {
            let mut text = Uuid::encode_buffer();
            let id: &str = Uuid::now_v7().hyphenated().encode_lower(&mut text);
            HeaderValue::from_str(id).expect("a UUID is made of hexadecimal digits and dashes")
        }
    }
}

pub(super) fn caller(headers: &HeaderMap) -> Caller {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    Caller {
        service: text(header::SERVICE_NAME),
        role: text(header::SERVICE_ROLE),
        credential: text(AUTHORIZATION.as_str()).map(Secret::new),
        ..Caller::default()
    }
}

pub(super) fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}
