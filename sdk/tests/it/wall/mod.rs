//! What stands in front of every service, from outside: bytes on a socket, and what comes back.

mod bodies;
mod callers;
mod costs;
mod crowds;
mod framing;
mod times;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;
use syscall_sdk::host::{DrainBudget, Running};
use syscall_sdk::transport::ConnectionLimits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::sockets::on_tcp_with;
use crate::support::service;

/// How long anything may take that must happen, on a busy machine.
const SOON: Duration = Duration::from_secs(20);

/// The tests' service behind a port, and how often its `count` was called.
struct World {
    running: Running,
    address: SocketAddr,
    calls: Arc<AtomicU32>,
}

impl World {
    async fn start() -> Self {
        Self::start_with(&[], ConnectionLimits::default()).await
    }

    async fn start_with(pairs: &[(&str, &str)], limits: ConnectionLimits) -> Self {
        let calls = Arc::<AtomicU32>::default();
        let counted = Arc::clone(&calls);
        let (running, address) = on_tcp_with(pairs, Some(limits), move || service(&counted)).await;
        World {
            running,
            address,
            calls,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes over a connection of their own and gives all that comes back until it is closed.
    async fn send(&self, bytes: &[u8]) -> String {
        let mut connection = self.connect().await;
        let (mut read, mut write) = connection.split();
        let mut answer = Vec::new();
        let both = async {
            // It may be closed before all of it is taken.
            let _ = write.write_all(bytes).await;
            read.read_to_end(&mut answer).await
        };
        // A peer that closes on bytes which nobody reads resets the connection, after what it answered.
        let _ = timeout(SOON, both).await.expect("the connection is closed");
        String::from_utf8(answer).unwrap()
    }

    /// As [`World::send`], for what is refused: the status, the code, and that it is the connection's end.
    async fn refused(&self, bytes: &[u8]) -> (u16, String) {
        let answer = self.send(bytes).await;
        let (head, body) = answer
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("no answer: {answer:?}"));
        let head = head.to_ascii_lowercase();
        assert!(head.contains("\r\nconnection: close"), "{head}");
        let body: Value =
            serde_json::from_str(body).unwrap_or_else(|_| panic!("{body:?} to {:?}", String::from_utf8_lossy(bytes)));
        assert!(body["error"]["message"].is_string(), "{body}");
        (status(&answer), body["error"]["code"].as_str().unwrap().to_owned())
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }

    async fn stop(self) {
        self.running.stop(DrainBudget::none(), "test").await;
    }
}

fn status(answer: &str) -> u16 {
    let mut words = answer.split(' ');
    words
        .nth(1)
        .and_then(|word| word.parse().ok())
        .unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

/// A call of `count`, as it stands on the wire, with more fields.
fn count(fields: &str) -> String {
    let body = r#"{"method":"count","params":null}"#;
    format!(
        "POST /v1/sys/rpc HTTP/1.1\r\nHost: core\r\nContent-Length: {}\r\n{fields}\r\n{body}",
        body.len()
    )
}
