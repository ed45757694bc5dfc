//! What a reader can do from a page: each goes to the service's own syscall on the reader's behalf, and the answer shows what it came to.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::http::Html;
use syscall_sdk::rpc::{ANSWER_MAX_BYTES, CallOptions};
use syscall_sdk::transport::Request;
use syscall_sdk::wire::{Job, Json, RetriedJobs, RetryJobs, RpcResponse};

use crate::ask::encode;
use crate::service::{job, jobs};
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
    let path = format!("/v1/sys/job/{}/{verb}", encode(id));
    let response = post(context, &key, &path, Bytes::new()).await?;
    if !response.status().is_success() {
        return refused(response).await;
    }
    let (list, schedules) = tokio::join!(jobs::content(context, &key, view), jobs::schedule_list(context, &key));
    Ok(Html(format!("{}{}", list?, schedules?)).into_response())
}

/// Makes another job of a dead one with the reader's edit, which is the body, and says which it is.
///
/// # Errors
/// As [`call`].
pub(crate) async fn redrive(context: &Context, key: &str, id: &str, edit: Bytes) -> Result<Response> {
    let key = context.registry().get(key)?.key.clone();
    let response = post(context, &key, &format!("/v1/sys/job/{}/retry", encode(id)), edit).await?;
    if !response.status().is_success() {
        return refused(response).await;
    }
    let made: Job = read(&key, response).await?;
    Ok(Html(job::redriven(&key, &made.id).to_string()).into_response())
}

/// Slices that one press of the button takes: a thousand jobs each is more than anyone means; who does presses it again.
const SLICES_MAX: usize = 10;
/// Jobs of a slice.
const SLICE: usize = 1_000;

/// Queues the dead jobs of the status that is shown anew, and gives the list as it is then.
///
/// # Errors
/// As [`call`].
pub(crate) async fn retry_all(context: &Context, key: &str, view: &View) -> Result<Response> {
    let key = context.registry().get(key)?.key.clone();
    let mut cursor = None;
    for _ in 0..SLICES_MAX {
        let slice = RetryJobs {
            status: view.status(),
            limit: Some(SLICE),
            cursor: cursor.take(),
            ..RetryJobs::default()
        };
        let slice = serde_json::to_vec(&slice)
            .map_err(|error| Error::internal("what is asked for has no JSON form").with_source(error))?;
        let response = post(context, &key, "/v1/sys/jobs/retry", slice.into()).await?;
        if !response.status().is_success() {
            return refused(response).await;
        }
        let done: RetriedJobs = read(&key, response).await?;
        cursor = done.cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(Html(jobs::content(context, &key, view).await?.to_string()).into_response())
}

async fn post(context: &Context, key: &str, path: &str, body: Bytes) -> Result<Response> {
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = path
        .parse()
        .map_err(|error: axum::http::uri::InvalidUri| Error::invalid("that is no job's id").with_source(error))?;
    context.rpc().request(key, request, &on_behalf(context)).await
}

async fn read<T: DeserializeOwned>(key: &str, response: Response) -> Result<T> {
    let body = to_bytes(response.into_body(), ANSWER_MAX_BYTES)
        .await
        .map_err(|error| Error::unavailable("the service's answer broke off").with_source(error))?;
    serde_json::from_slice(&body).map_err(|error| {
        Error::internal(format!("{key} answered another shape than the contract says")).with_source(error)
    })
}

/// In the reader's name, never in the console's own: nobody can do here what they could not do there.
fn on_behalf(context: &Context) -> CallOptions {
    context.on_behalf()
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
