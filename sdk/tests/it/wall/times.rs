//! Who is waited for, and for how long: with the limits of the tests, which are those of production divided by fifty or so.

use std::time::Duration;

use syscall_sdk::transport::{ConnectionLimits, PaceLimits};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::{SOON, World, count, status};

const SHORT: Duration = Duration::from_millis(300);

fn short() -> ConnectionLimits {
    let pace = |total| PaceLimits {
        idle: SHORT,
        total,
        floor: 240,
        grace: SHORT,
    };
    ConnectionLimits {
        first_byte_timeout: SHORT,
        head_timeout: SHORT,
        idle_timeout: SHORT * 4,
        body: pace(Some(SHORT * 3)),
        answer: pace(None),
        ..ConnectionLimits::default()
    }
}

/// How long a connection lasts on which `talk` talks, and what came back.
async fn lasts(world: &World, talk: impl AsyncFnOnce(&mut tokio::net::tcp::WriteHalf<'_>)) -> (Duration, String) {
    let begun = Instant::now();
    let mut connection = world.connect().await;
    let (mut read, mut write) = connection.split();
    let mut answer = Vec::new();
    let reading = async {
        let _ = timeout(SOON, read.read_to_end(&mut answer))
            .await
            .expect("it is closed");
        begun.elapsed()
    };
    let talking = async {
        talk(&mut write).await;
        std::future::pending::<()>().await;
    };
    let took = tokio::select! {
        took = reading => took,
        () = talking => unreachable!(),
    };
    (took, String::from_utf8(answer).unwrap())
}

#[tokio::test]
async fn silent_half_dripping_and_idle_peers_are_each_closed_within_their_limit() {
    let world = World::start_with(&[], short()).await;
    let (took, answer) = lasts(&world, async |_| {}).await;
    assert!(took >= SHORT && answer.is_empty(), "silent: {took:?} {answer}");

    let half = b"GET /health HTTP/1.1\r\nHost: a\r\nX-";
    let (took, answer) = lasts(&world, async |write| write.write_all(half).await.unwrap()).await;
    assert!(
        took >= SHORT && status(&answer) == 408,
        "half a head: {took:?} {answer}"
    );

    let (took, answer) = lasts(&world, async |write| {
        for byte in half.iter().cycle() {
            if write.write_all(&[*byte]).await.is_err() {
                return;
            }
            sleep(SHORT / 10).await;
        }
    })
    .await;
    assert!(
        took >= SHORT && status(&answer) == 408,
        "a dripping head: {took:?} {answer}"
    );

    let (took, answer) = lasts(&world, async |write| {
        write
            .write_all(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .unwrap();
    })
    .await;
    assert!(took >= SHORT * 4 && status(&answer) == 200, "idle: {took:?} {answer}");

    let (took, answer) = lasts(&world, async |write| {
        write.write_all(b"PRI * HT").await.unwrap();
    })
    .await;
    assert!(
        took < SHORT && status(&answer) == 505,
        "half a preface: {took:?} {answer}"
    );
    world.stop().await;
}

#[tokio::test]
async fn a_body_that_drips_is_broken_off_and_its_request_answered() {
    let world = World::start_with(&[], short()).await;
    let head = "POST /v1/sys/rpc HTTP/1.1\r\nHost: core\r\nContent-Length: 10000\r\n\r\n";
    let (took, answer) = lasts(&world, async |write| {
        write.write_all(head.as_bytes()).await.unwrap();
        while write.write_all(b" ").await.is_ok() {
            sleep(SHORT / 10).await;
        }
    })
    .await;
    assert!(took >= SHORT, "{took:?}");
    assert_eq!(status(&answer), 400);
    assert!(
        answer.contains("the body broke off: the body came too slowly"),
        "{answer}"
    );
    assert_eq!(world.calls(), 0);
    world.stop().await;
}

#[tokio::test]
async fn a_peer_that_never_reads_its_answers_is_left_while_others_are_served() {
    let world = World::start_with(&[], short()).await;
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    socket.connect(&world.address.into()).unwrap();
    socket.set_nonblocking(true).unwrap();
    let mut mute = TcpStream::from_std(socket.into()).unwrap();
    // More answers than the buffers of both systems hold.
    let request = b"GET /v1/sys/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n".repeat(40);
    let begun = Instant::now();
    let closed = async {
        loop {
            // Nothing is read; a write tells that the other side has gone.
            if mute.write_all(&request).await.is_err() {
                return;
            }
            sleep(SHORT / 10).await;
        }
    };
    let served = async {
        loop {
            let answer = world.send(count("Connection: close\r\n").as_bytes()).await;
            assert_eq!(status(&answer), 200);
        }
    };
    tokio::select! {
        closed = timeout(SOON, closed) => closed.expect("it is left"),
        () = served => unreachable!(),
    }
    assert!(begun.elapsed() >= SHORT);
    world.stop().await;
}

#[tokio::test]
async fn an_accepted_connection_is_watched_by_the_system_as_well() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (accepted, _) = listener.accept().await.unwrap();
    syscall_sdk::transport::tend(&accepted).unwrap();
    let socket = socket2::SockRef::from(&accepted);
    assert!(socket.keepalive().unwrap() && socket.tcp_nodelay().unwrap());
    assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(30)));
}
