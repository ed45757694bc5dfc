use std::time::Duration;

use tokio::time::timeout;

use super::pool::Pool;
use crate::error::{Error, Kind, Result};
use crate::lifecycle::Scope;
use crate::resolve::Endpoint;
use crate::transport::{Request, Response};

/// Longest wait for the head of an answer: past the longest deadline of a call, so that only a process that is mute meets it.
const HEAD_TIMEOUT: Duration = Duration::from_secs(35);

/// Passes whole requests on to another process, bodies streaming both ways: the front door's way to services that are not mounted here.
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Forwarder(Pool);

impl Forwarder {
    /// A forwarder whose connections a scope owns.
    pub fn new(scope: Scope) -> Self {
        Forwarder(Pool::new(scope))
    }

    /// Passes a request on and gives the answer as it comes.
    ///
    /// # Errors
    /// `UNAVAILABLE` where the process cannot be reached, `BAD_GATEWAY` where it broke off, `DEADLINE_EXCEEDED` where it is mute.
    pub async fn forward(&self, endpoint: &Endpoint, request: Request) -> Result<Response> {
        let mute = |_| {
            Error::new(
                Kind::DeadlineExceeded,
                format!(
                    "{endpoint} took the request and did not answer within {} s",
                    HEAD_TIMEOUT.as_secs()
                ),
            )
        };
        timeout(HEAD_TIMEOUT, self.0.send(endpoint, request))
            .await
            .map_err(mute)?
    }
}

impl Pool {
    /// Sends a request over an idle connection or a new one; a connection that closed before the request was written is passed over.
    pub(super) async fn send(&self, endpoint: &Endpoint, mut request: Request) -> Result<Response> {
        while let Some(mut sender) = self.take(endpoint) {
            match sender.try_send_request(request).await {
                Ok(response) => return Ok(self.pooled(endpoint, sender, response)),
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(broken(endpoint, error.into_error())),
                },
            }
        }
        let mut sender = self.connect(endpoint).await?;
        match sender.try_send_request(request).await {
            Ok(response) => Ok(self.pooled(endpoint, sender, response)),
            Err(error) => Err(broken(endpoint, error.into_error())),
        }
    }
}

fn broken(endpoint: &Endpoint, error: hyper::Error) -> Error {
    Error::new(
        Kind::BadGateway,
        format!("the connection to {endpoint} broke while it was being asked"),
    )
    .with_code("CONNECTION_BROKEN")
    .with_source(error)
}
