//! What a reader can do from a page: each goes to the service's own syscall on the reader's behalf, and the answer shows what it came to.

use axum::body::{Body, to_bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::http::Html;
use syscall_sdk::rpc::{ANSWER_MAX_BYTES, CallOptions};
use syscall_sdk::transport::Request;
use syscall_sdk::wire::{Json, RpcResponse};

use crate::ask::encode;
use crate::service::jobs;
use crate::view::View;

/// Calls a method with the given parameters, and gives its result or its error as it came.
///
/// # Errors
/// `UNKNOWN_SERVICE`, or what kept the call from the service.
pub(crate) async fn call(context: &Context, key: &str, method: &str, params: Option<Json>) -> Result<Response> {
    let key = context.registry().get(key)?.key.clone();
    let reply = context
        .rpc()
        .call_for_reply(&key, method, params.as_ref(), on_behalf(context))
        .await?;
    if !reply.status.is_success() {
        let headers = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        return Ok((reply.status, headers, reply.body).into_response());
    }
    let answer: RpcResponse = serde_json::from_slice(&reply.body)
        .map_err(|error| Error::internal(format!("{key} answered {method} with no result")).with_source(error))?;
    Ok(syscall_sdk::http::json(reply.status, &answer.result))
}

/// What can be done about a job or a schedule.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verb {
    /// Stop it.
    Cancel,
    /// Queue it anew.
    Retry,
}

/// Does it, and gives the lists as they are then.
///
/// # Errors
/// As [`call`].
pub(crate) async fn on_job(context: &Context, key: &str, id: &str, verb: Verb, view: &View) -> Result<Response> {
    let key = context.registry().get(key)?.key.clone();
    let verb = match verb {
        Verb::Cancel => "cancel",
        Verb::Retry => "retry",
    };
    let mut request = Request::new(Body::empty());
    *request.method_mut() = Method::POST;
    let path = format!("/v1/sys/job/{}/{verb}", encode(id));
    *request.uri_mut() = path
        .parse()
        .map_err(|error: axum::http::uri::InvalidUri| Error::invalid("that is no job's id").with_source(error))?;
    let response = context.rpc().request(&key, request, &on_behalf(context)).await?;
    if !response.status().is_success() {
        return refused(response).await;
    }
    let (list, schedules) = tokio::join!(jobs::content(context, &key, view), jobs::schedule_list(context, &key));
    Ok(Html(format!("{}{}", list?, schedules?)).into_response())
}

/// The reader's credential goes along, never the console's own: nobody can do here what they could not do there.
fn on_behalf(context: &Context) -> CallOptions {
    CallOptions {
        relay_for: Some(context.request().caller.clone()),
        ..context.call_options()
    }
}

/// The service's refusal as it came.
async fn refused(response: Response) -> Result<Response> {
    let status = response.status();
    let body = to_bytes(response.into_body(), ANSWER_MAX_BYTES)
        .await
        .map_err(|error| Error::unavailable("the service's answer broke off").with_source(error))?;
    let headers = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((status, headers, body).into_response())
}
