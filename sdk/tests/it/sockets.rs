//! Hosts behind real sockets, and requests as bytes: what a peer in any language sees.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use serde_json::Value;
use syscall_sdk::host::{Door, Host, Running};
use syscall_sdk::service::Service;
use syscall_sdk::transport::{Bind, Bound, ConnectionLimits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::variables;

/// A service behind a TCP port of the system's choice.
pub(crate) async fn on_tcp(make: impl Fn() -> Service + Send + Sync + 'static) -> (Running, SocketAddr) {
    on_tcp_with(&[], None, make).await
}

/// As [`on_tcp`], in an environment and with limits of its connections.
pub(crate) async fn on_tcp_with(
    pairs: &[(&str, &str)],
    limits: Option<ConnectionLimits>,
    make: impl Fn() -> Service + Send + Sync + 'static,
) -> (Running, SocketAddr) {
    let key = make().key().to_owned();
    let bind = Bind::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let mut host = Host::new(variables(pairs));
    if let Some(limits) = limits {
        host = host.connection_limits(limits);
    }
    let running = host
        .mount(make)
        .start(vec![Door::of_service(&key, vec![bind])])
        .await
        .unwrap();
    let [Bound::Tcp(address)] = running.bound()[..] else {
        panic!("one TCP address")
    };
    (running, address)
}

/// A service in a host of its own, which finds its peers by their sockets in a directory, as `up --processes` does.
pub(crate) async fn on_unix(directory: &Path, make: impl Fn() -> Service + Send + Sync + 'static) -> Running {
    let key = make().key().to_owned();
    let bind = Bind::Unix(directory.join(format!("{key}.sock")));
    Host::new(variables(&[("SYSCALL_SOCKETS", directory.to_str().unwrap())]))
        .mount(make)
        .start(vec![Door::of_service(&key, vec![bind])])
        .await
        .unwrap()
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
}

/// A request on its way: sent, not answered yet.
pub(crate) struct Sent(TcpStream);

/// Sends a request over a connection of its own.
pub(crate) async fn send(address: SocketAddr, verb: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Sent {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let mut head = format!(
        "{verb} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let request = format!("{head}\r\n{body}");
    connection.write_all(request.as_bytes()).await.unwrap();
    Sent(connection)
}

impl Sent {
    pub(crate) async fn answer(mut self) -> Raw {
        let mut text = String::new();
        self.0.read_to_string(&mut text).await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").expect("a whole head");
        Raw {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_ascii_lowercase(),
            body: serde_json::from_str(body).unwrap_or(Value::Null),
        }
    }
}

/// Sends a request and reads its answer.
pub(crate) async fn ask(address: SocketAddr, verb: &str, path: &str, body: &str) -> Raw {
    send(address, verb, path, &[], body).await.answer().await
}
