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

/// Headers of a service's answer that its caller gets to see.
const PASSED_ON: [&str; 4] = ["content-type", "retry-after", header::ORIGIN, "idempotency-replayed"];

pub(crate) async fn call(
    catalog: Arc<Catalog>,
    context: Context,
    Path((service, method)): Path<(String, String)>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Failure> {
    let record = context.registry().get(&service)?.clone();
    context.allow(&Need::rpc(&record.key, &method))?;
    let params = read(&body)?;
    check(&catalog, &context, &record.key, &method, params.as_ref()).await?;
    let options = CallOptions {
        timeout: text(&headers, header::TIMEOUT)
            .and_then(|millis| millis.parse().ok())
            .map(Duration::from_millis),
        idempotency_key: text(&headers, header::IDEMPOTENCY_KEY),
        relay_for: Some(context.request().caller.clone()),
        ..context.call_options()
    };
    let reply = context
        .rpc()
        .call_for_reply(&record.key, &method, params.as_ref(), options)
        .await?;
    let mut response = (reply.status, reply.body).into_response();
    for name in PASSED_ON {
        if let Some(value) = reply.headers.get(name) {
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), value.clone());
        }
    }
    Ok(response)
}

fn read(body: &Bytes) -> Result<Option<Json>> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    parse::<Option<Json>>(body)
}

async fn check(catalog: &Catalog, context: &Context, key: &str, method: &str, params: Option<&Json>) -> Result<()> {
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
    match params {
        Some(params) => offered.check(&params.value()),
        // Absent params are the service's to judge: for it they may be as good as empty ones.
        None => Ok(()),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
