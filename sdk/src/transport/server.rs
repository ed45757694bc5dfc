use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::lifetime::{Lifetime, tell_the_end};
use super::listener::Accepted;
use super::{Body, Bound, Handler, Listener, Request};
use crate::error::Result;
use crate::lifecycle::Scope;
use crate::policy::jitter;

/// What a connection may take.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Connections at once; the next ones wait in the kernel's backlog.
    pub connections_max: usize,
    /// Longest wait for a whole request head, which is also how long an idle connection is kept.
    pub head_timeout: Duration,
    /// Bytes that are buffered of a connection; a head must fit.
    pub buffer_max_bytes: usize,
    /// How long a connection is used, a tenth more or less at random; then it ends with the next answer.
    pub age_max: Duration,
    /// Requests that one connection brings at most.
    pub requests_max: u32,
}

impl Default for ConnectionLimits {
    /// 10,000 connections, as the platform's edge opens at most; 75 s, longer than the minute for which proxies keep idle
    /// connections to reuse (nginx: 75 s); 64 KiB, twice what any real request head needs; 10 min, so that a new replica has its share
    /// soon and the cost of connecting is nowhere to be seen (what gRPC's users set as `MAX_CONNECTION_AGE`, with its tenth of jitter);
    /// 10,000 requests, as the platform's edge sends at most over one.
    fn default() -> Self {
        ConnectionLimits {
            connections_max: 10_000,
            head_timeout: Duration::from_secs(75),
            buffer_max_bytes: 64 * 1024,
            age_max: Duration::from_secs(600),
            requests_max: 10_000,
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
    ending: Ending,
}

/// Says with an answer that the process which gave it is about to end: whoever has others to ask, asks them.
pub const DRAINING: &str = "x-syscall-draining";

/// How far a server has come on its way out.
#[derive(Clone, Debug, Default)]
struct Ending {
    retiring: CancellationToken,
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
        let ending = Ending::default();
        let accept = accept_loop(
            listener,
            handler,
            limits,
            scope.clone(),
            accepting.clone(),
            ending.clone(),
        );
        scope.spawn("accept", accept);
        Ok(Server {
            bound,
            scope,
            accepting,
            ending,
        })
    }

    /// Where it listens.
    pub fn bound(&self) -> &Bound {
        &self.bound
    }

    /// Goes on serving, and says with every answer that its connection ends (RFC 9112, section 9.6): callers learn that they should go
    /// elsewhere while they still can, rather than from a connection that closes under a request of theirs.
    pub fn retire(&self) {
        self.ending.retiring.cancel();
    }

    /// Stops accepting, lets requests in flight finish for up to `grace`, and closes. Gives how many connections were cut.
    pub async fn drain(&self, grace: Duration) -> usize {
        self.accepting.cancel();
        self.ending.draining.cancel();
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
    ending: Ending,
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
        let (handler, ending) = (handler.clone(), ending.clone());
        scope.spawn("connection", async move {
            match accepted {
                Accepted::Tcp(stream, peer) => serve(stream, Some(peer), handler, limits, ending).await,
                Accepted::Unix(stream) => serve(stream, None, handler, limits, ending).await,
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
    ending: Ending,
) {
    let Ending { retiring, draining } = ending;
    let lifetime = Mutex::new(Lifetime::begin(&limits, jitter()));
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let last = lifetime.lock().unwrap_or_else(PoisonError::into_inner).ends_with_this();
        let mut request: Request = request.map(Body::new);
        if let Some(peer) = peer {
            request.extensions_mut().insert(Peer(peer));
        }
        let (answer, retiring) = (handler.answer(request), retiring.clone());
        async move {
            let mut response = answer.await;
            // What became of an upgraded connection is its own affair.
            if response.status().is_informational() {
                return Ok(response);
            }
            let retiring = retiring.is_cancelled();
            if retiring {
                response.headers_mut().insert(DRAINING, HeaderValue::from_static("1"));
            }
            if last || retiring {
                tell_the_end(&mut response);
            }
            Ok::<_, Infallible>(response)
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    const MINUTE: Duration = Duration::from_secs(60);

    /// A connection to a server that answers everything, driven beside what the test does with it.
    async fn with_connection<Out>(limits: ConnectionLimits, test: impl AsyncFnOnce(DuplexStream) -> Out) -> Out {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let handler = Handler::new(|_| Box::pin(async { http::Response::new(Body::from("ok")) }));
        let served = serve(theirs, None, handler, limits, Ending::default());
        tokio::join!(served, test(ours)).1
    }

    /// Sends a request and gives whether its answer, or the end of the connection in its place, says that it was the last.
    async fn is_last(connection: &mut DuplexStream) -> bool {
        connection
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\nok") {
            let mut piece = [0; 1024];
            let read = connection.read(&mut piece).await.unwrap();
            assert!(read > 0, "the connection ended before its answer");
            answer.extend_from_slice(&piece[..read]);
        }
        String::from_utf8(answer).unwrap().contains("connection: close\r\n")
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_always_used_ends_after_ten_minutes_or_so_with_an_answer_that_says_it() {
        with_connection(ConnectionLimits::default(), async |mut connection| {
            let begun = tokio::time::Instant::now();
            while !is_last(&mut connection).await {
                tokio::time::sleep(MINUTE / 4).await;
            }
            let age = begun.elapsed();
            assert!((MINUTE * 9..=MINUTE * 11 + MINUTE / 4).contains(&age), "{age:?}");
            assert_eq!(
                connection.read(&mut [0; 1]).await.unwrap(),
                0,
                "it is closed after that answer"
            );
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_not_closed_under_its_next_request_because_of_its_age() {
        let limits = ConnectionLimits {
            head_timeout: MINUTE * 60,
            ..ConnectionLimits::default()
        };
        with_connection(limits, async |mut connection| {
            assert!(!is_last(&mut connection).await);
            tokio::time::sleep(MINUTE * 30).await;
            assert!(
                is_last(&mut connection).await,
                "it is answered, and told that it was the last"
            );
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_ends_after_its_last_request() {
        let limits = ConnectionLimits {
            requests_max: 3,
            ..ConnectionLimits::default()
        };
        with_connection(limits, async |mut connection| {
            let mut answers = Vec::new();
            for _ in 0..3 {
                answers.push(is_last(&mut connection).await);
            }
            assert_eq!(answers, [false, false, true]);
        })
        .await;
    }
}
