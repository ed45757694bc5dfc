//! Pipes: opened by an upgrade, or within the process by the end that the request bears.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{CONNECTION, HOST, HeaderMap, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderValue, StatusCode};
use hyper::upgrade::OnUpgrade;
use tracing::Instrument;

use super::extract::Path;
use super::respond::{Failure, failure};
use super::rpc::misdirected;
use crate::admission::Who;
use crate::auth::{Access, Need, Word};
use crate::context::{Context, PipeHandler};
use crate::error::{Error, Kind, Result};
use crate::pipe::{self, Lack, Pipe, Plug};
use crate::policy::party;
use crate::rpc::CallOptions;
use crate::service::{Route, RouteKind, Routes};
use crate::telemetry::{self, current_trace, join_trace};

pub(super) fn routes() -> Routes {
    Routes::new().with(
        Route::get("/v1/sys/pipe/{name}", Access::right("pipe open"), open)
            .says("Opens a pipe: a two-way stream of bytes, in the messages of a WebSocket.")
            .kind(RouteKind::Stream)
            .header("Upgrade", "websocket, with what else RFC 6455 asks of a handshake.")
            .gives_media(101, "The pipe is open.", "")
            .fails(&[
                (400, "The Sec-WebSocket-Key is none."),
                (403, "A page of another site asked."),
                (404, "The service has no pipe of this name."),
                (421, "The Host names another service."),
                (426, "The request asks for no WebSocket of version 13."),
                (503, "All the pipes that a service serves are open."),
            ]),
    )
}

async fn open(context: Context, Path(name): Path, mut request: Request) -> Result<Response, Failure> {
    misdirected(&context, request.headers())?;
    context.allow(&Need::one(Word::PipeOpen, &name))?;
    same_site(&context, request.headers())?;
    let kernel = context.kernel();
    let handler = kernel
        .pipes
        .get(name.as_str())
        .ok_or_else(|| unknown(&context, &name))?;
    let plug = request.extensions_mut().remove::<Plug>();
    let (mut response, pipe) = match plug.and_then(|plug| plug.take()) {
        Some(pipe) => (StatusCode::SWITCHING_PROTOCOLS.into_response(), Ok(pipe)),
        None => {
            let accept = match pipe::accept(request.headers()) {
                Ok(accept) => accept,
                Err(lack) => return Ok(refuse(&name, lack)),
            };
            let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
                // Something before us took the connection for its own.
                return Ok(refuse(&name, Lack::Upgrade));
            };
            let headers = [
                (CONNECTION, HeaderValue::from_static("upgrade")),
                (UPGRADE, HeaderValue::from_static("websocket")),
                (SEC_WEBSOCKET_ACCEPT, accept),
            ];
            ((StatusCode::SWITCHING_PROTOCOLS, headers).into_response(), Err(upgrade))
        }
    };
    let place = kernel.pipe_room.enter()?;
    let pipe = pipe.unwrap_or_else(|upgrade| pipe::over_socket(&kernel.scope, upgrade));
    serve(&context, &name, handler, pipe, place);
    *response.version_mut() = http::Version::HTTP_11;
    Ok(response)
}

/// Opens a pipe of another service for a caller of this one, and carries the bytes of its WebSocket: for a gateway. Access is asked for
/// before; the callee asks again. At most `life` goes by until it is ended.
///
/// # Errors
/// As opening a pipe; what the callee says instead of opening it. `TOO_MANY_STREAMS` where the caller has as many open as one may.
pub async fn relay_pipe(
    context: &Context,
    service: &str,
    name: &str,
    mut request: Request,
    life: Duration,
) -> Result<Response, Failure> {
    same_site(context, request.headers())?;
    let accept = match pipe::accept(request.headers()) {
        Ok(accept) => accept,
        Err(lack) => return Ok(refuse(name, lack)),
    };
    let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return Ok(refuse(name, Lack::Upgrade));
    };
    let kernel = context.kernel();
    let info = context.request();
    let who = match (&info.caller.principal, info.client) {
        (Some(principal), _) if principal.service().is_some() => None,
        (Some(principal), _) => Some(Who::Principal(principal.subject.clone())),
        (None, client) => client.map(|client| Who::Address(party(client))),
    };
    let places = (kernel.pipe_room.enter()?, kernel.admission.stream(who)?);
    let void = until_void(context);
    let options = CallOptions {
        relay_for: Some(info.caller.clone()),
        ..context.call_options()
    };
    let callee = pipe::open(context.rpc(), &kernel.scope, service, name, options).await?;
    let caller = pipe::over_socket(&kernel.scope, upgrade);
    let (streams, ending) = (kernel.streams.clone(), kernel.scope.token());
    kernel.scope.spawn_graceful("pipe-relay", async move {
        let stop = async {
            tokio::select! {
                () = streams.cancelled() => {}
                () = ending.cancelled() => {}
                () = void => {}
                () = tokio::time::sleep(life) => {}
            }
        };
        pipe::join(caller, callee, stop).await;
        drop(places);
    });
    let headers = [
        (CONNECTION, HeaderValue::from_static("upgrade")),
        (UPGRADE, HeaderValue::from_static("websocket")),
        (SEC_WEBSOCKET_ACCEPT, accept),
    ];
    let mut response = (StatusCode::SWITCHING_PROTOCOLS, headers).into_response();
    *response.version_mut() = http::Version::HTTP_11;
    Ok(response)
}

/// Runs the handler beside the request, which is answered at once, for as long as the pipe lasts.
fn serve(context: &Context, name: &str, handler: &PipeHandler, pipe: Pipe, place: impl Send + 'static) {
    // Not below the request's span, which ends with the head of the answer.
    let span = tracing::info_span!(
        target: "syscall", parent: context.kernel().scope.span(), "pipe",
        otel.name = %format_args!("pipe {name}"), rpc.caller = context.request().caller.service
    );
    join_trace(&span, current_trace());
    let void = until_void(context);
    let (handler, context) = (Arc::clone(handler), context.clone());
    let kernel = Arc::clone(context.kernel());
    let scope = kernel.scope.clone();
    let work = async move {
        let (streams, ending) = (kernel.streams.clone(), kernel.scope.token());
        let stop = async {
            tokio::select! {
                () = streams.cancelled() => "the service is shutting down",
                () = ending.cancelled() => "the service is shutting down",
                () = void => "the token that opened this pipe is good no more; open it with another",
            }
        };
        let ended = pipe::run(pipe, move |pipe| handler(context, pipe), stop).await;
        if let Err(broken) = ended {
            telemetry::mark_error(&tracing::Span::current(), broken.sentence());
        }
        drop(place);
    };
    scope.spawn_graceful("pipe", work.instrument(span));
}

/// Ends when the pipe that a request opens may last no longer, for what the request has shown.
fn until_void(context: &Context) -> impl Future<Output = ()> + Send + use<> {
    let void = context.kernel().gate.until_void(&context.request().caller);
    async {
        match void {
            Some(void) => void.await,
            None => std::future::pending().await,
        }
    }
}

/// A browser lets any page open a WebSocket to anywhere and asks nobody (RFC 6455, section 10.2), so who asks is looked at here.
///
/// # Errors
/// `CROSS_SITE` where the request bears the `Origin` of a page that is neither this service's nor allowed.
fn same_site(context: &Context, headers: &HeaderMap) -> Result<()> {
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default();
    let told = context.kernel().live.now();
    let own = origin.split_once("://").is_some_and(|(scheme, authority)| {
        let ours = told.settings.scheme().is_none_or(|known| known == scheme);
        ours && headers.get(HOST).is_some_and(|host| host == authority)
    });
    if own
        || told
            .settings
            .allowed_origins
            .iter()
            .any(|allowed| allowed == "*" || allowed == origin)
    {
        return Ok(());
    }
    Err(Error::new(
        Kind::Forbidden,
        format!("a page of {origin:?} asked for this pipe, and is none of ours; ALLOWED_ORIGINS lists who else may"),
    )
    .with_code("CROSS_SITE"))
}

fn unknown(context: &Context, name: &str) -> Error {
    let kernel = context.kernel();
    let known: Vec<_> = kernel.pipes.keys().copied().collect();
    Error::not_found(format!(
        "{} has no pipe {name:?}; it has {}",
        kernel.record.name,
        known.join(", ")
    ))
    .with_code("PIPE_NOT_FOUND")
    .with_details(serde_json::json!({ "pipe": name }))
}

fn refuse(name: &str, lack: Lack) -> Response {
    let (sentence, status) = match lack {
        Lack::Upgrade => (
            "is opened by an upgrade; send the handshake of a WebSocket (RFC 6455)",
            StatusCode::UPGRADE_REQUIRED,
        ),
        Lack::Version => (
            "speaks version 13 of WebSocket and no other",
            StatusCode::UPGRADE_REQUIRED,
        ),
        Lack::Key => (
            "is opened with a Sec-WebSocket-Key of 16 bytes in base64",
            StatusCode::BAD_REQUEST,
        ),
    };
    let mut response = failure(&Error::invalid(format!("the pipe {name} {sentence}")).with_code("UPGRADE_REQUIRED"));
    *response.status_mut() = status;
    if status == StatusCode::UPGRADE_REQUIRED {
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    }
    response
}
