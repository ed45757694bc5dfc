//! Methods that give a stream of results: server-sent events in answer to a call.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method as Verb};
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use tokio::time::{Instant, timeout};
use tracing::Instrument;

use super::answer::error_of;
use super::send::Want;
use super::sse::{Message, Parser};
use super::{ANSWER_MAX_BYTES, CallOptions, Client};
use crate::contract::{Payload, StreamMethod};
use crate::error::{Error, Kind, Result};
use crate::policy::{HOP_MARGIN, RPC_DEFAULT_TIMEOUT, RPC_MAX_TIMEOUT};
use crate::telemetry;
use crate::transport::{Body, Request, Response};
use crate::wire::{Json, RpcRequest, RpcResponse};

/// A stream that is silent for so long is taken for broken: four of the heartbeats that every service sends between results.
const SILENT_AFTER: Duration = Duration::from_secs(60);

/// The results of a method, as they come. It ends after the last one; an error is the last item, too. Dropping it cancels the
/// handler where it stands.
pub struct Results<R>(BoxStream<'static, Result<R>>);

impl<R> Stream for Results<R> {
    type Item = Result<R>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<R>>> {
        self.0.as_mut().poll_next(context)
    }
}

impl<R> fmt::Debug for Results<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Results")
    }
}

impl Client {
    /// Calls a method that gives a stream of results. What the options say of time bounds the wait for the stream to begin; the stream
    /// itself lasts for as long as its handler does.
    ///
    /// # Errors
    /// What the callee answered instead of a stream, or what kept the call from it. What goes wrong later is an item of the stream.
    pub async fn call_stream<P: Payload, R: Payload>(
        &self,
        method: &StreamMethod<P, R>,
        params: &P,
        options: CallOptions,
    ) -> Result<Results<R>> {
        let (service, name) = (method.service, method.name);
        let span = tracing::info_span!(
            target: "syscall", "call",
            otel.name = %format_args!("call {service}.{name}"), span.kind = "client", rpc.service = service, rpc.method = name
        );
        let params = Json::of(params)
            .map_err(|error| Error::invalid(format!("the params of {name} have no JSON form")).with_source(error))?;
        let begun = self
            .begin(service, name, params, options)
            .instrument(span.clone())
            .await;
        match begun {
            Ok(body) => Ok(Results(results(service, name, body))),
            Err(error) => {
                telemetry::mark_error(&span, error.code());
                Err(error)
            }
        }
    }

    async fn begin(&self, service: &str, name: &str, params: Json, options: CallOptions) -> Result<Body> {
        let (response, left) = self
            .open(service, name, Some(params), options, "text/event-stream")
            .await?;
        let (parts, body) = response.into_parts();
        if parts.status.is_success() && is_stream(&parts.headers) {
            return Ok(body);
        }
        if parts.status.is_success() {
            let no_stream = format!("{service} answered one result where {name} gives a stream of them");
            return Err(Error::new(Kind::BadGateway, no_stream));
        }
        let said = timeout(left, Limited::new(body, ANSWER_MAX_BYTES).collect()).await;
        let said = said
            .ok()
            .and_then(|read| Some(read.ok()?.to_bytes()))
            .unwrap_or_default();
        Err(error_of(service, parts.status, &parts.headers, &said))
    }

    /// Calls a method by name and gives the answer as it comes, a stream of results or one answer, for a relay.
    ///
    /// # Errors
    /// What kept the call from the callee; what the callee answered is no error here. Dropping the answer's body cancels the handler.
    pub async fn call_for_stream(
        &self,
        service: &str,
        method: &str,
        params: Option<&Json>,
        options: CallOptions,
    ) -> Result<Response> {
        let accept = "text/event-stream, application/json";
        let opened = self.open(service, method, params.cloned(), options, accept).await?;
        Ok(opened.0)
    }

    /// The head of what a method answers, and what is left of its time.
    async fn open(
        &self,
        service: &str,
        name: &str,
        params: Option<Json>,
        options: CallOptions,
        accept: &'static str,
    ) -> Result<(Response, Duration)> {
        let now = Instant::now();
        let mut deadline = now + options.timeout.unwrap_or(RPC_DEFAULT_TIMEOUT).min(RPC_MAX_TIMEOUT);
        if let Some(callers) = options.deadline {
            deadline = deadline.min(callers.checked_sub(HOP_MARGIN).unwrap_or(callers));
        }
        let left = deadline.saturating_duration_since(now);
        let call = RpcRequest {
            method: name.to_owned(),
            params,
            timeout: Some(u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1)),
            service: None,
        };
        let text = serde_json::to_vec(&call)
            .map_err(|error| Error::invalid("the call has no JSON form").with_source(error))?;
        let mut request = Request::new(Body::from(text));
        *request.method_mut() = Verb::POST;
        *request.uri_mut() = http::Uri::from_static("/v1/sys/rpc");
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        let options = CallOptions {
            timeout: Some(left),
            ..options
        };
        let response = self
            .send(service, request, &options, deadline, Want::Stream(name))
            .await?;
        Ok((response, left))
    }
}

/// Whether an answer is a stream of server-sent events.
pub fn is_stream(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// One message of a stream of results, as the contract has it.
#[derive(Debug)]
pub enum Said {
    /// A result.
    Result(Json),
    /// There is no more.
    End,
    /// It failed, and this is why.
    Failed(Error),
}

/// Reads a message of a stream of results; `None` for what the contract does not know, which a reader passes over.
///
/// # Errors
/// `BAD_GATEWAY` where it is of another shape than the contract says.
pub fn said(service: &str, message: &Message) -> Result<Option<Said>> {
    #[derive(Deserialize)]
    struct Failed {
        status: u16,
    }
    let wrong = |error: serde_json::Error| {
        Error::new(
            Kind::BadGateway,
            format!("{service} sent a message of another shape than the contract says"),
        )
        .with_source(error)
    };
    Ok(match message.event.as_str() {
        "" | "message" => {
            let RpcResponse { result } = serde_json::from_str(&message.data).map_err(wrong)?;
            Some(Said::Result(result))
        }
        "end" => Some(Said::End),
        "error" => {
            let Failed { status } = serde_json::from_str(&message.data).map_err(wrong)?;
            let status = status
                .try_into()
                .map_err(|_| wrong(serde::de::Error::custom("its status is none")))?;
            let body = message.data.as_bytes();
            Some(Said::Failed(error_of(service, status, &HeaderMap::new(), body)))
        }
        _ => None,
    })
}

struct Reader {
    service: &'static str,
    name: &'static str,
    body: Body,
    parser: Parser,
    messages: VecDeque<Message>,
    given: u64,
    over: bool,
}

fn results<R: Payload>(service: &'static str, name: &'static str, body: Body) -> BoxStream<'static, Result<R>> {
    let reader = Reader {
        service,
        name,
        body,
        parser: Parser::default(),
        messages: VecDeque::new(),
        given: 0,
        over: false,
    };
    stream::unfold(reader, |mut reader| async move {
        let next = reader.next().await?;
        reader.over |= next.is_err();
        Some((next, reader))
    })
    .boxed()
}

impl Reader {
    async fn next<R: Payload>(&mut self) -> Option<Result<R>> {
        while !self.over {
            let Some(message) = self.messages.pop_front() else {
                match self.read().await {
                    Ok(messages) => self.messages.extend(messages),
                    Err(error) => return Some(Err(error)),
                }
                continue;
            };
            match said(self.service, &message) {
                Ok(Some(Said::Result(result))) => {
                    self.given += 1;
                    return Some(result.to().map_err(|error| self.another_shape(error)));
                }
                Ok(Some(Said::End)) => self.over = true,
                Ok(Some(Said::Failed(error))) | Err(error) => return Some(Err(error)),
                Ok(None) => {}
            }
        }
        None
    }

    async fn read(&mut self) -> Result<Vec<Message>> {
        match timeout(SILENT_AFTER, self.body.frame()).await {
            Ok(Some(Ok(frame))) => Ok(frame.data_ref().map(|data| self.parser.push(data)).unwrap_or_default()),
            Ok(Some(Err(error))) => Err(self.broken("broke off").with_source(error)),
            Ok(None) => Err(self.broken("ended without saying that it had")),
            Err(_) => Err(self.broken("fell silent")),
        }
    }

    fn broken(&self, how: &str) -> Error {
        Error::unavailable(format!(
            "the stream of {}.{} {how} after {} results",
            self.service, self.name, self.given
        ))
        .with_code("STREAM_BROKEN")
    }

    fn another_shape(&self, error: serde_json::Error) -> Error {
        Error::new(
            Kind::BadGateway,
            format!(
                "{}.{} gave another shape than its contract says",
                self.service, self.name
            ),
        )
        .with_source(error)
    }
}
