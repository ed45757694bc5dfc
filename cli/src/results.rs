//! What a call answers: one result, or one after the other where the method gives a stream of them.

use anyhow::{Context as _, Result, anyhow};
use reqwest::header::HeaderMap;
use reqwest::{Method, Response};
use serde_json::Value;
use syscall_sdk::rpc::sse::{Message, Parser};
use syscall_sdk::rpc::{Said, is_stream, said};
use syscall_sdk::wire::{Json, RpcRequest, RpcResponse};

use crate::failure::Failure;
use crate::remote::Remote;

/// Both kinds of answer, since only the service knows which its method gives.
const ACCEPT: &str = "application/json, text/event-stream";

/// A call as it is sent.
pub(crate) struct Call<'a> {
    pub(crate) service: &'a str,
    pub(crate) body: RpcRequest,
    pub(crate) idempotency_key: Option<&'a str>,
}

impl<'a> Call<'a> {
    /// A call of a method without params.
    pub(crate) fn of(service: &'a str, method: &str) -> Self {
        Call {
            service,
            body: RpcRequest {
                method: method.to_owned(),
                params: None,
                timeout: None,
                service: None,
            },
            idempotency_key: None,
        }
    }
}

/// Calls a method and hands on each result as it comes.
pub(crate) async fn each(remote: &Remote, call: Call<'_>, mut take: impl FnMut(&Json) -> Result<()>) -> Result<()> {
    let mut request = remote
        .request(Method::POST, call.service, "/v1/sys/rpc")?
        .header("accept", ACCEPT)
        .json(&call.body);
    if let Some(key) = call.idempotency_key {
        request = request.header("idempotency-key", key);
    }
    let response = remote.head(call.service, request).await?;
    if response.status().is_success() && is_stream(response.headers()) {
        return stream(call.service, response, take).await;
    }
    let RpcResponse { result } = remote.rest(call.service, response).await?.read()?;
    take(&result)
}

async fn stream(service: &str, mut response: Response, mut take: impl FnMut(&Json) -> Result<()>) -> Result<()> {
    let mut parser = Parser::default();
    let broke_off = || format!("the stream of {service} broke off");
    while let Some(chunk) = response.chunk().await.with_context(broke_off)? {
        for message in parser.push(&chunk) {
            match said(service, &message)? {
                Some(Said::Result(result)) => take(&result)?,
                Some(Said::End) => return Ok(()),
                Some(Said::Failed(_)) => return Err(failure(service, &message).into()),
                None => {}
            }
        }
    }
    Err(anyhow!("{} before it was at its end; call it again", broke_off()))
}

/// The error that ends a stream, as any other answer's is told.
fn failure(service: &str, message: &Message) -> Failure {
    let value: Value = serde_json::from_str(&message.data).unwrap_or_default();
    let status = value["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    let status = status.and_then(|status| status.try_into().ok()).unwrap_or_default();
    Failure::read(service, status, &HeaderMap::new(), &message.data)
}
