//! `GET /health` against a bare axum route that answers the same bytes.

use std::time::Duration;

use syscall_sdk::config::Variables;
use syscall_sdk::host::{Door, DrainBudget, Host};
use syscall_sdk::service::Service;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::calls::{loopback, port};
use crate::load::{AsyncCall, run};
use crate::table::{Table, median};

/// Connections at once.
const CONNECTIONS: usize = 64;
const BODY: &str = r#"{"status":"healthy"}"#;

/// A kept-alive connection that asks with fixed bytes: the client must cost next to nothing, so that the servers are compared.
struct Probe {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl AsyncCall for Probe {
    async fn call(&mut self) {
        self.stream
            .write_all(b"GET /health HTTP/1.1\r\nHost: core.localhost\r\n\r\n")
            .await
            .expect("written");
        let mut read = 0;
        while !self.buffer[..read].ends_with(BODY.as_bytes()) {
            let more = self.stream.read(&mut self.buffer[read..]).await.expect("read");
            assert!(more > 0, "the server hung up");
            read += more;
        }
    }
}

async fn probe(port: u16) -> Probe {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connected");
    stream.set_nodelay(true).expect("a socket option");
    Probe {
        stream,
        buffer: vec![0; 4_096],
    }
}

pub(crate) async fn measure(table: &mut Table, rounds: usize, quick: bool) {
    let lasts = Duration::from_millis(if quick { 100 } else { 2_000 });
    let variables = Variables::from([("AMNESIA".to_owned(), "true".to_owned())]);
    let host = Host::new(variables)
        .mount(|| Service::new("core", "1"))
        .start(vec![Door::of_service("core", loopback())])
        .await
        .expect("it boots");
    let ours = port(&host);

    let bare = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let theirs = bare.local_addr().expect("bound").port();
    let health = || async { ([("content-type", "application/json")], BODY) };
    let server = tokio::task::JoinSet::from_iter([axum::serve(
        bare,
        axum::Router::new().route("/health", axum::routing::get(health)),
    )
    .into_future()]);

    let mut ratios = Vec::new();
    let mut shown = String::new();
    for _ in 0..rounds {
        let kernel = run(CONNECTIONS, lasts, |_| probe(ours)).await;
        let bare = run(CONNECTIONS, lasts, |_| probe(theirs)).await;
        ratios.push(kernel.rate / bare.rate);
        shown = format!("{:.0}/s; bare axum {:.0}/s", kernel.rate, bare.rate);
    }
    let ratio = median(ratios);
    table.row(
        "GET /health, 64 connections",
        format!("{ratio:.2} × a bare route ({shown})"),
        "≥ 0.9",
        ratio >= 0.9,
    );
    drop(server);
    host.stop(DrainBudget::none(), "bench").await;
}
