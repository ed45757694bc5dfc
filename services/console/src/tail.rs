//! A service's own stream, read message by message: lines as they are written, events as they are emitted.

use std::marker::PhantomData;

use axum::body::Body;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Kind, Result};
use syscall_sdk::transport::Request;

use crate::ask;

/// Longest message that is waited for to its end: a log line is at most 16 KiB, an event's data 1 MiB.
const MESSAGE_MAX_BYTES: usize = 2 * 1024 * 1024;

/// A stream of server-sent events whose data are JSON of one type.
#[derive(Debug)]
pub(crate) struct Tail<T> {
    body: Body,
    read: Vec<u8>,
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
            read: Vec::new(),
            of: PhantomData,
        })
    }

    /// The next messages, at least one; `None` when the stream has ended. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<Vec<T>> {
        loop {
            let messages = take(&mut self.read);
            if !messages.is_empty() {
                return Some(messages);
            }
            if self.read.len() > MESSAGE_MAX_BYTES {
                return None;
            }
            let frame = self.body.frame().await?.ok()?;
            if let Ok(bytes) = frame.into_data() {
                self.read.extend_from_slice(&bytes);
            }
        }
    }
}

/// Takes the messages that have come to their end; what is no message of this type, such as a heartbeat, is passed over.
fn take<T: DeserializeOwned>(read: &mut Vec<u8>) -> Vec<T> {
    let mut messages = Vec::new();
    while let Some(end) = read.windows(2).position(|pair| pair == b"\n\n") {
        let message: Vec<u8> = read.drain(..end + 2).collect();
        let data: Vec<&[u8]> = message
            .split(|byte| *byte == b'\n')
            .filter_map(|line| line.strip_prefix(b"data:"))
            .collect();
        messages.extend(serde_json::from_slice(&data.concat()).ok());
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::take;

    #[test]
    fn messages_are_taken_whole_and_heartbeats_passed_over() {
        let mut read = b":\n\nid: 7\ndata: {\"a\":1}\n\ndata: {\"a\":".to_vec();
        let messages: Vec<serde_json::Value> = take(&mut read);
        assert_eq!(messages, [serde_json::json!({ "a": 1 })]);
        read.extend_from_slice(b"2}\n\n");
        let messages: Vec<serde_json::Value> = take(&mut read);
        assert_eq!(messages, [serde_json::json!({ "a": 2 })]);
        assert!(read.is_empty());
    }
}
