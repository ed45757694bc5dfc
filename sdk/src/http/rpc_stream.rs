//! Calls whose method gives a stream of results: server-sent events in answer to `POST /v1/sys/rpc`.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::response::Response;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use http::header::{ACCEPT, HeaderMap};
use http::{HeaderName, HeaderValue};
use serde_json::json;
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, Span};

use super::idempotency;
use super::respond::{Failure, body_of, failure_of};
use super::sse::{self, Message};
use crate::context::{Context, RequestInfo, ServedStream};
use crate::error::{Error, Kind, Result};
use crate::lifecycle::panic_message;
use crate::rpc::{CallOptions, header};
use crate::telemetry::{self, current_trace, join_trace};
use crate::wire::{Json, RpcRequest, RpcResponse};

/// Whether the caller reads a stream of results.
pub(super) fn wanted(headers: &HeaderMap) -> bool {
    let accepts = |value: &HeaderValue| value.to_str().is_ok_and(|value| value.contains("text/event-stream"));
    headers.get_all(ACCEPT).iter().any(accepts)
}

/// Runs a method and streams what it gives. The deadline is that of the beginning: the stream lasts.
pub(super) async fn run(
    context: &Context,
    headers: &HeaderMap,
    method: &ServedStream,
    request: RpcRequest,
    deadline: Instant,
) -> Result<Response, Failure> {
    let name = request.method;
    if !wanted(headers) {
        return Err(Error::invalid(format!(
            "{name} gives a stream of results; ask with the header Accept: text/event-stream"
        ))
        .with_code("STREAM_METHOD")
        .into());
    }
    if idempotency::key(headers)?.is_some() {
        return Err(Error::invalid(format!(
            "{name} gives a stream, which is not stored; leave out the Idempotency-Key"
        ))
        .with_code("STREAM_METHOD")
        .into());
    }
    // Not below the request's span, which ends with the head of the answer.
    let span = tracing::info_span!(
        target: "syscall", parent: context.kernel().scope.span(), "method",
        otel.name = name, rpc.caller = context.request().caller.service
    );
    join_trace(&span, current_trace());
    let info = RequestInfo {
        deadline: None,
        ..context.request().clone()
    };
    let begin = (method.handler)(context.within(Arc::new(info)), request.params).instrument(span.clone());
    let begun = timeout_at(deadline, begin).await.unwrap_or_else(|_| {
        Err(Error::new(
            Kind::DeadlineExceeded,
            format!("{name} did not begin its stream before its deadline"),
        ))
    });
    let results = match begun {
        Ok(results) => results,
        Err(error) => {
            telemetry::mark_error(&span, error.code());
            return Ok(failure_of(&context.kernel().record.key, &name, &error));
        }
    };
    let source = Source {
        name,
        results,
        span,
        given: 0,
        over: false,
    };
    Ok(sse::whole(context, source, |mut source| async move {
        let message = source.next().await?;
        Some((vec![message], source))
    }))
}

struct Source {
    name: String,
    results: BoxStream<'static, Result<Json>>,
    span: Span,
    given: u64,
    over: bool,
}

impl Source {
    async fn next(&mut self) -> Option<Message> {
        if self.over {
            return None;
        }
        let next = AssertUnwindSafe(self.results.next()).catch_unwind();
        let error = match next.instrument(self.span.clone()).await {
            Ok(Some(Ok(result))) => {
                self.given += 1;
                return Some(Message::of(&RpcResponse { result }).at(self.given));
            }
            Ok(None) => {
                self.over = true;
                return Some(Message::of(&json!({ "results": self.given })).named("end"));
            }
            Ok(Some(Err(error))) => error,
            Err(panic) => {
                Error::internal(format!("{} panicked: {}", self.name, panic_message(&*panic))).with_code("PANIC")
            }
        };
        self.over = true;
        telemetry::mark_error(&self.span, error.code());
        let (status, body) = self.span.in_scope(|| body_of(&error));
        let failed = json!({ "status": status.as_u16(), "error": body.error });
        Some(Message::of(&failed).named("error"))
    }
}

/// Passes a call on whose answer may be a stream, with the caller's own credential, and gives the answer as it comes.
pub(super) async fn relay(context: &Context, service: &str, request: &RpcRequest) -> Result<Response, Failure> {
    let options = CallOptions {
        timeout: request.timeout.map(std::time::Duration::from_millis),
        relay_for: Some(context.request().caller.clone()),
        ..context.call_options()
    };
    let answer = context
        .rpc()
        .call_for_stream(service, &request.method, request.params.as_ref(), options)
        .await?;
    let (parts, body) = answer.into_parts();
    let mut response = Response::new(body);
    *response.status_mut() = parts.status;
    for name in [
        "content-type",
        "cache-control",
        "x-accel-buffering",
        "retry-after",
        header::ORIGIN,
        header::UNPROCESSED,
        header::VERSION,
    ] {
        if let Some(value) = parts.headers.get(name) {
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), value.clone());
        }
    }
    Ok(response)
}
