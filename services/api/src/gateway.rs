//! `POST /v1/{service}/{method}` → RPC.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use syscall_sdk::auth::Need;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::http::{Body, Failure, parse};
use syscall_sdk::rpc::{CallOptions, header};
use syscall_sdk::wire::Json;

use crate::catalog::Catalog;
use crate::{settings, stream};

/// Headers of a service's answer that its caller gets to see.
const PASSED_ON: [&str; 8] = [
    "content-type",
    "cache-control",
    "x-accel-buffering",
    "retry-after",
    header::ORIGIN,
    header::UNPROCESSED,
    header::IDEMPOTENCY_REPLAYED,
    header::VERSION,
];

pub(crate) async fn call(
    catalog: Arc<Catalog>,
    context: Context,
    Path((service, method)): Path<(String, String)>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Failure> {
    let key = context.registry().get(&service)?.key.clone();
    context.allow(&Need::rpc(&key, &method))?;
    let params = read(&body)?;
    let streams = check(&catalog, &context, &key, &method, params.as_ref()).await?;
    let options = CallOptions {
        timeout: text(&headers, header::TIMEOUT)
            .and_then(|millis| millis.parse().ok())
            .map(Duration::from_millis),
        idempotency_key: text(&headers, header::IDEMPOTENCY_KEY),
        relay_for: Some(context.request().caller.clone()),
        answer_max_bytes: Some(settings::answer_max_bytes(&context)),
        ..context.call_options()
    };
    if streams && stream::is_wanted(&headers) {
        let response = context
            .rpc()
            .call_for_stream(&key, &method, params.as_ref(), options)
            .await?;
        return stream::answer(&context, response, Some(stream::cut())).await;
    }
    let reply = context
        .rpc()
        .call_for_reply(&key, &method, params.as_ref(), options)
        .await?;
    let mut response = (reply.status, reply.body).into_response();
    passed_on(&reply.headers, response.headers_mut());
    Ok(response)
}

/// Asks for a right at a service that a path names, and gives its key. Of one that is not there it is asked as if it were the gateway, so
/// that nobody who may nothing learns which there are.
pub(crate) fn at(context: &Context, service: &str, need: Need<'_>) -> Result<String> {
    let record = context.registry().get(service);
    let at = record.as_ref().ok().map(|record| record.key.as_str());
    context.allow(&Need { at, ..need })?;
    record.map(|record| record.key.clone())
}

/// Takes over what a caller gets to see of a service's headers.
pub(crate) fn passed_on(from: &HeaderMap, to: &mut HeaderMap) {
    for name in PASSED_ON {
        if let Some(value) = from.get(name) {
            to.insert(HeaderName::from_static(name), value.clone());
        }
    }
}

fn read(body: &Bytes) -> Result<Option<Json>> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    parse::<Option<Json>>(body)
}

/// Holds params against what the method says it takes; gives whether it gives a stream.
async fn check(catalog: &Catalog, context: &Context, key: &str, method: &str, params: Option<&Json>) -> Result<bool> {
    let offer = catalog.of(context, key).await?;
    let offer = if offer.methods.contains_key(method) {
        offer
    } else {
        catalog.refresh(context, key).await?
    };
    let offered = offer.methods.get(method).ok_or_else(|| {
        let known: Vec<_> = offer.methods.keys().map(String::as_str).collect();
        Error::not_found(format!("{key} has no method {method:?}; it has {}", known.join(", ")))
            .with_code("METHOD_NOT_FOUND")
            .with_details(serde_json::json!({ "service": key, "method": method }))
    })?;
    if let Some(params) = params {
        // Absent params are the service's to judge: for it they may be as good as empty ones.
        offered.check(&params.value())?;
    }
    Ok(offered.info.stream)
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
