//! The shell's commands over plain HTTP, each passed on with the caller's own credential.

use axum::response::{IntoResponse, Response};
use blackroad_os_contracts::os::{ShellCall, ShellEmit, ShellProcess, ShellProcesses};
use futures_util::future::join_all;
use http::{HeaderName, StatusCode};
use syscall_sdk::context::Context;
use syscall_sdk::http::pages::service_url;
use syscall_sdk::http::{Failure, Payload, json};
use syscall_sdk::rpc::{CallOptions, header};
use syscall_sdk::wire::{EmitRequest, Emitted, Identity};

use crate::tree::options;

/// Headers of a service's answer that its caller gets to see.
const PASSED_ON: [&str; 3] = ["content-type", "retry-after", header::ORIGIN];
/// Longest wait for one service in a list of all.
const PS_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(1);

pub(crate) async fn call(context: Context, Payload(asked): Payload<ShellCall>) -> Result<Response, Failure> {
    let key = context.registry().get(&asked.service)?.key.clone();
    let reply = context
        .rpc()
        .call_for_reply(&key, &asked.method, asked.params.as_ref(), options(&context))
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

pub(crate) async fn emit(context: Context, Payload(asked): Payload<ShellEmit>) -> Result<Response, Failure> {
    let key = context.registry().get(&asked.service)?.key.clone();
    let request = EmitRequest {
        event: asked.event,
        data: asked.data,
    };
    let emitted: Emitted = context
        .rpc()
        .post_json(&key, "/v1/sys/event", &request, &options(&context))
        .await?;
    Ok(json(StatusCode::CREATED, &emitted))
}

pub(crate) async fn ps(context: Context) -> Response {
    let options = CallOptions {
        timeout: Some(PS_TIMEOUT),
        ..options(&context)
    };
    let keys: Vec<String> = context
        .registry()
        .services()
        .map(|service| service.key.clone())
        .collect();
    let asked = keys.into_iter().map(|key| process(&context, &options, key));
    let services = join_all(asked).await;
    json(StatusCode::OK, &ShellProcesses { services })
}

async fn process(context: &Context, options: &CallOptions, key: String) -> ShellProcess {
    let url = service_url(context, &key);
    let identity: Result<Identity, _> = context.rpc().identity(&key, options).await;
    match identity {
        Ok(identity) => ShellProcess {
            key,
            url,
            status: Some(identity.health.status),
            version: Some(identity.version),
            pid: Some(identity.runtime.pid),
            uptime: Some(identity.runtime.uptime),
            reason: None,
        },
        Err(error) => ShellProcess {
            key,
            url,
            status: None,
            version: None,
            pid: None,
            uptime: None,
            reason: Some(error.message().to_owned()),
        },
    }
}
