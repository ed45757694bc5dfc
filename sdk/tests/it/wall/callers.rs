//! How often one caller may ask, and whose requests are counted together.

use futures_util::future::join_all;
use http::HeaderMap;
use serde_json::json;
use syscall_sdk::transport::{ConnectionLimits, Handler, Peer, Request};

use super::{World, count, status};

const OPEN: [(&str, &str); 2] = [("ENVIRONMENT", "test"), ("SYSCALL_AUTH", "open")];

fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&OPEN, more].concat()
}

/// Asks as from an address, with fields; gives the status and the fields of the answer.
async fn ask(
    handler: &Handler,
    path: &str,
    address: &str,
    fields: &[(&'static str, &'static str)],
) -> (u16, HeaderMap) {
    let mut request = Request::default();
    *request.uri_mut() = path.parse().unwrap();
    for (name, value) in fields {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    request
        .extensions_mut()
        .insert(Peer(std::net::SocketAddr::new(address.parse().unwrap(), 1)));
    let answer = handler.answer(request).await;
    (answer.status().as_u16(), answer.headers().clone())
}

async fn statuses(handler: &Handler, path: &str, address: &str, fields: &[(&'static str, &'static str)]) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(ask(handler, path, address, fields).await.0);
    }
    statuses
}

#[tokio::test]
async fn a_caller_that_asks_too_often_is_told_when_to_come_back_and_what_its_quota_is() {
    let world = World::start_with(&with(&[("CALLER_RATE", "5")]), ConnectionLimits::default()).await;
    // Faster than five a second, whatever the machine.
    let asked = join_all((0..40).map(|_| async { world.send(count("Connection: close\r\n").as_bytes()).await })).await;
    let refused: Vec<&String> = asked.iter().filter(|answer| status(answer) == 429).collect();
    assert!(
        !refused.is_empty() && asked.len() - refused.len() >= 5,
        "{}",
        refused.len()
    );
    let refused = refused[0].to_ascii_lowercase();
    for field in [
        "\r\nretry-after: 1\r\n",
        "\r\nratelimit-policy: \"caller\";q=5;w=1\r\n",
        "\r\nratelimit: \"caller\";r=0;t=1\r\n",
        "\"code\":\"rate_limited\"",
    ] {
        assert!(refused.contains(field), "{field}: {refused}");
    }
    assert_eq!(
        world.calls() as usize,
        asked.iter().filter(|answer| status(answer) == 200).count()
    );
    // Who asks how the service is must learn it.
    for _ in 0..10 {
        let answer = world
            .send(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .await;
        assert_eq!(status(&answer), 200);
    }
    world.stop().await;
}

#[tokio::test]
async fn callers_are_counted_apart_and_the_fleet_not_at_all() {
    let world = World::start_with(&with(&[("CALLER_RATE", "1")]), ConnectionLimits::default()).await;
    let handler = world.running.handler("core").unwrap();
    let path = "/v1/sys/rpc";
    let is_bounded = |statuses: &[u16]| statuses[0] == 200 && statuses[1..].contains(&429);
    assert!(is_bounded(&statuses(&handler, path, "93.184.216.34", &[]).await));
    assert!(is_bounded(&statuses(&handler, path, "93.184.216.35", &[]).await));
    // One household in IPv6, whichever of its addresses it takes.
    assert!(is_bounded(&statuses(&handler, path, "2606:4700:1:2::1", &[]).await));
    assert!(statuses(&handler, path, "2606:4700:1:2::2", &[]).await.contains(&429));
    // What anybody can write is nobody's address.
    assert!(
        statuses(&handler, path, "93.184.216.34", &[("x-forwarded-for", "1.2.3.4")])
            .await
            .contains(&429)
    );
    assert!(
        statuses(&handler, path, "93.184.216.34", &[("x-syscall-client", "1.2.3.4")])
            .await
            .contains(&429)
    );

    let fleet = [("x-service-name", "blackroad-os-api")];
    assert_eq!(statuses(&handler, path, "93.184.216.34", &fleet).await, [200; 8]);
    let stranger = [("x-service-name", "somebody")];
    assert!(
        statuses(&handler, path, "93.184.216.34", &stranger)
            .await
            .contains(&429)
    );
    for _ in 0..8 {
        let inside = crate::support::ask(&handler, http::Method::GET, path, &[], "").await;
        assert_eq!(inside.status, 200, "what is asked in this process is the fleet's own");
    }
    world.stop().await;
}

#[tokio::test]
async fn behind_an_edge_its_clients_are_counted_and_not_the_edge() {
    let pairs = with(&[("CALLER_RATE", "1"), ("TRUST_EDGE", "railway")]);
    let world = World::start_with(&pairs, ConnectionLimits::default()).await;
    let handler = world.running.handler("core").unwrap();
    let (path, edge) = ("/v1/sys/rpc", "100.64.0.2");
    assert!(
        statuses(&handler, path, edge, &[("x-real-ip", "93.184.216.34")])
            .await
            .contains(&429)
    );
    let other = ask(&handler, path, edge, &[("x-real-ip", "93.184.216.35")]).await;
    assert_eq!(other.0, 200);
    world.stop().await;
}

#[tokio::test]
async fn a_line_and_a_span_say_whose_request_it_was() {
    let world = World::start().await;
    let handler = world.running.handler("core").unwrap();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = [("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")];
    assert_eq!(ask(&handler, "/v1/sys/rpc", "93.184.216.34", &parent).await.0, 200);
    let shown = crate::support::ask(&handler, http::Method::GET, &format!("/v1/sys/trace/{trace}"), &[], "").await;
    assert!(
        shown.text.contains(r#""client.address":"93.184.216.34""#),
        "{}",
        shown.text
    );
    world.stop().await;
}

#[tokio::test]
async fn outside_of_development_every_answer_asks_for_tls_from_now_on() {
    let world = World::start_with(&OPEN, ConnectionLimits::default()).await;
    let handler = world.running.handler("core").unwrap();
    for path in ["/health", "/v1/sys/rpc", "/nowhere"] {
        let (_, headers) = ask(&handler, path, "93.184.216.34", &[]).await;
        assert_eq!(headers["strict-transport-security"], "max-age=31536000", "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
    }
    world.stop().await;
    let world = World::start().await;
    let handler = world.running.handler("core").unwrap();
    let (_, headers) = ask(&handler, "/health", "127.0.0.1", &[]).await;
    assert!(!headers.contains_key("strict-transport-security"));
    assert_eq!(json!(headers["x-content-type-options"].to_str().unwrap()), "nosniff");
    world.stop().await;
}
