//! What a request costs in front of a handler; `make bench` prints it, optimised.

use std::hint::black_box;
use std::time::{Duration, Instant};

use syscall_sdk::admission::{Limiter, Quota, Who};
use syscall_sdk::transport::{Body, ConnectionLimits, Front, Handler, Listener, Server};
use syscall_sdk::wire::check_bounds;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Turns of a round, and rounds, of which the middle one is shown.
const TURNS: u32 = 20_000;
const ROUNDS: usize = 9;

fn middle(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

fn nanos(mut turn: impl FnMut()) -> f64 {
    let round = |_| {
        let begun = Instant::now();
        (0..TURNS).for_each(|_| turn());
        begun.elapsed().as_nanos() as f64 / f64::from(TURNS)
    };
    middle((0..ROUNDS).map(round).collect())
}

/// A request as our own client sends it.
fn request() -> String {
    let body = r#"{"method":"getUserById","params":{"id":"01a1fca3-25f1-703d-9d81-f96bb8aad5cc"},"timeout":10000}"#;
    format!(
        "POST /v1/sys/rpc HTTP/1.1\r\nhost: blackroad-os-core.railway.internal:8000\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nx-service-name: blackroad-os-api\r\nx-service-role: gateway\r\nconnect-timeout-ms: 9995\r\n\
         x-syscall-hops: 1\r\nx-request-id: 01a1fca3-25f1-703d-9d81-f96bb8aad5cc\r\n\
         traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n{body}",
        body.len()
    )
}

/// Reads answers one after the other and gives the microseconds that one took.
async fn asked(connection: &mut (impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin)) -> f64 {
    let request = request();
    let mut buffer = [0; 1024];
    let begun = Instant::now();
    for _ in 0..TURNS {
        connection.write_all(request.as_bytes()).await.unwrap();
        let read = connection.read(&mut buffer).await.unwrap();
        assert!(buffer[..read].ends_with(b"ok"));
    }
    begun.elapsed().as_nanos() as f64 / f64::from(TURNS)
}

#[tokio::test]
#[ignore = "it measures, which says something with optimisation alone: `make bench`"]
async fn what_the_wall_costs() {
    let answer = || Handler::new(|_| Box::pin(async { http::Response::new(Body::from("ok")) }));
    let scope = syscall_sdk::lifecycle::Scope::new("costs", tracing::Span::none());
    let bind = syscall_sdk::transport::Bind::Tcp(([127, 0, 0, 1], 0).into());
    let listener = Listener::bind(&bind).await.unwrap();
    let limits = ConnectionLimits {
        requests_max: u32::MAX,
        age_max: Duration::from_secs(3_600),
        ..ConnectionLimits::default()
    };
    let server = Server::start(
        &scope,
        listener,
        answer(),
        Front::new(|_| http::Response::default()),
        limits,
    )
    .unwrap();
    let syscall_sdk::transport::Bound::Tcp(walled) = *server.bound() else {
        panic!("one TCP address")
    };
    // The same hyper, settings and handler, without the wall.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bare = listener.local_addr().unwrap();
    scope.spawn("bare", async move {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let handler = answer();
        let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let answer = handler.answer(request.map(Body::new));
            async move { Ok::<_, std::convert::Infallible>(answer.await) }
        });
        let _ = hyper::server::conn::http1::Builder::new()
            .timer(hyper_util::rt::TokioTimer::new())
            .header_read_timeout(Duration::from_secs(75))
            .max_buf_size(64 * 1024)
            .serve_connection(hyper_util::rt::TokioIo::new(stream), service)
            .with_upgrades()
            .await;
    });
    let mut walled = tokio::net::TcpStream::connect(walled).await.unwrap();
    let mut bare = tokio::net::TcpStream::connect(bare).await.unwrap();
    walled.set_nodelay(true).unwrap();
    bare.set_nodelay(true).unwrap();
    // In turn, so that whatever else the machine does falls on both.
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        without.push(asked(&mut bare).await);
        with.push(asked(&mut walled).await);
    }
    let (with, without) = (middle(with), middle(without));
    println!("\n| what | figure |\n|---|---|");
    println!("| a request over loopback without the wall | {without:.0} ns |");
    println!("| the same with it | {with:.0} ns, {:.3} of that |", with / without);

    let limiter = Limiter::new(Quota::per_second("caller", u32::MAX));
    let who = Who::Address([93, 184, 216, 34].into());
    println!(
        "| a caller's turn | {:.0} ns |",
        nanos(|| {
            black_box(limiter.ask(black_box(&who)));
        })
    );
    let request = request();
    let body = request.split_once("\r\n\r\n").unwrap().1.as_bytes();
    println!(
        "| the bounds of a body of {} bytes | {:.0} ns |",
        body.len(),
        nanos(|| black_box(check_bounds(black_box(body))).unwrap())
    );
}
