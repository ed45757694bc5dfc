//! How many connections and streams there may be, and who waits or is turned away.

use std::time::Duration;

use syscall_sdk::admission::STREAMS_PER_ADDRESS;
use syscall_sdk::transport::ConnectionLimits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{SOON, World, status};

const REQUEST: &[u8] = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n";

/// Sends a request and reads until its answer begins; none where the connection is closed instead.
async fn ask(connection: &mut TcpStream, request: &[u8]) -> Option<String> {
    let _ = connection.write_all(request).await;
    let mut answer = Vec::new();
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut piece = [0; 4096];
        match connection.read(&mut piece).await {
            Ok(read) if read > 0 => answer.extend_from_slice(&piece[..read]),
            _ => return None,
        }
    }
    Some(String::from_utf8(answer).unwrap())
}

#[tokio::test]
async fn one_connection_more_than_there_may_be_waits_until_another_ends() {
    let limits = ConnectionLimits {
        connections_max: 4,
        ..ConnectionLimits::default()
    };
    let world = World::start_with(&[], limits).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut connection = world.connect().await;
        assert!(ask(&mut connection, REQUEST).await.is_some());
        held.push(connection);
    }
    let mut next = world.connect().await;
    let mut waits = Box::pin(ask(&mut next, REQUEST));
    assert!(timeout(Duration::from_millis(300), &mut waits).await.is_err());
    held.pop();
    let answer = timeout(SOON, waits).await.unwrap().unwrap();
    assert_eq!(status(&answer), 200);
    world.stop().await;
}

#[tokio::test]
async fn one_address_has_a_part_of_the_connections_and_the_next_is_closed() {
    let limits = ConnectionLimits {
        connections_per_address: Some(3),
        ..ConnectionLimits::default()
    };
    let world = World::start_with(&[], limits).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut connection = world.connect().await;
        assert!(ask(&mut connection, REQUEST).await.is_some());
        held.push(connection);
    }
    assert!(
        timeout(SOON, async { ask(&mut world.connect().await, REQUEST).await })
            .await
            .unwrap()
            .is_none()
    );
    let from = |address: [u8; 4]| {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((address, 0).into()).unwrap();
        socket.connect(world.address)
    };
    let mut other = from([127, 0, 0, 2]).await.unwrap();
    assert!(ask(&mut other, REQUEST).await.is_some(), "another address has its own");
    held.clear();
    let again = async {
        while ask(&mut world.connect().await, REQUEST).await.is_none() {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, again).await.expect("who has gone makes room");
    world.stop().await;
}

#[tokio::test]
async fn one_address_reads_so_many_streams_and_is_told_when_to_come_back() {
    let world = World::start().await;
    let follow = b"GET /v1/sys/events HTTP/1.1\r\nHost: core\r\n\r\n";
    let mut held = Vec::new();
    for _ in 0..STREAMS_PER_ADDRESS {
        let mut connection = world.connect().await;
        let answer = ask(&mut connection, follow).await.unwrap();
        assert_eq!(status(&answer), 200);
        held.push(connection);
    }
    let mut connection = world.connect().await;
    let answer = ask(&mut connection, follow).await.unwrap().to_ascii_lowercase();
    assert_eq!(status(&answer), 429, "{answer}");
    assert!(
        answer.contains("\r\nretry-after: 5\r\n") && answer.contains("too_many_streams"),
        "{answer}"
    );
    // Over the same connection, other things are answered.
    assert_eq!(status(&ask(&mut connection, REQUEST).await.unwrap()), 200);
    // A peer of the fleet has no such bound of its own.
    let peers = b"GET /v1/sys/events HTTP/1.1\r\nHost: core\r\nX-Service-Name: blackroad-os-api\r\n\r\n";
    let mut peer = world.connect().await;
    assert_eq!(status(&ask(&mut peer, peers).await.unwrap()), 200);
    held.pop();
    let again = async {
        while status(&ask(&mut world.connect().await, follow).await.unwrap()) != 200 {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, again).await.expect("who closes one may open another");
    world.stop().await;
}
