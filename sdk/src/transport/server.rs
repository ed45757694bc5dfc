use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::listener::Accepted;
use super::{Body, Bound, Handler, Listener, Request};
use crate::error::Result;
use crate::lifecycle::Scope;

/// What a connection may take.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Connections at once; the next ones wait in the kernel's backlog.
    pub connections_max: usize,
    /// Longest wait for a whole request head, which is also how long an idle connection is kept.
    pub head_timeout: Duration,
    /// Bytes that are buffered of a connection; a head must fit.
    pub buffer_max_bytes: usize,
}

impl Default for ConnectionLimits {
    /// 10,000 connections, as the platform's edge opens at most; 75 s, longer than the minute for which proxies keep idle
    /// connections to reuse (`research`: nginx 75 s); 64 KiB, twice what any real request head needs.
    fn default() -> Self {
        ConnectionLimits {
            connections_max: 10_000,
            head_timeout: Duration::from_secs(75),
            buffer_max_bytes: 64 * 1024,
        }
    }
}

/// The peer of a connection, as an extension of its requests; absent on unix sockets and in process.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// A listener that is being served.
#[derive(Debug)]
pub struct Server {
    bound: Bound,
    scope: Scope,
    accepting: CancellationToken,
    draining: CancellationToken,
}

/// How long to wait after the system refused a connection, such as for want of file descriptors: it will not be better at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

impl Server {
    /// Serves a listener until [`Server::drain`] or the end of `scope`.
    ///
    /// # Errors
    /// Where the listener does not know its address.
    pub fn start(scope: &Scope, listener: Listener, handler: Handler, limits: ConnectionLimits) -> Result<Self> {
        let bound = listener.bound()?;
        let scope = scope.child("server");
        let accepting = scope.token().child_token();
        let draining = CancellationToken::new();
        let accept = accept_loop(
            listener,
            handler,
            limits,
            scope.clone(),
            accepting.clone(),
            draining.clone(),
        );
        scope.spawn("accept", accept);
        Ok(Server {
            bound,
            scope,
            accepting,
            draining,
        })
    }

    /// Where it listens.
    pub fn bound(&self) -> &Bound {
        &self.bound
    }

    /// Stops accepting, lets requests in flight finish for up to `grace`, and closes. Gives how many connections were cut.
    pub async fn drain(&self, grace: Duration) -> usize {
        self.accepting.cancel();
        self.draining.cancel();
        let _ = tokio::time::timeout(grace, self.scope.idle()).await;
        self.scope.stop(Duration::ZERO).await.len()
    }
}

async fn accept_loop(
    listener: Listener,
    handler: Handler,
    limits: ConnectionLimits,
    scope: Scope,
    accepting: CancellationToken,
    draining: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(limits.connections_max));
    loop {
        let accepted = tokio::select! {
            biased;
            () = accepting.cancelled() => return,
            accepted = async {
                let place = Arc::clone(&room).acquire_owned().await;
                (listener.accept().await, place)
            } => accepted,
        };
        let (accepted, place) = match accepted {
            (Ok(accepted), Ok(place)) => (accepted, place),
            (Err(error), _) => {
                tracing::warn!(error = %error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
            // The semaphore is never closed.
            (_, Err(_)) => return,
        };
        let (handler, draining) = (handler.clone(), draining.clone());
        scope.spawn("connection", async move {
            match accepted {
                Accepted::Tcp(stream, peer) => serve(stream, Some(peer), handler, limits, draining).await,
                Accepted::Unix(stream) => serve(stream, None, handler, limits, draining).await,
            }
            drop(place);
        });
    }
}

async fn serve<I: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: I,
    peer: Option<SocketAddr>,
    handler: Handler,
    limits: ConnectionLimits,
    draining: CancellationToken,
) {
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let mut request: Request = request.map(Body::new);
        if let Some(peer) = peer {
            request.extensions_mut().insert(Peer(peer));
        }
        let answer = handler.answer(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(limits.buffer_max_bytes)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = draining.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        // Peers hang up all the time; that is theirs to tell.
        tracing::debug!(error = %error, "a connection ended early");
    }
}
