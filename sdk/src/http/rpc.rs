//! RPC: calls to this service, and the relay to others.

use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HOST, HeaderMap};
use http::{HeaderValue, StatusCode};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::extract::{Body, parse};
use super::guard::Measured;
use super::idempotency::{self, Keyed, Known};
use super::respond::{Failure, failure_of, json};
use super::rpc_stream;
use crate::admission::overloaded;
use crate::auth::{Access, Need};
use crate::context::{Context, ServedMethod};
use crate::error::{Error, Kind, Result};
use crate::policy::{RPC_DEFAULT_TIMEOUT, RPC_MAX_TIMEOUT};
use crate::rpc::{CallOptions, header};
use crate::service::{Route, RouteKind, Routes};
use crate::store::{self, Answer, Batch, Refusal};
use crate::telemetry;
use crate::wire::{Json, MethodInfo, Methods, RpcRequest, RpcResponse};

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(
            Route::post("/v1/sys/rpc", Access::right("rpc"), call)
                .says("Calls a method of this service, or relays the call to another.")
                .kind(RouteKind::Rpc)
                .header(
                    "Idempotency-Key",
                    "The call is made once; its answer is stored and repeated.",
                )
                .header("X-Service-Name", "Who calls.")
                .header("X-Service-Role", "Who calls, by role.")
                .takes::<RpcRequest>()
                .header(
                    "Accept",
                    "text/event-stream where the method gives a stream of results: an event for each, then one named end or error.",
                )
                .gives::<RpcResponse>(200, "What the method gave.")
                .gives_media(200, "What the method gives, one after the other.", "text/event-stream")
                .fails(&[
                    (400, "Malformed, or the params miss the schema."),
                    (403, "The handler refused."),
                    (404, "No such method, no such service, or the handler found nothing."),
                    (
                        409,
                        "The handler found a conflict, or the first call under this key still runs.",
                    ),
                    (421, "The Host names another service."),
                    (422, "Another body came under this Idempotency-Key."),
                    (500, "The handler failed."),
                    (503, "Nothing was done; send it again."),
                    (504, "The deadline passed."),
                ]),
        )
        .with(
            Route::get("/v1/sys/rpc", Access::right("openapi read"), methods)
                .says("The methods that this service serves, with their schemas.")
                .gives::<Methods>(200, "The methods, by name."),
        )
}

async fn methods(context: Context) -> Response {
    let kernel = context.kernel();
    let plain = kernel.methods.iter().map(|(name, method)| MethodInfo {
        name: (*name).to_owned(),
        description: method.description.to_owned(),
        params: (method.params)().standalone(),
        result: (method.result)().standalone(),
        idempotent: method.idempotent,
        stream: false,
    });
    let streams = kernel.stream_methods.iter().map(|(name, method)| MethodInfo {
        name: (*name).to_owned(),
        description: method.description.to_owned(),
        params: (method.params)().standalone(),
        result: (method.result)().standalone(),
        idempotent: false,
        stream: true,
    });
    let mut methods: Vec<_> = plain.chain(streams).collect();
    methods.sort_by(|left, right| left.name.cmp(&right.name));
    json(StatusCode::OK, &Methods { methods })
}

async fn call(context: Context, headers: HeaderMap, Body(body): Body) -> Result<Response, Failure> {
    let begun = Instant::now();
    let request: RpcRequest = parse(&body)?;
    if request.method.is_empty() {
        return Err(Error::invalid("method is empty; GET /v1/sys/rpc lists the methods").into());
    }
    let own = &context.kernel().record;
    let reserved = context.request().reserved;
    let other = request
        .service
        .as_deref()
        .filter(|service| *service != own.key && *service != own.name);
    let callee = match other {
        Some(other) => &context.registry().get(other)?.key,
        None => &own.key,
    };
    context.allow(&Need::rpc(callee, &request.method))?;
    match other {
        Some(_) if reserved => Err(overloaded().into()),
        Some(other) if rpc_stream::wanted(&headers) => rpc_stream::relay(&context, other, &request).await,
        Some(other) => relay(&context, &headers, other, &request).await,
        None => {
            misdirected(&context, &headers)?;
            let deadline = deadline(&context, &request, begun);
            if let Some(method) = context.kernel().stream_methods.get(request.method.as_str()) {
                if reserved {
                    return Err(overloaded().into());
                }
                return rpc_stream::run(&context, &headers, method, request, deadline).await;
            }
            let method = context
                .kernel()
                .methods
                .get(request.method.as_str())
                .cloned()
                .ok_or_else(|| unknown_method(&context, &request.method))?;
            if reserved && !method.control {
                return Err(overloaded().into());
            }
            // The method and its params are the call; the deadline shrinks from one try to the next.
            let params = request.params.as_ref().map_or("", |params| params.text());
            match Keyed::read(
                &headers,
                &format!("rpc {}", request.method),
                &context,
                params.as_bytes(),
            )? {
                None => {
                    let mut response = answer(&context, &method, &request, deadline).await;
                    response
                        .extensions_mut()
                        .insert(Measured(Arc::clone(&method.reference)));
                    Ok(response)
                }
                Some(keyed) => run_once(context, method, request, deadline, keyed).await,
            }
        }
    }
}

/// An address that the platform gave to another service must not do that service's work.
pub(super) fn misdirected(context: &Context, headers: &HeaderMap) -> Result<()> {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else {
        return Ok(());
    };
    match context.registry().by_host(host) {
        Some(named) if named.key != context.kernel().record.key => Err(Error::new(
            Kind::Misdirected,
            format!(
                "this is {}, and {host} is {}; resolve the name anew",
                context.kernel().record.name,
                named.name
            ),
        )
        .unprocessed()),
        _ => Ok(()),
    }
}

fn deadline(context: &Context, request: &RpcRequest, begun: Instant) -> Instant {
    let asked = request
        .timeout
        .map_or(RPC_DEFAULT_TIMEOUT, Duration::from_millis)
        .clamp(Duration::from_millis(1), RPC_MAX_TIMEOUT);
    let own = begun + asked;
    context.request().deadline.map_or(own, |callers| callers.min(own))
}

/// Runs a method to its deadline; past it the handler's future is dropped.
async fn run(context: &Context, method: &ServedMethod, request: &RpcRequest, deadline: Instant) -> Result<Json> {
    let info = crate::context::RequestInfo {
        deadline: Some(deadline),
        ..context.request().clone()
    };
    let context = context.within(Arc::new(info));
    let span = tracing::info_span!(target: "syscall", "method", otel.name = request.method, rpc.caller = context.request().caller.service);
    let work = (method.handler)(context, request.params.clone()).instrument(span.clone());
    let outcome = match timeout_at(deadline, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Error::new(
            Kind::DeadlineExceeded,
            format!("{} did not finish before its deadline", request.method),
        )),
    };
    if let Err(error) = &outcome {
        telemetry::mark_error(&span, error.code());
    }
    outcome
}

async fn answer(context: &Context, method: &ServedMethod, request: &RpcRequest, deadline: Instant) -> Response {
    match run(context, method, request, deadline).await {
        Ok(result) => {
            // The result is JSON already; it is framed rather than read again.
            let mut body = String::with_capacity(result.text().len() + 12);
            body.push_str("{\"result\":");
            body.push_str(result.text());
            body.push('}');
            (
                StatusCode::OK,
                [(CONTENT_TYPE, HeaderValue::from_static("application/json"))],
                body,
            )
                .into_response()
        }
        Err(error) => failure_of(&context.kernel().record.key, &request.method, &error),
    }
}

/// Runs a method once under its key. It runs to its end even where the caller hangs up: what was begun must be known to have ended.
async fn run_once(
    context: Context,
    method: Arc<ServedMethod>,
    request: RpcRequest,
    deadline: Instant,
    keyed: Keyed,
) -> Result<Response, Failure> {
    let store = context.kernel().store.clone();
    let at = context.clock().now();
    let begin = Batch::new(at).with(keyed.remember(&context, None, false));
    match store.commit(begin).await {
        Ok(_) => {}
        Err(store::Error::Refused {
            why: Refusal::Remembered(remembered),
            ..
        }) => match keyed.compare(&context, *remembered).await? {
            Known::Answered(response) => return Ok(response),
            Known::Unknown if method.idempotent => {
                let again = Batch {
                    at,
                    ops: vec![keyed.forget(), keyed.remember(&context, None, false).into()],
                };
                store.commit(again).await?;
            }
            Known::Unknown => {
                return Err(Error::conflict(
                    "the process that took this call on died before it answered, and the method may not be done twice; \
                     look at what it should have done, then use a new Idempotency-Key",
                )
                .with_code("OUTCOME_UNKNOWN")
                .into());
            }
        },
        Err(error) => return Err(error.into()),
    }
    let (done, finished) = oneshot::channel();
    let scope = context.kernel().scope.clone();
    let span = tracing::Span::current();
    scope.spawn_graceful(
        "keyed-call",
        async move {
            let response = answer(&context, &method, &request, deadline).await;
            let (parts, body) = response.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
            let text = String::from_utf8_lossy(&body).into_owned();
            let remember = keyed.remember(
                &context,
                Some(Answer {
                    status: parts.status.as_u16(),
                    body: text,
                }),
                true,
            );
            if let Err(error) = store.commit(Batch::new(context.clock().now()).with(remember)).await {
                tracing::error!(error = %error, "the answer to a keyed call could not be stored");
            }
            // The caller may have hung up.
            let _ = done.send(Response::from_parts(parts, axum::body::Body::from(body)));
        }
        .instrument(span),
    );
    finished
        .await
        .map_err(|_| Error::internal("a keyed call ended without an answer").into())
}

/// Passes a call on with the caller's own credential and gives the answer as it came.
async fn relay(
    context: &Context,
    headers: &HeaderMap,
    service: &str,
    request: &RpcRequest,
) -> Result<Response, Failure> {
    let options = CallOptions {
        idempotency_key: idempotency::key(headers)?.map(str::to_owned),
        timeout: request.timeout.map(|millis| Duration::from_millis(millis.max(1))),
        relay_for: Some(context.request().caller.clone()),
        ..context.call_options()
    };
    let reply = context
        .rpc()
        .call_for_reply(service, &request.method, request.params.as_ref(), options)
        .await?;
    let mut response = (reply.status, reply.body).into_response();
    for name in [
        "content-type",
        "retry-after",
        header::ORIGIN,
        header::UNPROCESSED,
        header::IDEMPOTENCY_REPLAYED,
        header::VERSION,
    ] {
        if let Some(value) = reply.headers.get(name) {
            response
                .headers_mut()
                .insert(http::HeaderName::from_static(name), value.clone());
        }
    }
    Ok(response)
}

fn unknown_method(context: &Context, method: &str) -> Error {
    Error::not_found(format!(
        "{} has no method {method:?}; GET /v1/sys/rpc lists those it has",
        context.kernel().record.name
    ))
    .with_code("METHOD_NOT_FOUND")
    .with_details(serde_json::json!({ "method": method }))
}
