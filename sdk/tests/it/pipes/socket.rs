//! What only time shows of a pipe through a socket: pings, and a peer that is mute.

use std::io::ErrorKind;

use futures_util::{SinkExt, StreamExt};
use syscall_sdk::context::Context;
use syscall_sdk::host::{DrainBudget, Host};
use syscall_sdk::pipe::{Broken, Cause, PING_AFTER, Pipe, SILENT_AFTER, connect, open};
use syscall_sdk::rpc::CallOptions;
use syscall_sdk::service::Service;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpListener;
use tokio::time::{Duration, Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::sync::CancellationToken;

use crate::support::variables;

/// A pipe whose other end is a bare WebSocket.
async fn through_a_socket() -> (Pipe, WebSocketStream<DuplexStream>, CancellationToken) {
    let (near, far) = tokio::io::duplex(1024);
    let stop = CancellationToken::new();
    let (pipe, carry) = connect(near, stop.clone().cancelled_owned());
    tokio::spawn(carry);
    (
        pipe,
        WebSocketStream::from_raw_socket(far, Role::Server, None).await,
        stop,
    )
}

#[tokio::test(start_paused = true)]
async fn a_silent_end_pings_and_hears_that_the_other_lives() {
    let (mut pipe, mut far, _stop) = through_a_socket().await;
    let begun = Instant::now();
    let alive = async {
        for _ in 0..20 {
            // Reading a ping answers it.
            assert!(matches!(far.next().await.unwrap().unwrap(), Message::Ping(_)));
            far.flush().await.unwrap();
        }
        far.send(Message::binary(&b"late"[..])).await.unwrap();
    };
    let mut late = [0; 4];
    let ((), read) = tokio::join!(alive, pipe.read_exact(&mut late));
    read.unwrap();
    assert!(begun.elapsed() >= 20 * PING_AFTER, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_end_of_which_nothing_is_heard_is_taken_for_dead() {
    let (mut pipe, _far, _stop) = through_a_socket().await;
    let begun = Instant::now();
    let error = pipe.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(Broken::of(&error).unwrap().cause(), Cause::Silent);
    assert!(begun.elapsed() >= SILENT_AFTER && begun.elapsed() < SILENT_AFTER + PING_AFTER);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_slow_is_not_taken_for_dead() {
    let (mut pipe, mut far, _stop) = through_a_socket().await;
    let flood = tokio::spawn(async move {
        // More than what lies between the ends, so that the last bytes wait in the socket.
        for _ in 0..40 {
            far.send(Message::binary(vec![1; 10_000])).await.unwrap();
        }
        far.send(Message::text("")).await.unwrap();
        far
    });
    tokio::time::advance(10 * SILENT_AFTER).await;
    let mut bytes = vec![0; 400_000];
    pipe.read_exact(&mut bytes).await.unwrap();
    assert_eq!(pipe.read(&mut bytes).await.unwrap(), 0);
    drop(flood.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_caller_whose_service_stops_says_so_before_it_goes() {
    let (mut pipe, mut far, stop) = through_a_socket().await;
    pipe.write_all(b"x").await.unwrap();
    assert_eq!(far.next().await.unwrap().unwrap(), Message::binary(&b"x"[..]));
    stop.cancel();
    let Some(Ok(Message::Close(Some(frame)))) = far.next().await else {
        panic!("a close is due");
    };
    assert_eq!(u16::from(frame.code), 1001);
    assert_eq!(pipe.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionAborted);
}

#[tokio::test]
async fn opening_a_pipe_takes_no_longer_than_the_call_may() {
    // It takes connections and never answers.
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", mute.local_addr().unwrap());
    let host = Host::new(variables(&[("CORE_INTERNAL_URL", &url)])).mount(|| Service::new("api", "1"));
    let running = host.start(Vec::new()).await.unwrap();
    let context = Context::new(running.kernel("api").unwrap());
    let options = CallOptions {
        timeout: Some(Duration::from_millis(50)),
        ..context.call_options()
    };
    let scope = &context.kernel().scope;
    let opened = timeout(
        Duration::from_secs(5),
        open(context.rpc(), scope, "core", "echo", options),
    )
    .await;
    assert_eq!(opened.unwrap().unwrap_err().code(), "DEADLINE_EXCEEDED");
    running.stop(DrainBudget::none(), "test").await;
}
