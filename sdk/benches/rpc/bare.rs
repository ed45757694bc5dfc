//! The bare parts: axum that echoes, asked by reqwest, and by hyper without anything around it.

use axum::serve::ListenerExt;
use axum::{Json, Router, routing::post};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::drive::{AsyncCall, serve_until_closed};
use crate::ours::{Message, message};

/// What a call sends, in its own form on the wire.
#[derive(Serialize, Deserialize)]
struct Call {
    method: String,
    params: Message,
}

/// What it is answered with.
#[derive(Serialize, Deserialize)]
struct Answer {
    result: Message,
}

/// Serves the echo, and beside it what the kernel's client expects of a service, at two ports.
pub(crate) async fn serve() {
    let router = Router::new()
        .route("/echo", post(|Json(message): Json<Message>| async { Json(message) }))
        .route(
            "/v1/sys/rpc",
            post(|Json(call): Json<Call>| async { Json(Answer { result: call.params }) }),
        );
    let mut servers = JoinSet::new();
    let mut addresses = Vec::new();
    for _ in 0..2 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        addresses.push(listener.local_addr().expect("bound").to_string());
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("a socket option"));
        servers.spawn(axum::serve(listener, router.clone()).into_future());
    }
    serve_until_closed(&addresses);
}

/// A caller by reqwest; all share its pool.
pub(crate) struct Reqwest {
    pub(crate) http: reqwest::Client,
    pub(crate) url: String,
}

impl AsyncCall for Reqwest {
    async fn call(&mut self) -> Result<(), String> {
        let request = self.http.post(&self.url).json(&message());
        let answer = request.send().await.expect("the server answers");
        let _: Message = answer.json().await.expect("an echo");
        Ok(())
    }
}

/// A caller by hyper, with a connection of its own.
pub(crate) struct Hyper {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    /// Drives the connection.
    _connection: JoinSet<hyper::Result<()>>,
}

impl Hyper {
    pub(crate) async fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("connected");
        stream.set_nodelay(true).expect("a socket option");
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP");
        Hyper {
            sender,
            host: address.to_owned(),
            _connection: JoinSet::from_iter([connection]),
        }
    }
}

impl AsyncCall for Hyper {
    async fn call(&mut self) -> Result<(), String> {
        let call = Call {
            method: "echo".to_owned(),
            params: message(),
        };
        let body = serde_json::to_vec(&call).expect("it has a JSON form");
        let request = http::Request::post("/v1/sys/rpc")
            .header(http::header::HOST, &self.host)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Full::from(body))
            .expect("a request");
        let response = self.sender.send_request(request).await.expect("the server answers");
        let body = response.into_body().collect().await.expect("an answer").to_bytes();
        let _: Answer = serde_json::from_slice(&body).expect("an echo");
        // As a pool does before it lends a connection again.
        self.sender.ready().await.expect("the connection stays open");
        Ok(())
    }
}
