use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio::time::timeout;

use super::dial::Sockets;
use super::header;
use super::pool::{Pool, Unanswered};
use crate::error::{Error, Kind, Result};
use crate::lifecycle::Scope;
use crate::policy::Dice;
use crate::resolve::Endpoint;
use crate::transport::{Peer, Request, Response};

/// Longest wait for the head of an answer: past the longest deadline of a call, so that only a process that is mute meets it.
const HEAD_TIMEOUT: Duration = Duration::from_secs(35);

/// How much later than its caller's deadline an answer may be: the service's own word of it is better than ours.
const LATE: Duration = Duration::from_millis(250);

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
            pool: Pool::new(Arc::new(Sockets::default()), Dice::seeded(), scope.clone()),
            scope,
        }
    }

    /// Passes a request on and gives the answer as it comes.
    ///
    /// # Errors
    /// `UNAVAILABLE` where the process cannot be reached, `BAD_GATEWAY` where it broke off, `DEADLINE_EXCEEDED` where it is mute.
    pub async fn forward(&self, endpoint: &Endpoint, mut request: Request) -> Result<Response> {
        let callers = request.extensions_mut().remove::<OnUpgrade>();
        name_client(&mut request);
        let patience = patience(request.headers());
        let mute = |_| {
            Error::new(
                Kind::DeadlineExceeded,
                format!(
                    "{endpoint} took the request and did not answer within {} ms",
                    patience.as_millis()
                ),
            )
        };
        let mut response = timeout(patience, self.pool.send(endpoint, request))
            .await
            .map_err(mute)?
            .map_err(Unanswered::into_error)?;
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

/// Says who is connected here, in the place of whatever the caller said of it.
fn name_client(request: &mut Request) {
    let peer = request
        .extensions()
        .get::<Peer>()
        .map(|Peer(peer)| peer.ip().to_string());
    let headers = request.headers_mut();
    headers.remove(header::CLIENT);
    if let Some(Ok(address)) = peer.map(HeaderValue::try_from) {
        headers.insert(header::CLIENT, address);
    }
}

/// How long the head of an answer is waited for: what the caller has, where it says so, and a moment for the answer to say that it is over.
fn patience(headers: &HeaderMap) -> Duration {
    let callers = headers
        .get(header::TIMEOUT)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map(|millis| Duration::from_millis(millis).saturating_add(LATE));
    callers.unwrap_or(HEAD_TIMEOUT).min(HEAD_TIMEOUT)
}

/// Carries the bytes of an upgraded connection both ways, until either side has closed it.
async fn join(callers: OnUpgrade, services: OnUpgrade) {
    let Ok((caller, service)) = tokio::try_join!(callers, services) else {
        return;
    };
    // Who broke off is known to both ends by their own protocol.
    let _ = copy_bidirectional(&mut TokioIo::new(caller), &mut TokioIo::new(service)).await;
}
