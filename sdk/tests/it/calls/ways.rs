//! The public ways, over real sockets: what is asked there stands for an edge.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::HeaderMap;
use syscall_sdk::config::{Environment, Fallback, Problems, Variables};
use syscall_sdk::http::turn_away;
use syscall_sdk::lifecycle::Scope;
use syscall_sdk::policy::Reach;
use syscall_sdk::registry::Registry;
use syscall_sdk::rpc::{CallOptions, Client, Outside};
use syscall_sdk::transport::{Bind, Bound, ConnectionLimits, Front, Handler, Listener, Server, install_tls};
use syscall_sdk::wire::PeerWay;
use tokio::time::Instant;

use super::net::{Fault, Net, at, result};
use super::{call, idempotent};

/// An edge that answers for core, and what it was asked.
struct Edge {
    url: String,
    asked: Arc<Mutex<Vec<HeaderMap>>>,
    _server: Server,
    _scope: Scope,
}

/// Answers with an address; the first so many questions with 502, as an edge does while it wakes a service.
async fn edge(asleep: usize) -> Edge {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let handler = {
        let asked = Arc::clone(&asked);
        Handler::new(move |request| {
            let mut asked = asked.lock().unwrap();
            asked.push(request.headers().clone());
            let mut response = result(&serde_json::json!(at(99).to_string()));
            if asked.len() <= asleep {
                *response.status_mut() = http::StatusCode::BAD_GATEWAY;
            }
            Box::pin(async move { response })
        })
    };
    let scope = Scope::new("edge", tracing::Span::none());
    let listener = Listener::bind(&Bind::Tcp("127.0.0.1:0".parse().unwrap()))
        .await
        .unwrap();
    let server = Server::start(
        &scope,
        listener,
        handler,
        Front::new(turn_away),
        ConnectionLimits::default(),
    )
    .unwrap();
    let Bound::Tcp(address) = server.bound().clone() else {
        panic!("it was bound to an address");
    };
    Edge {
        url: format!("http://{address}"),
        asked,
        _server: server,
        _scope: scope,
    }
}

/// A client that may go by core's public name.
fn client(net: &Net, url: &str) -> Client {
    install_tls();
    let variables = Variables::from([("CORE_URL".to_owned(), url.to_owned())]);
    let mut problems = Problems::default();
    let registry = Registry::builtin().with_overrides(&variables, &mut problems);
    assert!(problems.is_empty(), "{problems}");
    let outside = Outside {
        http: reqwest::Client::builder().no_proxy().build().unwrap(),
        ways: vec![Fallback::Cloudflare],
        environment: Environment::Production,
        reach: Reach::PUBLIC.or_loopback(),
    };
    net.client_in(registry, "operator", 1, Some(outside))
}

#[tokio::test]
async fn a_service_that_is_nowhere_inside_is_asked_outside_by_what_may_leave() {
    let (net, edge) = (Net::default(), edge(0).await);
    let client = client(&net, &edge.url);
    for _ in 0..3 {
        assert_eq!(call(&client, CallOptions::default()).await.unwrap(), at(99));
    }
    assert_eq!(client.peer_of("core").await.unwrap().way, PeerWay::Cloudflare);
    for headers in edge.asked.lock().unwrap().iter() {
        assert!(
            !headers.contains_key("x-service-name") && !headers.contains_key("x-service-role"),
            "{headers:?}"
        );
        assert_eq!(headers["host"], edge.url.strip_prefix("http://").unwrap());
        assert!(headers.contains_key("connect-timeout-ms"));
    }
}

#[tokio::test]
async fn a_service_that_is_ill_or_slow_inside_is_not_asked_outside() {
    let (net, edge) = (Net::default(), edge(0).await);
    net.core(&[at(1)]);
    let client = client(&net, &edge.url);
    for fault in [
        Fault::Status(500, Vec::new()),
        Fault::Status(503, Vec::new()),
        Fault::Mute,
        Fault::Resets,
    ] {
        net.fault(at(1), fault);
        let options = CallOptions {
            timeout: Some(Duration::from_millis(200)),
            ..idempotent()
        };
        call(&client, options).await.unwrap_err();
    }
    assert!(edge.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn one_that_refuses_for_longer_than_a_restart_is_asked_outside() {
    let (net, edge) = (Net::default(), edge(0).await);
    net.core(&[at(1)]);
    net.fault(at(1), Fault::Refuses);
    let client = client(&net, &edge.url);
    let begun = Instant::now();
    let mut refused = 0;
    while let Err(error) = call(&client, idempotent()).await {
        assert_eq!(error.code(), "SERVICE_UNREACHABLE");
        refused += 1;
        assert!(begun.elapsed() < Duration::from_secs(20), "it is never asked outside");
    }
    assert!(
        refused > 0 && begun.elapsed() >= Duration::from_secs(1),
        "{refused} in {:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_sleeping_service_is_woken_by_one_more_try_where_that_does_no_harm() {
    let (net, sleeping) = (Net::default(), edge(1).await);
    assert_eq!(call(&client(&net, &sleeping.url), idempotent()).await.unwrap(), at(99));
    let sleeping = edge(1).await;
    call(&client(&net, &sleeping.url), CallOptions::default())
        .await
        .unwrap_err();
    assert_eq!(sleeping.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn where_no_way_leads_there_one_error_says_so() {
    let net = Net::default();
    // Bound and not listening: whoever connects is refused.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let client = client(&net, &format!("http://{}", socket.local_addr().unwrap()));
    for _ in 0..3 {
        let error = call(&client, idempotent()).await.unwrap_err();
        assert_eq!(error.code(), "SERVICE_UNREACHABLE");
        assert!(error.message().contains("by the public ways neither"), "{error}");
    }
}
