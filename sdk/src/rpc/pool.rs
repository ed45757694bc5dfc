//! Connections by endpoint: an address is what is pooled, never a name, so that replicas behind one name are each reached.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout};

use super::pool_body::ReadToEnd;
use super::{CONNECT_TIMEOUT, IDLE_PER_ENDPOINT, IDLE_TIMEOUT};
use crate::error::{Error, Result};
use crate::lifecycle::Scope;
use crate::resolve::Endpoint;
use crate::transport::{Body, Response};

/// Idle connections. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    idle: Arc<Mutex<HashMap<Endpoint, Vec<Idle>>>>,
    scope: Scope,
}

#[derive(Debug)]
struct Idle {
    sender: SendRequest<Body>,
    since: Instant,
}

impl Pool {
    pub(super) fn new(scope: Scope) -> Self {
        Pool {
            idle: Arc::default(),
            scope,
        }
    }

    /// An idle connection that is still open, the latest used first.
    pub(super) fn take(&self, endpoint: &Endpoint) -> Option<SendRequest<Body>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.get_mut(endpoint)?;
        while let Some(Idle { sender, since }) = kept.pop() {
            if since.elapsed() > IDLE_TIMEOUT {
                // It was the youngest; the rest are older.
                kept.clear();
                return None;
            }
            if sender.is_ready() {
                return Some(sender);
            }
        }
        None
    }

    /// Keeps a connection whose last answer was read to its end.
    pub(super) fn put(&self, endpoint: &Endpoint, sender: SendRequest<Body>) {
        if sender.is_closed() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.entry(endpoint.clone()).or_default();
        if kept.len() < IDLE_PER_ENDPOINT {
            kept.push(Idle {
                sender,
                since: Instant::now(),
            });
        }
    }

    /// A new connection.
    pub(super) async fn connect(&self, endpoint: &Endpoint) -> Result<SendRequest<Body>> {
        let failed = |error: std::io::Error| {
            Error::unavailable(format!("{endpoint} does not take a connection"))
                .with_code("CONNECT_FAILED")
                .with_source(error)
        };
        let late = |_| {
            let millis = CONNECT_TIMEOUT.as_millis();
            Error::unavailable(format!("{endpoint} took no connection within {millis} ms")).with_code("CONNECT_FAILED")
        };
        match endpoint {
            Endpoint::Tcp(address) => {
                let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(address))
                    .await
                    .map_err(late)?
                    .map_err(failed)?;
                stream.set_nodelay(true).map_err(failed)?;
                self.handshake(stream).await
            }
            Endpoint::Unix(path) => {
                let stream = timeout(CONNECT_TIMEOUT, UnixStream::connect(path))
                    .await
                    .map_err(late)?
                    .map_err(failed)?;
                self.handshake(stream).await
            }
        }
    }

    /// Gives the connection back when the answer has been read to its end.
    pub(super) fn pooled(
        &self,
        endpoint: &Endpoint,
        sender: SendRequest<Body>,
        response: http::Response<hyper::body::Incoming>,
    ) -> Response {
        let (pool, endpoint) = (self.clone(), endpoint.clone());
        response.map(|body| Body::new(ReadToEnd::new(body, move || pool.put(&endpoint, sender))))
    }

    async fn handshake<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        stream: S,
    ) -> Result<SendRequest<Body>> {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| {
            Error::unavailable("the connection broke before it was used")
                .with_code("CONNECT_FAILED")
                .with_source(error)
        })?;
        self.scope.spawn("rpc-connection", async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(error = %error, "a connection to a peer ended early");
            }
        });
        Ok(sender)
    }
}
