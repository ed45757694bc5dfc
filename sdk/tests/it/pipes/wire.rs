//! The wire of pipes and of streams of results, as a client in any language meets it.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, StatusCode};
use serde_json::json;
use syscall_sdk::auth::{Grant, Rights, SigningKey, seconds, sign_first, sign_revocation};
use syscall_sdk::clock::Clock;
use syscall_sdk::context::Context;
use syscall_sdk::host::{Door, DrainBudget, Host, Running};
use syscall_sdk::pipe::{Handshake, MESSAGE_MAX_BYTES, PIPES_MAX};
use syscall_sdk::resolve::Endpoint;
use syscall_sdk::service::Service;
use syscall_sdk::transport::{Bind, Body};
use syscall_sdk::wire::Revoked;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::run;
use super::world::{COUNT, PATIENCE, address};
use crate::support::{Answer, ask, variables};

fn core() -> Service {
    Service::new("core", "1")
        .pipe("fail", |_, _| async {
            Err(syscall_sdk::error::Error::invalid("the tape is worn"))
        })
        .stream_method(COUNT, |_: Context, to: u32| async move {
            Ok(futures_util::stream::iter((1..=to).map(Ok)))
        })
}

async fn start() -> Running {
    start_with(&[]).await
}

async fn start_with(told: &[(&str, &str)]) -> Running {
    let door = Door::of_service("core", vec![Bind::Tcp(([127, 0, 0, 1], 0).into())]);
    Host::new(variables(told)).mount(core).start(vec![door]).await.unwrap()
}

async fn stop(running: Running) {
    running.stop(DrainBudget::none(), "test").await;
}

type Socket = WebSocketStream<TcpStream>;

async fn connect(at: std::net::SocketAddr, host: &str, name: &str) -> Result<Socket, SocketError> {
    let stream = TcpStream::connect(at).await.unwrap();
    let (socket, response) = client_async(format!("ws://{host}/v1/sys/pipe/{name}"), stream).await?;
    assert_eq!(response.status(), 101);
    assert!(response.headers().contains_key("traceparent") && response.headers().contains_key("x-request-id"));
    Ok(socket)
}

/// With a token of this subject that the root has signed.
async fn connect_as(at: std::net::SocketAddr, root: &SigningKey, subject: &str) -> Socket {
    let grant = Grant {
        subject: subject.to_owned(),
        audience: vec!["core".to_owned()],
        rights: Rights::parse(&["pipe open echo"]).unwrap(),
        life: Duration::from_secs(600),
        holder: None,
    };
    let token = sign_first(root, &grant, seconds(&Clock::system())).unwrap();
    let mut request = format!("ws://{at}/v1/sys/pipe/echo").into_client_request().unwrap();
    let shown = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
    request.headers_mut().insert(AUTHORIZATION, shown);
    client_async(request, TcpStream::connect(at).await.unwrap())
        .await
        .unwrap()
        .0
}

async fn next(socket: &mut Socket) -> Message {
    timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap()
}

fn closed(message: Message) -> CloseFrame {
    match message {
        Message::Close(Some(frame)) => frame,
        other => panic!("{other:?} came where a close was due"),
    }
}

#[test]
fn a_web_socket_of_any_make_speaks_through_a_pipe() {
    run(async {
        let running = start().await;
        let at = address(&running);
        let mut socket = connect(at, &at.to_string(), "echo").await.unwrap();
        socket.send(Message::binary(&b"over the wire"[..])).await.unwrap();
        assert_eq!(next(&mut socket).await, Message::binary(&b"over the wire"[..]));
        // An empty text message says that there is no more, and the other direction goes on to its end.
        socket.send(Message::text("")).await.unwrap();
        assert_eq!(next(&mut socket).await, Message::text(""));
        assert_eq!(closed(next(&mut socket).await).code, CloseCode::Normal);
        stop(running).await;
    });
}

#[test]
fn a_pipe_ends_when_the_token_that_opened_it_is_revoked() {
    run(async {
        let root = SigningKey::generate().unwrap();
        let keys = root.public().text();
        let running = start_with(&[("SYSCALL_AUTH", "required"), ("SYSCALL_ROOT_KEYS", &keys)]).await;
        let at = address(&running);
        let mut taken = connect_as(at, &root, "thief").await;
        let mut kept = connect_as(at, &root, "other").await;
        let revoked = Revoked::Subject("thief".to_owned());
        let statement = sign_revocation(&root, revoked, seconds(&Clock::system())).unwrap();
        let kernel = running.kernel("core").unwrap();
        assert!(kernel.gate.verifier().unwrap().revoke(&statement).unwrap());

        let frame = closed(next(&mut taken).await);
        assert_eq!(frame.code, CloseCode::Away);
        assert!(frame.reason.contains("good no more"), "{}", frame.reason);
        kept.send(Message::binary(&b"still here"[..])).await.unwrap();
        assert_eq!(next(&mut kept).await, Message::binary(&b"still here"[..]));
        stop(running).await;
    });
}

#[test]
fn a_close_with_1000_says_that_there_is_no_more() {
    run(async {
        let running = start().await;
        let at = address(&running);
        let mut socket = connect(at, &at.to_string(), "echo").await.unwrap();
        socket.send(Message::binary(&b"x"[..])).await.unwrap();
        next(&mut socket).await;
        socket.close(None).await.unwrap();
        let kernel = running.kernel("core").unwrap();
        timeout(PATIENCE, async {
            while kernel.pipe_room.taken() > 0 {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
        stop(running).await;
    });
}

#[test]
fn what_goes_wrong_is_said_by_the_close_code() {
    run(async {
        let running = start().await;
        let at = address(&running);
        let mut failing = connect(at, &at.to_string(), "fail").await.unwrap();
        let frame = closed(next(&mut failing).await);
        assert_eq!(
            (frame.code, frame.reason.as_str()),
            (CloseCode::Error, "the tape is worn")
        );

        let mut talking = connect(at, &at.to_string(), "echo").await.unwrap();
        talking.send(Message::text("hello")).await.unwrap();
        assert_eq!(closed(next(&mut talking).await).code, CloseCode::Protocol);

        let mut after = connect(at, &at.to_string(), "echo").await.unwrap();
        after.send(Message::text("")).await.unwrap();
        // The echo may have closed already; bytes after the end are never taken either way.
        let _ = after.send(Message::binary(&b"more"[..])).await;
        while let Some(Ok(message)) = timeout(PATIENCE, after.next()).await.unwrap() {
            assert_ne!(message, Message::binary(&b"more"[..]));
        }

        let mut large = connect(at, &at.to_string(), "echo").await.unwrap();
        let _ = large.send(Message::binary(vec![0; MESSAGE_MAX_BYTES + 1])).await;
        assert_eq!(closed(next(&mut large).await).code, CloseCode::Protocol);
        stop(running).await;
    });
}

async fn get(running: &Running, path: &str, headers: &[(&str, &str)]) -> Answer {
    let handler = running.handler("core").unwrap();
    ask(&handler, Method::GET, path, headers, Body::empty()).await
}

#[test]
fn what_is_no_handshake_is_told_what_to_send() {
    run(async {
        let running = start().await;
        let plain = get(&running, "/v1/sys/pipe/echo", &[]).await;
        assert_eq!(plain.status, StatusCode::UPGRADE_REQUIRED);
        assert_eq!(plain.headers["upgrade"], "websocket");
        assert_eq!(plain.body["error"]["code"], "UPGRADE_REQUIRED");

        let asks = |version: &'static str, key: &'static str| {
            [
                ("connection", "keep-alive, Upgrade"),
                ("upgrade", "WebSocket"),
                ("sec-websocket-version", version),
                ("sec-websocket-key", key),
            ]
        };
        let old = get(&running, "/v1/sys/pipe/echo", &asks("8", "dGhlIHNhbXBsZSBub25jZQ==")).await;
        assert_eq!(old.status, StatusCode::UPGRADE_REQUIRED);
        assert_eq!(old.headers["sec-websocket-version"], "13");
        let keyless = get(&running, "/v1/sys/pipe/echo", &asks("13", "short")).await;
        assert_eq!(keyless.status, StatusCode::BAD_REQUEST);
        let unknown = get(&running, "/v1/sys/pipe/tunnel", &[]).await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND);
        assert_eq!(unknown.body["error"]["code"], "PIPE_NOT_FOUND");
        let elsewhere = get(&running, "/v1/sys/pipe/echo", &[("host", "api.blackroad.systems")]).await;
        assert_eq!(elsewhere.status, StatusCode::MISDIRECTED_REQUEST);
        stop(running).await;
    });
}

#[test]
fn a_page_of_another_site_opens_no_pipe() {
    run(async {
        let running = start().await;
        let at = address(&running).to_string();
        for (origin, status) in [
            ("https://evil.example", StatusCode::FORBIDDEN),
            ("null", StatusCode::FORBIDDEN),
            (&format!("http://{at}"), StatusCode::UPGRADE_REQUIRED),
        ] {
            let headers = [("origin", origin), ("host", at.as_str())];
            let answer = get(&running, "/v1/sys/pipe/echo", &headers).await;
            assert_eq!(answer.status, status, "{origin}");
        }
        stop(running).await;
    });
}

#[test]
fn behind_an_edge_a_page_that_came_without_tls_opens_no_pipe() {
    run(async {
        let running = start_with(&[("TRUST_EDGE", "railway")]).await;
        for (origin, status) in [
            ("http://core.blackroad.systems", StatusCode::FORBIDDEN),
            ("https://core.blackroad.systems", StatusCode::UPGRADE_REQUIRED),
        ] {
            let headers = [("origin", origin), ("host", "core.blackroad.systems")];
            let answer = get(&running, "/v1/sys/pipe/echo", &headers).await;
            assert_eq!(answer.status, status, "{origin}");
        }
        stop(running).await;
    });
}

#[test]
fn a_service_serves_so_many_pipes_at_once_and_no_more() {
    run(async {
        let running = start().await;
        let context = Context::new(running.kernel("core").unwrap());
        let mut open = Vec::new();
        for _ in 0..PIPES_MAX {
            open.push(context.pipe("core", "echo").await.unwrap());
        }
        let error = context.pipe("core", "echo").await.unwrap_err();
        assert_eq!(error.code(), "OVERLOADED");
        drop(open.pop());
        timeout(PATIENCE, async {
            while context.pipe("core", "echo").await.is_err() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("a place that is given up can be taken");
        stop(running).await;
    });
}

#[test]
fn a_front_door_carries_a_pipe_to_another_process() {
    run(async {
        let serving = start().await;
        let elsewhere = [("core".to_owned(), Endpoint::Tcp(address(&serving)))];
        let door = Door::of_fleet("core", vec![Bind::Tcp(([127, 0, 0, 1], 0).into())]).elsewhere(elsewhere.into());
        let front = Host::new(variables(&[]))
            .mount(|| Service::new("api", "1"))
            .start(vec![door])
            .await
            .unwrap();
        let mut socket = connect(address(&front), "core.localhost", "echo").await.unwrap();
        socket.send(Message::binary(vec![9; 100_000])).await.unwrap();
        socket.send(Message::text("")).await.unwrap();
        let mut came = 0;
        loop {
            match next(&mut socket).await {
                Message::Binary(bytes) => came += bytes.len(),
                Message::Close(frame) => {
                    assert_eq!(frame.unwrap().code, CloseCode::Normal);
                    break;
                }
                _ => {}
            }
        }
        assert_eq!(came, 100_000);
        stop(front).await;
        stop(serving).await;
    });
}

#[test]
fn the_answer_to_a_handshake_is_that_of_rfc_6455() {
    let handshake = Handshake::new();
    let headers: http::HeaderMap = [("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")]
        .into_iter()
        .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()))
        .collect();
    // The example of section 1.3 answers another key than ours.
    assert!(handshake.check(&headers).is_err());
}

#[test]
fn a_stream_of_results_is_server_sent_events() {
    run(async {
        let running = start().await;
        let handler = running.handler("core").unwrap();
        let call = json!({ "method": "countTo", "params": 2 }).to_string();
        let headers = [("accept", "text/event-stream")];
        let answer = ask(&handler, Method::POST, "/v1/sys/rpc", &headers, call.clone()).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.headers["content-type"], "text/event-stream");
        let told =
            "id: 1\ndata: {\"result\":1}\n\nid: 2\ndata: {\"result\":2}\n\nevent: end\ndata: {\"results\":2}\n\n";
        assert!(answer.text.starts_with(told), "{}", answer.text);

        let plain = ask(&handler, Method::POST, "/v1/sys/rpc", &[], call.clone()).await;
        assert_eq!(plain.status, StatusCode::BAD_REQUEST);
        assert_eq!(plain.body["error"]["code"], "STREAM_METHOD");
        assert!(
            plain.body["error"]["message"]
                .as_str()
                .unwrap()
                .contains("Accept: text/event-stream")
        );
        let keyed = [("accept", "text/event-stream"), ("idempotency-key", "7")];
        let keyed = ask(&handler, Method::POST, "/v1/sys/rpc", &keyed, call).await;
        assert_eq!(keyed.body["error"]["code"], "STREAM_METHOD");

        let listed = ask(&handler, Method::GET, "/v1/sys/rpc", &[], Body::empty()).await;
        let methods = listed.body["methods"].as_array().unwrap().clone();
        let method = methods.iter().find(|method| method["name"] == "countTo").unwrap();
        assert_eq!(
            (&method["stream"], &method["result"]["type"]),
            (&json!(true), &json!("integer"))
        );
        stop(running).await;
    });
}

#[test]
fn a_relay_passes_a_stream_on_as_it_comes() {
    run(async {
        let host = Host::new(variables(&[])).mount(core).mount(|| Service::new("api", "1"));
        let running = host.start(Vec::new()).await.unwrap();
        let handler = running.handler("api").unwrap();
        let call = json!({ "service": "core", "method": "countTo", "params": 1 }).to_string();
        let headers = [("accept", "application/json, text/event-stream")];
        let answer = ask(&handler, Method::POST, "/v1/sys/rpc", &headers, call).await;
        assert_eq!(answer.headers["content-type"], "text/event-stream");
        assert!(answer.text.contains("event: end"), "{}", answer.text);
        stop(running).await;
    });
}
