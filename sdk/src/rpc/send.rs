//! Where a call goes: within this process, over the private network, or by a public way.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{Either, ready};
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use super::attempt::{Errand, read};
use super::client::Client;
use super::dress::{Own, dress};
use super::options::CallOptions;
use super::outside::{Outside, Road};
use super::peer::{Ending, Peer};
use super::pool::Unanswered;
use super::purpose::purpose;
use super::versions::Versions;
use super::{ANSWER_MAX_BYTES, header};
use crate::auth::Purpose;
use crate::error::{Error, Kind, Result};
use crate::policy::HOPS_MAX;
use crate::transport::{Body, Request, Response};

/// What a call waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want<'a> {
    /// The head of the answer; its body streams.
    Head,
    /// The head of the answer of a method that gives a stream.
    Stream(&'a str),
    /// The answer, read whole.
    Whole,
    /// The answer of a method, whose pace is known.
    Method(&'a str),
}

impl Want<'_> {
    /// The answer, read as far as is wanted.
    async fn read(self, response: Response, most: usize) -> Result<Response> {
        match self {
            Want::Head | Want::Stream(_) => Ok(response),
            Want::Whole | Want::Method(_) => read(response, most).await.map_err(Unanswered::into_error),
        }
    }
}

impl Client {
    /// Sends a request where it belongs: to a service of this process, to a replica on the private network, or by a public way. Of a service
    /// with several versions it goes to the caller's own, and on to the next where nobody is there.
    pub(super) fn send<'a>(
        &'a self,
        service: &str,
        request: Request,
        options: &'a CallOptions,
        deadline: Instant,
        want: Want<'a>,
    ) -> impl Future<Output = Result<Response>> + Send + use<'a> {
        // No async fn: it would carry the request twice, its own and the one that it hands on.
        let versions = match self.versions(service) {
            Ok(versions) => versions,
            Err(error) => return Either::Right(ready(Err(error)).boxed()),
        };
        let here = || self.is_here(&versions.main().target.key);
        match versions.only().or_else(|| here().then(|| versions.main())) {
            Some(peer) => Either::Left(self.send_to(peer, request, options, deadline, want)),
            None => Either::Right(self.send_to_one_of(versions, request, options, deadline, want).boxed()),
        }
    }

    async fn send_to_one_of(
        &self,
        versions: &Versions,
        request: Request,
        options: &CallOptions,
        deadline: Instant,
        want: Want<'_>,
    ) -> Result<Response> {
        let (parts, body) = request.into_parts();
        let body = whole(body).await?;
        let mut last = None;
        for version in versions.of(options.sticky.unwrap_or(self.0.sticky), Instant::now()) {
            let again = Request::from_parts(parts.clone(), body.clone().into());
            let mut answered = self.send_to(&version.peer, again, options, deadline, want).await;
            let nobody = version.learn(answered.as_ref().err(), Instant::now());
            if let (Ok(response), Some(name)) = (&mut answered, &version.name)
                && let Ok(name) = HeaderValue::try_from(name)
            {
                response
                    .headers_mut()
                    .insert(HeaderName::from_static(header::VERSION), name);
            }
            if !nobody {
                return answered;
            }
            last = answered.err();
        }
        Err(last.unwrap_or_else(|| Error::unavailable("no version of the service has a weight")))
    }

    async fn send_to(
        &self,
        peer: &Arc<Peer>,
        mut request: Request,
        options: &CallOptions,
        deadline: Instant,
        want: Want<'_>,
    ) -> Result<Response> {
        let begun = Instant::now();
        if options.hops >= HOPS_MAX {
            return Err(Error::new(
                Kind::Unprocessable,
                format!(
                    "the call to {} is {HOPS_MAX} calls deep: services are calling each other in a ring",
                    peer.target.key
                ),
            )
            .with_code("TOO_MANY_HOPS"));
        }
        let own = Own {
            names: &self.0.own,
            minter: self.0.options.minter.as_ref(),
            purpose: match want {
                Want::Method(method) | Want::Stream(method) => Purpose::Method(method),
                Want::Head | Want::Whole => purpose(request.method(), request.uri().path()),
            },
        };
        dress(request.headers_mut(), &own, &peer.target, options, deadline)?;
        let answered = match self.0.options.switchboard.get(&peer.target.key) {
            Some(handler) => {
                let most = answer_max(options);
                let here = async { want.read(handler.answer(request).await, most).await };
                timeout_at(deadline, here)
                    .await
                    .unwrap_or_else(|_| Err(late(&peer.target.key, begun)))
            }
            None => self.send_over_network(peer, request, options, deadline, want).await,
        };
        let ending = match &answered {
            Ok(response) => Ending::of_status(response.status()),
            Err(error) => Ending::of_error(error),
        };
        peer.figures.end(ending, begun.elapsed());
        answered
    }

    async fn send_over_network(
        &self,
        peer: &Arc<Peer>,
        request: Request,
        options: &CallOptions,
        deadline: Instant,
        want: Want<'_>,
    ) -> Result<Response> {
        let (parts, body) = request.into_parts();
        let body = whole(body).await?;
        let most = answer_max(options);
        let repeatable = options.idempotent || options.idempotency_key.is_some() || parts.method.is_safe();
        if let Some(outside) = &self.0.options.outside
            && let Some(road) = peer.ways.outside()
        {
            self.look_inside(peer);
            let response = Box::pin(travel(outside, peer, road, &parts, &body, repeatable, deadline)).await?;
            return want.read(response, most).await;
        }
        let again = self
            .0
            .options
            .outside
            .as_ref()
            .map(|outside| (outside, parts.clone(), body.clone()));
        let errand = Errand {
            peer,
            pool: &self.0.pool,
            parts,
            body,
            whole: matches!(want, Want::Whole | Want::Method(_)).then_some(most),
            repeatable,
            repeated: options.repeated,
            hedge: options.hedge,
            patient: options.wait_for_ready,
            pace: match want {
                Want::Method(method) if repeatable => peer.pace(method),
                _ => None,
            },
            deadline,
        };
        let error = match errand.run().await {
            Ok(response) => {
                peer.ways.inside_served();
                return Ok(response);
            }
            Err(error) => error,
        };
        let Some((outside, parts, body)) = again else {
            return Err(error);
        };
        let Some(road) = peer.ways.inside_failed(&error, Instant::now()) else {
            return Err(error);
        };
        tracing::warn!(peer = peer.target.key, way = road.url, error = %error, "calls take a public way");
        let response = Box::pin(travel(outside, peer, road, &parts, &body, repeatable, deadline)).await?;
        want.read(response, most).await
    }

    /// Looks in the background whether the private network is well again, where that is due.
    fn look_inside(&self, peer: &Arc<Peer>) {
        if !peer.ways.look(Instant::now()) {
            return;
        }
        let (peer, pool) = (Arc::clone(peer), self.0.pool.clone());
        self.0.options.scope.spawn_background("look-inside", async move {
            let well = pool.probe(&peer, Instant::now() + LOOK_TIMEOUT).await;
            peer.ways.looked(well, Instant::now());
        });
    }
}

/// A request's body, to be sent as often as it takes.
async fn whole(body: Body) -> Result<Bytes> {
    let read = body.collect().await;
    let read = read.map_err(|error| Error::invalid("the request's body broke off").with_source(error))?;
    Ok(read.to_bytes())
}

fn answer_max(options: &CallOptions) -> usize {
    options.answer_max_bytes.unwrap_or(ANSWER_MAX_BYTES)
}

/// Longest that a look at the private network may take: a question to DNS and one to the service.
const LOOK_TIMEOUT: Duration = Duration::from_secs(3);

/// Takes the public ways, from one on, until one of them leads somewhere.
async fn travel(
    outside: &Outside,
    peer: &Peer,
    first: &Road,
    parts: &Parts,
    body: &Bytes,
    repeatable: bool,
    deadline: Instant,
) -> Result<Response> {
    let mut road = first;
    loop {
        match outside.send(peer, road, parts, body, repeatable, deadline).await {
            // Whoever never took it did nothing of it.
            Err(error) if error.code() == "CONNECT_FAILED" => match peer.ways.outside_failed(road, Instant::now()) {
                Some(next) => road = next,
                None => {
                    return Err(Error::unavailable(format!(
                        "{} cannot be reached: nobody is there as {}:{}, and by the public ways neither: {}",
                        peer.target.key,
                        peer.target.host,
                        peer.target.port,
                        error.chain()
                    ))
                    .with_code("SERVICE_UNREACHABLE"));
                }
            },
            answered => return answered,
        }
    }
}

fn late(service: &str, begun: Instant) -> Error {
    Error::new(
        Kind::DeadlineExceeded,
        format!("{service} did not answer within {} ms", begun.elapsed().as_millis()),
    )
}
