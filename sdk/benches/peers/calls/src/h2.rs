//! axum and reqwest over HTTP/2 that both know of beforehand: one connection, on which the calls are streams.

use axum::serve::ListenerExt;
use axum::{Json, Router, routing::post};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::drive::{AsyncCall, serve_until_closed};

#[derive(Serialize, Deserialize)]
struct Message {
    id: u64,
    name: String,
    tags: Vec<String>,
}

pub(crate) async fn serve() {
    let router = Router::new().route("/echo", post(|Json(message): Json<Message>| async { Json(message) }));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("a socket option"));
    let mut server = tokio::task::JoinSet::new();
    server.spawn(axum::serve(listener, router).into_future());
    serve_until_closed(&[address]);
}

pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .http2_prior_knowledge()
        .build()
        .expect("a client")
}

pub(crate) struct Caller {
    pub(crate) http: reqwest::Client,
    pub(crate) url: String,
}

impl AsyncCall for Caller {
    async fn call(&mut self) -> Result<(), String> {
        let message = Message {
            id: 7,
            name: "Ada Lovelace, countess".to_owned(),
            tags: vec!["first".to_owned(), "second".to_owned(), "third".to_owned()],
        };
        let request = self.http.post(&self.url).json(&message);
        let answer = request.send().await.expect("the server answers");
        let _: Message = answer.json().await.expect("an echo");
        Ok(())
    }
}
