//! The public ways to a service: HTTPS through an edge, for when the private network has nobody to ask.

use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderMap};
use http::request::Parts;
use tokio::time::{Instant, timeout_at};

use super::classify::is_from_edge;
use super::header;
use super::peer::Peer;
use crate::config::{Environment, Fallback};
use crate::error::{Error, Kind, Result};
use crate::policy::Reach;
use crate::registry::{Registry, Way};
use crate::transport::{Body, Response};

/// What calls by a public way are made with.
#[derive(Clone, Debug)]
pub struct Outside {
    /// The client of the public network: TLS, no proxy, no redirects.
    pub http: reqwest::Client,
    /// The ways, in order.
    pub ways: Vec<Fallback>,
    /// Whose public names are used.
    pub environment: Environment,
    /// Where they may lead. The client looks at what names resolve to; an address that stands in a URL is looked at here.
    pub reach: Reach,
}

/// A public way to one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Road {
    pub(super) way: Way,
    pub(super) url: String,
}

impl Outside {
    /// The public ways to a service, in order, each URL once.
    pub(super) fn roads(&self, registry: &Registry, key: &str) -> Vec<Road> {
        let mut roads: Vec<Road> = Vec::new();
        for way in &self.ways {
            let way = match way {
                Fallback::Railway => Way::Railway,
                Fallback::Cloudflare => Way::Cloudflare,
            };
            let url = registry.url(key, self.environment, way).unwrap_or_default();
            if !url.is_empty() && roads.iter().all(|road| road.url != url) {
                roads.push(Road { way, url });
            }
        }
        roads
    }

    /// Sends a request by a way, and once more where a sleeping service is being woken and that does no harm.
    pub(super) async fn send(
        &self,
        peer: &Peer,
        road: &Road,
        parts: &Parts,
        body: &Bytes,
        repeatable: bool,
        deadline: Instant,
    ) -> Result<Response> {
        let answered = self.once(peer, road, parts, body, deadline).await?;
        let waking = is_from_edge(answered.status()) && repeatable;
        if waking && Instant::now() + WAKE < deadline && peer.may_retry() {
            tokio::time::sleep(WAKE).await;
            return self.once(peer, road, parts, body, deadline).await;
        }
        Ok(answered)
    }

    async fn once(&self, peer: &Peer, road: &Road, parts: &Parts, body: &Bytes, deadline: Instant) -> Result<Response> {
        let key = &peer.target.key;
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = self
            .http
            .request(parts.method.clone(), format!("{}{path}", road.url))
            .headers(public(&parts.headers))
            .body(body.clone())
            .build()
            .map_err(|error| Error::internal(format!("{} of {key} is no URL", road.url)).with_source(error))?;
        self.reach.check_url(request.url())?;
        *request.timeout_mut() = Some(deadline.saturating_duration_since(Instant::now()));
        match timeout_at(deadline, self.http.execute(request)).await {
            Ok(Ok(response)) => {
                let response: http::Response<reqwest::Body> = response.into();
                Ok(response.map(Body::new))
            }
            Ok(Err(error)) if error.is_connect() => Err(Error::unavailable(format!("{} cannot be reached", road.url))
                .with_code("CONNECT_FAILED")
                .with_source(error)),
            Ok(Err(error)) if !error.is_timeout() => Err(Error::new(
                Kind::BadGateway,
                format!("the connection to {} broke while it was being asked", road.url),
            )
            .with_code("CONNECTION_BROKEN")
            .with_source(error)),
            Ok(Err(_)) | Err(_) => Err(Error::new(
                Kind::DeadlineExceeded,
                format!("{} did not answer in time", road.url),
            )),
        }
    }
}

/// Before a sleeping service is asked again: its first request may be answered with 502 by the edge while it starts.
const WAKE: Duration = Duration::from_millis(500);

/// The headers that leave the private network: what says who calls by name alone is believed inside only, and stays there.
fn public(headers: &HeaderMap) -> HeaderMap {
    let inside = [header::SERVICE_NAME, header::SERVICE_ROLE];
    let mut public = headers.clone();
    for name in inside {
        public.remove(name);
    }
    // The way's own, from its URL.
    public.remove(HOST);
    public
}
