//! Requests that bear an idempotency key.

use std::sync::atomic::Ordering;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use syscall_sdk::service::Service;

use crate::support::{Fixture, ask};

#[tokio::test]
async fn an_idempotency_key_repeats_the_first_answer_and_refuses_another_body() {
    let core = Fixture::start().await;
    let send = |path: &'static str, key: &'static str, body: Value| {
        let core = &core;
        async move {
            core.send(Method::POST, path, &[("idempotency-key", key)], body.to_string())
                .await
        }
    };
    for (path, body, other) in [
        ("/v1/sys/event", json!({ "event": "a" }), json!({ "event": "b" })),
        (
            "/v1/sys/job",
            json!({ "name": "upper", "params": { "text": "a" } }),
            json!({ "name": "flaky" }),
        ),
    ] {
        let first = send(path, "k1", body.clone()).await;
        let second = send(path, "k1", body).await;
        assert_eq!((first.status, &first.body), (second.status, &second.body));
        assert_eq!(second.headers["idempotency-replayed"], "true");
        assert_eq!(send(path, "k1", other).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let call = json!({ "method": "count" });
    assert_eq!(send("/v1/sys/rpc", "k2", call.clone()).await.body["result"], 1);
    assert_eq!(send("/v1/sys/rpc", "k2", call.clone()).await.body["result"], 1);
    assert_eq!(send("/v1/sys/rpc", "k3", call).await.body["result"], 2);
    assert_eq!(core.calls.load(Ordering::SeqCst), 2);
    core.stop().await;
}

#[tokio::test]
async fn a_relay_passes_the_idempotency_key_on_however_long_it_waits() {
    let core = Fixture::start_beside(|| Service::new("api", "1.0.0")).await;
    let relay = core.running.handler("api").expect("it booted");
    let mut answers = Vec::new();
    for timeout in [1_000, 2_000] {
        let call = json!({ "service": "core", "method": "count", "timeout": timeout });
        let key = [("idempotency-key", "once")];
        answers.push(ask(&relay, Method::POST, "/v1/sys/rpc", &key, call.to_string()).await);
    }
    assert_eq!(answers[0].body["result"], 1);
    assert_eq!(answers[1].body, answers[0].body);
    assert_eq!(answers[1].headers["idempotency-replayed"], "true");
    assert_eq!(core.calls.load(Ordering::SeqCst), 1);
    core.stop().await;
}
