//! Streams that last: resumed where they were cut, ended by Ctrl-C.

use std::time::Duration;

use anyhow::Result;
use reqwest::Method;
use syscall_sdk::rpc::sse::{Message, Parser};

use crate::failure::Failure;
use crate::remote::{Remote, Unreachable, given};

/// First wait before coming back, where the server asked for none.
const RETRY: Duration = Duration::from_secs(1);
/// Longest wait before coming back.
const RETRY_MAX: Duration = Duration::from_secs(15);

/// A stream to follow.
pub(crate) struct Stream<'a> {
    pub(crate) service: &'a str,
    pub(crate) path: &'a str,
    /// What is asked for at first, and again where the stream has given no cursor yet.
    pub(crate) query: Vec<(&'a str, Option<String>)>,
}

/// Follows a stream until Ctrl-C. It comes back when the stream is cut, with the last cursor; what never opened is an error.
pub(crate) async fn follow(
    remote: &Remote,
    stream: Stream<'_>,
    mut each: impl FnMut(&Message) -> Result<()>,
) -> Result<()> {
    tokio::select! {
        signal = tokio::signal::ctrl_c() => Ok(signal?),
        ended = keep(remote, stream, &mut each) => ended,
    }
}

async fn keep(remote: &Remote, stream: Stream<'_>, each: &mut impl FnMut(&Message) -> Result<()>) -> Result<()> {
    let mut parser = Parser::default();
    let mut opened = false;
    let mut failures = 0u32;
    loop {
        let mut request = remote
            .request(Method::GET, stream.service, stream.path)?
            .query(&given(&stream.query));
        if let Some(id) = parser.last_id() {
            request = request.header("last-event-id", id);
        }
        match remote.open(stream.service, request).await {
            Ok(mut response) => {
                opened = true;
                failures = 0;
                parser.reconnected();
                // A body that ends and one that breaks are the same to a reader: it comes back.
                while let Ok(Some(chunk)) = response.chunk().await {
                    for message in parser.push(&chunk) {
                        each(&message)?;
                    }
                }
            }
            Err(error) if opened && passing(&error) => failures += 1,
            Err(error) => return Err(error),
        }
        let wait = parser
            .retry()
            .unwrap_or(RETRY)
            .saturating_mul(1 << failures.min(6))
            .min(RETRY_MAX);
        if failures == 0 {
            eprintln!("the stream of {} was cut; resuming", stream.service);
        }
        tokio::time::sleep(wait).await;
    }
}

/// Whether it may be gone the next time.
fn passing(error: &anyhow::Error) -> bool {
    error.is::<Unreachable>()
        || error
            .downcast_ref::<Failure>()
            .is_some_and(|failure| failure.status.is_server_error() || failure.status.as_u16() == 429)
}
