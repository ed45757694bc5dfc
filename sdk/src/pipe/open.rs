use http_body_util::{BodyExt, Limited};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::protocol::Role;
use tracing::Instrument;

use super::handshake::{Handshake, switches};
use super::plug::Plug;
use super::{Pipe, is_name, pair, socket};
use crate::error::{Error, Kind, Result};
use crate::lifecycle::Scope;
use crate::policy::{HOP_MARGIN, RPC_DEFAULT_TIMEOUT, RPC_MAX_TIMEOUT};
use crate::rpc::{ANSWER_MAX_BYTES, CallOptions, Client, error_of};
use crate::telemetry;
use crate::transport::{Body, Request, Response};

/// Opens a pipe of a service. What the options say of time bounds the opening; the pipe lasts. `scope` owns what carries its bytes
/// where the service runs elsewhere.
///
/// # Errors
/// What the service answered (`PIPE_NOT_FOUND`, `OVERLOADED`, a lack of rights), or what kept the request from it. Dropping the future
/// gives the pipe up.
pub async fn open(client: &Client, scope: &Scope, service: &str, name: &str, options: CallOptions) -> Result<Pipe> {
    let span = tracing::info_span!(
        target: "syscall", "pipe",
        otel.name = %format_args!("pipe {service}/{name}"), span.kind = "client", rpc.service = service, rpc.method = name
    );
    let allowed = options.timeout.unwrap_or(RPC_DEFAULT_TIMEOUT).min(RPC_MAX_TIMEOUT);
    let mut deadline = Instant::now() + allowed;
    if let Some(callers) = options.deadline {
        deadline = deadline.min(callers.checked_sub(HOP_MARGIN).unwrap_or(callers));
    }
    let options = CallOptions {
        timeout: Some(deadline.saturating_duration_since(Instant::now())),
        ..options
    };
    let opened = timeout_at(deadline, ask(client, scope, service, name, &options)).instrument(span.clone());
    let outcome = opened.await.unwrap_or_else(|_| {
        Err(Error::new(
            Kind::DeadlineExceeded,
            format!("{service} did not open the pipe {name} in time"),
        ))
    });
    if let Err(error) = &outcome {
        telemetry::mark_error(&span, error.code());
    }
    outcome
}

async fn ask(client: &Client, scope: &Scope, service: &str, name: &str, options: &CallOptions) -> Result<Pipe> {
    if !is_name(name) {
        return Err(Error::invalid(format!(
            "{name:?} names no pipe: a name is 1 to 200 letters, digits, '.', '_', '-' or ':'"
        )));
    }
    let (ours, theirs) = pair();
    let (plug, handshake) = (Plug::new(theirs), Handshake::new());
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = format!("/v1/sys/pipe/{name}")
        .parse()
        .expect("a pipe's name stands in a path as it is");
    for (header, value) in handshake.headers() {
        let value = value.parse().expect("a key in base64 is a header's value");
        request.headers_mut().insert(header, value);
    }
    request.extensions_mut().insert(plug.clone());
    let mut response = client.request(service, request, options).await?;
    if !switches(&response) {
        return Err(refusal(service, response).await);
    }
    if let Some(theirs) = plug.take() {
        // Nobody took it here, so the service is elsewhere.
        handshake.check(response.headers())?;
        let broken = |error| {
            Error::new(
                Kind::BadGateway,
                format!("{service} broke off while it opened the pipe"),
            )
            .with_source(error)
        };
        let upgraded = hyper::upgrade::on(&mut response).await.map_err(broken)?;
        let carry = socket::splice(
            theirs,
            TokioIo::new(upgraded),
            Role::Client,
            scope.token().cancelled_owned(),
        );
        scope.spawn_graceful("pipe-socket", carry);
    }
    Ok(ours)
}

/// The error that a service answered instead of opening a pipe.
async fn refusal(service: &str, response: Response) -> Error {
    let (parts, body) = response.into_parts();
    let said = Limited::new(body, ANSWER_MAX_BYTES).collect().await;
    let body = said.map(|body| body.to_bytes()).unwrap_or_default();
    if parts.status.is_success() {
        return Error::new(
            Kind::BadGateway,
            format!("{service} answered {} where a pipe was due", parts.status),
        );
    }
    error_of(service, parts.status, &parts.headers, &body)
}
