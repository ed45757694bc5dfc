//! A process that ends under its callers' hands.

use std::net::{Ipv4Addr, SocketAddr};

use http::StatusCode;
use syscall_sdk::http::turn_away;
use syscall_sdk::lifecycle::Scope;
use syscall_sdk::transport::{Bind, Body, Bound, ConnectionLimits, Front, Handler, Listener, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn server(scope: &Scope) -> (Server, SocketAddr) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = Listener::bind(&Bind::Tcp(address)).await.unwrap();
    let handler = Handler::new(|_| {
        Box::pin(async {
            let answer = http::Response::builder().status(StatusCode::OK);
            answer.body(Body::from("well")).unwrap()
        })
    });
    let server = Server::start(
        scope,
        listener,
        handler,
        Front::new(turn_away),
        ConnectionLimits::default(),
    )
    .unwrap();
    let Bound::Tcp(address) = server.bound().clone() else {
        unreachable!("it was bound to TCP");
    };
    (server, address)
}

/// Asks over an open connection, and reads the answer to its last byte.
async fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    while !answer.ends_with("well") {
        let mut bytes = [0; 1024];
        let length = stream.read(&mut bytes).await.unwrap();
        assert_ne!(length, 0, "it ends in the middle: {answer}");
        answer.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
    }
    answer
}

#[tokio::test]
async fn a_server_that_retires_serves_on_and_ends_each_connection_with_its_answer() {
    let scope = Scope::new("test", tracing::Span::none());
    let (server, address) = server(&scope).await;
    let mut kept = TcpStream::connect(address).await.unwrap();
    assert!(!ask(&mut kept).await.contains("connection: close"));
    server.retire();
    let mut new = TcpStream::connect(address).await.unwrap();
    for stream in [&mut kept, &mut new] {
        assert!(ask(stream).await.contains("connection: close"));
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0, "closed after the answer");
    }
    scope.stop(std::time::Duration::ZERO).await;
}
