//! Connections by endpoint: an address is what is pooled, never a name, so that replicas behind one name are each reached.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::classify::of_silence;
use super::dial::Dial;
use super::peer::{Peer, Verdict};
use super::pool_body::ReadToEnd;
use super::{CONNECT_TIMEOUT, IDLE_PER_ENDPOINT, IDLE_TIMEOUT};
use crate::error::{Error, Kind, Result};
use crate::lifecycle::Scope;
use crate::policy::Dice;
use crate::resolve::Endpoint;
use crate::transport::{Body, Request, Response};

/// How old a connection grows, spread by a fifth: shorter than a server's own bound, so that replicas that join get their share of those
/// who keep their connections (gRPC users set a maximum connection age for the same reason).
const AGE_MAX: Duration = Duration::from_secs(300);
const AGE_SPREAD: f64 = 0.2;

/// Idle connections. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    kept: Arc<Mutex<Kept>>,
    dial: Arc<dyn Dial>,
    dice: Dice,
    scope: Scope,
}

#[derive(Debug, Default)]
struct Kept {
    idle: HashMap<Endpoint, Vec<Idle>>,
    /// Whether a task closes what is idle for too long; there is one while there is anything to close.
    swept: bool,
}

#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Instant,
}

/// An open connection and when it is too old to be used again.
#[derive(Debug)]
struct Connection {
    sender: SendRequest<Body>,
    retires: Instant,
}

/// Why a request has no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// Nothing of it left this process.
    Unsent(Error),
    /// It was sent, and what became of it is not known.
    Doubtful(Error),
    /// It was answered, with what cannot be read; asking again gives the same.
    Unreadable(Error),
}

impl Unanswered {
    pub(super) fn error(&self) -> &Error {
        match self {
            Unanswered::Unsent(error) | Unanswered::Doubtful(error) | Unanswered::Unreadable(error) => error,
        }
    }

    pub(super) fn into_error(self) -> Error {
        match self {
            Unanswered::Unsent(error) | Unanswered::Doubtful(error) | Unanswered::Unreadable(error) => error,
        }
    }
}

impl Pool {
    pub(super) fn new(dial: Arc<dyn Dial>, dice: Dice, scope: Scope) -> Self {
        Pool {
            kept: Arc::default(),
            dial,
            dice,
            scope,
        }
    }

    /// Sends a request over an idle connection or a new one; a connection that closed before the request was written is passed over.
    /// Cancel-safe: the connection of a request that is dropped is closed, which the peer takes for its caller's hanging up.
    pub(super) async fn send(&self, endpoint: &Endpoint, mut request: Request) -> Result<Response, Unanswered> {
        while let Some(mut connection) = self.take(endpoint) {
            match connection.sender.try_send_request(request).await {
                Ok(response) => return Ok(self.pooled(endpoint, connection, response)),
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(Unanswered::Doubtful(broken(endpoint, error.into_error()))),
                },
            }
        }
        let mut connection = Box::pin(self.connect(endpoint)).await.map_err(Unanswered::Unsent)?;
        match connection.sender.try_send_request(request).await {
            Ok(response) => Ok(self.pooled(endpoint, connection, response)),
            Err(mut error) => {
                let unsent = error.take_message().is_some();
                let error = broken(endpoint, error.into_error());
                Err(if unsent {
                    Unanswered::Unsent(error)
                } else {
                    Unanswered::Doubtful(error)
                })
            }
        }
    }

    /// Whether a peer's probe is answered well by one of its addresses.
    pub(super) async fn probe(&self, peer: &Arc<Peer>, deadline: Instant) -> bool {
        let ask = async {
            let ticket = peer.admit(&[], true, false, deadline).await.ok()?;
            let mut request = Request::new(Body::empty());
            *request.uri_mut() = http::Uri::from_static("/healthz");
            request
                .headers_mut()
                .insert(http::header::HOST, peer.target.authority.clone());
            let answered = self.send(ticket.endpoint(), request).await;
            let well = answered.as_ref().is_ok_and(|response| response.status().is_success());
            ticket.settle(match &answered {
                Ok(_) if well => Verdict::Success,
                Ok(_) => Verdict::Failure,
                Err(unanswered) => of_silence(unanswered).0,
            });
            well.then_some(())
        };
        timeout_at(deadline, ask).await.is_ok_and(|well| well.is_some())
    }

    /// Closes what is idle to an endpoint.
    pub(super) fn forget(&self, endpoint: &Endpoint) {
        self.kept().idle.remove(endpoint);
    }

    /// An idle connection that is still open, the latest used first.
    fn take(&self, endpoint: &Endpoint) -> Option<Connection> {
        let mut kept = self.kept();
        let idle = kept.idle.get_mut(endpoint)?;
        let now = Instant::now();
        while let Some(Idle { connection, since }) = idle.pop() {
            if now > since + IDLE_TIMEOUT {
                // It was the youngest; the rest are older.
                idle.clear();
                return None;
            }
            if now < connection.retires && connection.sender.is_ready() {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps a connection whose last answer was read to its end.
    fn put(&self, endpoint: &Endpoint, connection: Connection) {
        let now = Instant::now();
        if connection.sender.is_closed() || now >= connection.retires || self.scope.is_cancelled() {
            return;
        }
        let mut kept = self.kept();
        let idle = kept.idle.entry(endpoint.clone()).or_default();
        if idle.len() < IDLE_PER_ENDPOINT {
            idle.push(Idle { connection, since: now });
        }
        if !std::mem::replace(&mut kept.swept, true) {
            self.scope.spawn_background("rpc-idle", self.clone().sweep());
        }
    }

    /// Closes idle connections when their time has come, until there are none: who calls nobody holds nothing and has no timer.
    async fn sweep(self) {
        loop {
            let next = {
                let mut kept = self.kept();
                let now = Instant::now();
                kept.idle.retain(|_, idle| {
                    idle.retain(|idle| now < idle.since + IDLE_TIMEOUT && !idle.connection.sender.is_closed());
                    !idle.is_empty()
                });
                let oldest = kept.idle.values().flatten().map(|idle| idle.since).min();
                match oldest {
                    Some(since) => since + IDLE_TIMEOUT,
                    None => {
                        kept.swept = false;
                        return;
                    }
                }
            };
            sleep_until(next).await;
        }
    }

    /// A new connection.
    async fn connect(&self, endpoint: &Endpoint) -> Result<Connection> {
        let failed = |why: &dyn std::fmt::Display| {
            Error::unavailable(format!("{endpoint} does not take a connection: {why}")).with_code("CONNECT_FAILED")
        };
        let stream = timeout(CONNECT_TIMEOUT, self.dial.dial(endpoint))
            .await
            .map_err(|_| failed(&format_args!("none within {} ms", CONNECT_TIMEOUT.as_millis())))?
            .map_err(|error| failed(&error).with_source(error))?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failed(&error).with_source(error))?;
        self.scope.spawn("rpc-connection", async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(error = %error, "a connection to a peer ended early");
            }
        });
        let age = AGE_MAX.mul_f64(1.0 - AGE_SPREAD + 2.0 * AGE_SPREAD * self.dice.unit());
        Ok(Connection {
            sender,
            retires: Instant::now() + age,
        })
    }

    /// Gives the connection back when the answer has been read to its end.
    fn pooled(
        &self,
        endpoint: &Endpoint,
        connection: Connection,
        response: http::Response<hyper::body::Incoming>,
    ) -> Response {
        let (pool, endpoint) = (self.clone(), endpoint.clone());
        response.map(|body| Body::new(ReadToEnd::new(body, move || pool.put(&endpoint, connection))))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
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
