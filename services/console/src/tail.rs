//! A service's own stream, read message by message: lines as they are written, events as they are emitted.

use std::marker::PhantomData;

use axum::body::Body;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Kind, Result};
use syscall_sdk::rpc::sse::Parser;
use syscall_sdk::transport::Request;

use crate::ask;

/// A stream of server-sent events whose data are JSON of one type.
#[derive(Debug)]
pub(crate) struct Tail<T> {
    body: Body,
    parser: Parser,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Tail<T> {
    /// Opens a stream of a service.
    pub(crate) async fn open(context: &Context, service: &str, path: &str) -> Result<Self> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = path.parse().map_err(|error: axum::http::uri::InvalidUri| {
            Error::invalid(format!("{path:?} is no path")).with_source(error)
        })?;
        let response = context.rpc().request(service, request, &ask::options(context)).await?;
        if !response.status().is_success() {
            return Err(Error::new(
                Kind::BadGateway,
                format!("{service} answered {} where a stream was due", response.status()),
            ));
        }
        Ok(Tail {
            body: response.into_body(),
            parser: Parser::default(),
            of: PhantomData,
        })
    }

    /// The next messages, at least one; `None` when the stream has ended. What is no message of this type is passed over. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<Vec<T>> {
        loop {
            let frame = self.body.frame().await?.ok()?;
            let Some(bytes) = frame.data_ref() else {
                continue;
            };
            let messages = self.parser.push(bytes);
            let messages: Vec<T> = messages
                .iter()
                .filter_map(|message| serde_json::from_str(&message.data).ok())
                .collect();
            if !messages.is_empty() {
                return Some(messages);
            }
        }
    }
}
