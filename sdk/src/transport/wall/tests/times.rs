use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::super::PaceLimits;
use super::super::pace::Pace;
use super::{Seen, limits, paused, recorder, through};
use crate::transport::connection::{Service, serve};
use crate::transport::{Body, ConnectionLimits, Front, Handler};

#[tokio::test(start_paused = true)]
async fn requests_before_a_refused_one_are_answered_and_those_behind_it_are_not_handled() {
    let stream = b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\nHost: x\r\n\r\n";
    let (seen, answer) = through(&[stream], limits()).await;
    assert_eq!(seen, [("/1".to_owned(), Some(Vec::new()))]);
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    assert!(answer.ends_with("BAD_HOST"), "{answer}");
}

/// Asks for the time until a connection to which `bytes` were sent is closed, and what was answered.
async fn closed_after(bytes: &[u8], limits: ConnectionLimits) -> (Duration, String) {
    let begun = tokio::time::Instant::now();
    let (_, answer) = through(&[bytes], limits).await;
    (begun.elapsed(), answer)
}

fn about(took: Duration, seconds: u64) -> bool {
    let wanted = Duration::from_secs(seconds);
    (wanted..wanted + Duration::from_millis(1_100)).contains(&took)
}

#[tokio::test(start_paused = true)]
async fn whoever_is_silent_half_or_idle_is_closed_in_its_time() {
    let (took, answer) = closed_after(b"", limits()).await;
    assert!(about(took, 10) && answer.is_empty(), "silent: {took:?} {answer}");
    let (took, answer) = closed_after(b"GET / HTTP/1.1\r\nHost: x\r\nX-", limits()).await;
    assert!(
        about(took, 30) && answer.ends_with("REQUEST_TIMEOUT"),
        "half a head: {took:?}"
    );
    let (took, answer) = closed_after(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", limits()).await;
    assert!(about(took, 75) && answer.ends_with("ok"), "idle: {took:?}");
    for preface in [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), b"PRI * HT"] {
        let (took, answer) = closed_after(preface, limits()).await;
        assert!(about(took, 0) && answer.ends_with("HTTP_VERSION"), "{took:?} {answer}");
    }
    let edge = ConnectionLimits::behind(crate::config::TrustEdge::Railway);
    let (took, _) = closed_after(b"", edge).await;
    assert!(about(took, 75), "an edge opens connections ahead of need: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_drips_or_stands_still_breaks_off() {
    let head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";
    let (took, _) = closed_after(head, limits()).await;
    assert!(about(took, 5), "nothing of it: {took:?}");

    let (mut ours, theirs) = tokio::io::duplex(64 * 1024);
    let seen = Seen::default();
    let service = Service {
        handler: recorder(&seen),
        front: Front::new(|_| http::Response::new(Body::empty())),
        limits: limits(),
        ending: Default::default(),
    };
    let drip = async {
        ours.write_all(head).await.unwrap();
        let begun = tokio::time::Instant::now();
        // Two hundred bytes a second are fewer than two hundred and forty.
        while ours.write_all(&[b'a'; 20]).await.is_ok() && begun.elapsed() < Duration::from_secs(60) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        begun.elapsed()
    };
    let ((), took) = tokio::join!(serve(theirs, None, service), drip);
    assert!((4..8).contains(&took.as_secs()), "{took:?}");
    assert_eq!(*seen.lock().unwrap(), [("/".to_owned(), None)]);
}

/// Serves an answer that never ends to who reads as `read` does, and gives how long it lasted.
async fn reader(read: impl AsyncFnOnce(DuplexStream)) -> Duration {
    let (mut ours, theirs) = tokio::io::duplex(4 * 1024);
    let endless = || futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'a'; 64 * 1024]));
    let service = Service {
        handler: Handler::new(move |_| Box::pin(async move { http::Response::new(Body::from_stream(endless())) })),
        front: Front::new(|_| http::Response::new(Body::empty())),
        limits: limits(),
        ending: Default::default(),
    };
    ours.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let begun = tokio::time::Instant::now();
    let serving = async {
        serve(theirs, None, service).await;
        begun.elapsed()
    };
    tokio::select! {
        took = serving => took,
        () = async {
            read(ours).await;
            std::future::pending().await
        } => unreachable!(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_does_not_read_or_drips_is_left() {
    let took = reader(async |ours| {
        let _held = ours;
        std::future::pending::<()>().await;
    })
    .await;
    assert!(about(took, 30), "{took:?}");
    let took = reader(async |mut ours| {
        while ours.read(&mut [0; 10]).await.is_ok_and(|read| read > 0) {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
    .await;
    assert!((30..75).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_pauses_and_goes_on_is_waited_for() {
    let rounds = 20;
    let done = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&done);
    let took = reader(async move |mut ours| {
        for _ in 0..rounds {
            tokio::time::sleep(Duration::from_secs(20)).await;
            for _ in 0..400 {
                if ours.read(&mut [0; 4 * 1024]).await.is_ok_and(|read| read > 0) {
                    *counted.lock().unwrap() += 1;
                }
            }
        }
        drop(ours);
    })
    .await;
    assert_eq!(*done.lock().unwrap(), rounds * 400, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_upgraded_is_not_looked_at_any_more() {
    let (mut ours, theirs) = tokio::io::duplex(64 * 1024);
    let scope = crate::lifecycle::Scope::new("test", tracing::Span::none());
    let owner = scope.clone();
    let handler = Handler::new(move |mut request| {
        let upgrade = hyper::upgrade::on(&mut request);
        owner.spawn_graceful("echo", async move {
            let mut io = hyper_util::rt::TokioIo::new(upgrade.await.unwrap());
            let mut bytes = [0; 4];
            io.read_exact(&mut bytes).await.unwrap();
            io.write_all(&bytes).await.unwrap();
            io.shutdown().await.unwrap();
        });
        Box::pin(async move {
            let mut response = http::Response::new(Body::empty());
            *response.status_mut() = http::StatusCode::SWITCHING_PROTOCOLS;
            response
                .headers_mut()
                .insert("upgrade", http::HeaderValue::from_static("test"));
            response
        })
    });
    let service = Service {
        handler,
        front: Front::new(|_| http::Response::new(Body::empty())),
        limits: limits(),
        ending: Default::default(),
    };
    let talk = async {
        ours.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\n")
            .await
            .unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(ours.read_u8().await.unwrap());
        }
        // Longer than any limit of HTTP, and nothing that it would take.
        tokio::time::sleep(Duration::from_secs(300)).await;
        ours.write_all(&[0, 1, 2, b'\n']).await.unwrap();
        let mut bytes = [0; 4];
        ours.read_exact(&mut bytes).await.unwrap();
        bytes
    };
    let ((), bytes) = tokio::join!(serve(theirs, None, service), talk);
    assert_eq!(bytes, [0, 1, 2, b'\n']);
    scope.idle().await;
}

#[test]
fn more_waiting_is_granted_to_who_sent_more() {
    let limits = PaceLimits {
        idle: Duration::from_secs(10),
        total: None,
        floor: 100,
        grace: Duration::from_secs(5),
    };
    paused().block_on(async {
        let begun = tokio::time::Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.until(&limits) - begun, Duration::from_secs(5));
        pace.came(800, &limits);
        assert_eq!(pace.until(&limits) - begun, Duration::from_secs(8));
        pace.came(1_000_000, &limits);
        assert_eq!(
            pace.until(&limits) - begun,
            Duration::from_secs(10),
            "never longer than one wait may be"
        );
    });
}
