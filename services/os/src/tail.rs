//! A service's stream, passed through, so that the terminal's page speaks to its own origin alone.

use axum::extract::{Path, Request};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use syscall_sdk::context::Context;
use syscall_sdk::error::Error;
use syscall_sdk::http::Failure;
use syscall_sdk::transport::Body;

use crate::tree::options;

/// Headers of the stream that make it one.
const PASSED_ON: [HeaderName; 3] = [
    CONTENT_TYPE,
    CACHE_CONTROL,
    HeaderName::from_static("x-accel-buffering"),
];
/// Where a reader that comes back goes on.
const LAST_EVENT_ID: &str = "last-event-id";

pub(crate) async fn follow(
    context: Context,
    Path((service, what)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Failure> {
    let key = context.registry().get(&service)?.key.clone();
    let source = match what.as_str() {
        "events" => "/v1/sys/events?",
        "logs" => "/v1/sys/logs?follow=true&",
        _ => {
            return Err(
                Error::not_found(format!("{what:?} cannot be followed; events and logs can"))
                    .with_code("PATH_NOT_FOUND")
                    .into(),
            );
        }
    };
    let url = format!("{source}{}", request.uri().query().unwrap_or_default());
    let mut asked = http::Request::new(Body::empty());
    *asked.uri_mut() = url
        .parse()
        .map_err(|error: http::uri::InvalidUri| Error::invalid("the query is malformed").with_source(error))?;
    if let Some(id) = request.headers().get(LAST_EVENT_ID) {
        asked.headers_mut().insert(LAST_EVENT_ID, HeaderValue::clone(id));
    }
    let answer = context.rpc().request(&key, asked, &options(&context)).await?;
    let (parts, body) = answer.into_parts();
    // The source ends when its service drains; this one's own end must not wait for it.
    let ending = Box::pin(async move { context.stream_over().await });
    let body = Body::from_stream(body.into_data_stream().take_until(ending));
    let mut response = (parts.status, body).into_response();
    for name in PASSED_ON {
        if let Some(value) = parts.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    Ok(response)
}
