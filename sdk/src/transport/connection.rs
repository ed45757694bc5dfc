use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use super::lifetime::{Lifetime, tell_the_end};
use super::server::{DRAINING, Ending, Front, TurnedAway};
use super::wall::{Post, Wall};
use super::{Body, ConnectionLimits, Handler, Peer, Request};
use crate::policy::jitter;

/// What every connection of a server is served with.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) handler: Handler,
    pub(super) front: Front,
    pub(super) limits: ConnectionLimits,
    pub(super) ending: Ending,
}

/// Answers the requests of a connection until it ends.
pub(super) async fn serve<I: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: I,
    peer: Option<SocketAddr>,
    service: Service,
) {
    let Service {
        handler,
        front,
        limits,
        ending: Ending { retiring, draining },
    } = service;
    let post = Arc::new(Post::default());
    let wall = Wall::new(stream, limits, Arc::clone(&post));
    let lifetime = Mutex::new(Lifetime::begin(&limits, jitter()));
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let last = lifetime.lock().unwrap_or_else(PoisonError::into_inner).ends_with_this();
        let answer = match post.next() {
            Some(refusal) => {
                (front.report)(TurnedAway::Request(refusal, peer.map(|peer| peer.ip())));
                Err((front.refuse)(refusal))
            }
            None => {
                let mut request: Request = request.map(Body::new);
                if let Some(peer) = peer {
                    request.extensions_mut().insert(Peer(peer));
                }
                Ok(handler.answer(request))
            }
        };
        let (retiring, post) = (retiring.clone(), Arc::clone(&post));
        async move {
            let (mut response, last) = match answer {
                Ok(answer) => (answer.await, last),
                Err(refused) => (refused, true),
            };
            // What becomes of an upgraded connection is its own affair.
            if response.status().is_informational() {
                post.step_aside();
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
        .header_read_timeout(limits.idle_timeout)
        .max_buf_size(limits.buffer_max_bytes)
        .serve_connection(TokioIo::new(wall), service)
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
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    const MINUTE: Duration = Duration::from_secs(60);

    /// A connection to a server that answers everything, driven beside what the test does with it.
    async fn with_connection<Out>(limits: ConnectionLimits, test: impl AsyncFnOnce(DuplexStream) -> Out) -> Out {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let handler = Handler::new(|_| Box::pin(async { http::Response::new(Body::from("ok")) }));
        let service = Service {
            handler,
            front: Front::new(|_| http::Response::new(Body::from("refused"))),
            limits,
            ending: Ending::default(),
        };
        let served = serve(theirs, None, service);
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
            idle_timeout: MINUTE * 60,
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
