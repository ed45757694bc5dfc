use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio::time::timeout;

use super::pool::Pool;
use crate::error::{Error, Kind, Result};
use crate::lifecycle::Scope;
use crate::resolve::Endpoint;
use crate::transport::{Request, Response};

/// Longest wait for the head of an answer: past the longest deadline of a call, so that only a process that is mute meets it.
const HEAD_TIMEOUT: Duration = Duration::from_secs(35);

/// Passes whole requests on to another process, bodies streaming both ways, and what a connection is upgraded to: the front door's way
/// to services that are not mounted here. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Forwarder {
    pool: Pool,
    scope: Scope,
}

impl Forwarder {
    /// A forwarder whose connections a scope owns.
    pub fn new(scope: Scope) -> Self {
        Forwarder {
            pool: Pool::new(scope.clone()),
            scope,
        }
    }

    /// Passes a request on and gives the answer as it comes.
    ///
    /// # Errors
    /// `UNAVAILABLE` where the process cannot be reached, `BAD_GATEWAY` where it broke off, `DEADLINE_EXCEEDED` where it is mute.
    pub async fn forward(&self, endpoint: &Endpoint, mut request: Request) -> Result<Response> {
        let callers = request.extensions_mut().remove::<OnUpgrade>();
        let mute = |_| {
            Error::new(
                Kind::DeadlineExceeded,
                format!(
                    "{endpoint} took the request and did not answer within {} s",
                    HEAD_TIMEOUT.as_secs()
                ),
            )
        };
        let mut response = timeout(HEAD_TIMEOUT, self.pool.send(endpoint, request))
            .await
            .map_err(mute)??;
        // No other informational answer comes out of a client.
        if response.status().is_informational()
            && let Some(callers) = callers
        {
            let services = hyper::upgrade::on(&mut response);
            self.scope.spawn("upgraded", join(callers, services));
        }
        Ok(response)
    }
}

/// Carries the bytes of an upgraded connection both ways, until either side has closed it.
async fn join(callers: OnUpgrade, services: OnUpgrade) {
    let Ok((caller, service)) = tokio::try_join!(callers, services) else {
        return;
    };
    // Who broke off is known to both ends by their own protocol.
    let _ = copy_bidirectional(&mut TokioIo::new(caller), &mut TokioIo::new(service)).await;
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
