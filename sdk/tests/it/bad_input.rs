//! Bad input anywhere gets the error shape and a 4xx that says what to change; nothing panics, nothing is lost.

use http::{Method, StatusCode};
use proptest::prelude::*;
use serde_json::json;

use crate::support::Fixture;

/// Every path that takes a body, with its method.
const BODIES: [(&str, &str); 8] = [
    ("POST", "/v1/sys/log"),
    ("POST", "/v1/sys/metric"),
    ("POST", "/v1/sys/event"),
    ("POST", "/v1/sys/job"),
    ("POST", "/v1/sys/rpc"),
    ("PUT", "/v1/sys/state"),
    ("POST", "/v1/sys/state/transaction"),
    ("POST", "/v1/sys/job/none/cancel"),
];

fn deep(depth: usize) -> String {
    let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let fields = ["data", "value", "params", "meta", "tags", "operations"]
        .map(|field| format!(",\"{field}\":{nested}"))
        .concat();
    format!(
        "{{\"event\":\"a\",\"name\":\"upper\",\"key\":\"a\",\"method\":\"echo\",\"level\":\"info\",\"message\":\"a\"{fields}}}"
    )
}

#[tokio::test]
async fn every_body_that_is_wrong_is_refused_in_the_contracts_shape() {
    let core = Fixture::start().await;
    let bodies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"{".to_vec(),
        b"[]".to_vec(),
        // A list with the right things in the right order is no object either.
        b"[\"info\",\"a\",1,null]".to_vec(),
        b"{\"method\":\"echo\",\"params\":[\"a\"]}".to_vec(),
        b"null".to_vec(),
        b"\"text\"".to_vec(),
        b"{\"key\":1e999,\"name\":1e999,\"value\":1e999,\"event\":7,\"method\":7,\"level\":7}".to_vec(),
        b"\xff\xfe{}".to_vec(),
        b"{\"key\":\"\xc3\x28\"}".to_vec(),
        b"{\"key\":\"\\ud800\",\"event\":\"\\ud800\",\"name\":\"\\ud800\",\"method\":\"\\ud800\"}".to_vec(),
        deep(10_000).into_bytes(),
        deep(200).into_bytes(),
    ];
    for (method, path) in BODIES {
        for body in &bodies {
            let answer = core.send(method.parse().unwrap(), path, &[], body.clone()).await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
            assert!(
                answer.status.is_client_error(),
                "{method} {path} with {shown}: {} {}",
                answer.status,
                answer.text
            );
            assert!(
                answer.body["error"]["code"].is_string() && answer.body["error"]["message"].is_string(),
                "{}",
                answer.text
            );
        }
    }
    assert_eq!(core.get("/health").await.status, StatusCode::OK);
    core.stop().await;
}

#[tokio::test]
async fn a_body_of_two_mebibytes_is_too_large() {
    let core = Fixture::start().await;
    for (method, path) in BODIES.iter().filter(|(_, path)| !path.ends_with("/cancel")) {
        let answer = core
            .send(method.parse().unwrap(), path, &[], vec![b' '; 2 * 1024 * 1024])
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.body["error"]["code"].as_str()),
            (413, Some("TOO_LARGE")),
            "{path}"
        );
    }
    core.stop().await;
}

#[tokio::test]
async fn every_query_that_is_wrong_is_refused() {
    let core = Fixture::start().await;
    for path in [
        "/v1/sys/logs?limit=-1",
        "/v1/sys/logs?limit=abc",
        "/v1/sys/logs?level=loud",
        "/v1/sys/logs?since=yesterday",
        "/v1/sys/metrics?from=x",
        "/v1/sys/metrics?limit=99999999999999999999999",
        "/v1/sys/events?since=yesterday",
        "/v1/sys/events/recent?before=x",
        "/v1/sys/jobs?status=asleep",
        "/v1/sys/jobs?cursor=zzz",
        "/v1/sys/state?prefix=a",
        "/v1/sys/state?cursor=xyz",
        "/v1/sys/state/watch?prefix=a",
        "/v1/sys/trace/nothex",
    ] {
        let answer = core.get(path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {}", answer.text);
        assert!(answer.body["error"]["message"].is_string(), "{path}");
    }
    assert_eq!(core.get("/nowhere").await.body["error"]["code"], "ROUTE_NOT_FOUND");
    let wrong = core.send(Method::PATCH, "/v1/sys/state", &[], "").await;
    assert_eq!(
        (wrong.status.as_u16(), wrong.body["error"]["code"].as_str()),
        (405, Some("METHOD_NOT_ALLOWED"))
    );
    let bad_cursor = core
        .send(Method::GET, "/v1/sys/events", &[("last-event-id", "abc")], "")
        .await;
    assert_eq!(bad_cursor.status, StatusCode::BAD_REQUEST);
    core.stop().await;
}

#[tokio::test]
async fn unknown_fields_are_passed_over_null_is_absent_and_any_content_type_is_json() {
    let core = Fixture::start().await;
    let body = json!({ "event": "a", "data": null, "later": true }).to_string();
    for kind in ["application/json", "text/plain", "application/x-www-form-urlencoded"] {
        let answer = core
            .send(Method::POST, "/v1/sys/event", &[("content-type", kind)], body.clone())
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{kind}");
    }
    let put = json!({ "key": "a", "value": 1, "expectedVersion": null, "ttl": null });
    assert_eq!(core.put("/v1/sys/state", &put).await.status, StatusCode::OK);
    let events = core.get("/v1/sys/events/recent").await.body;
    assert!(events["events"][0].get("data").is_none());
    core.stop().await;
}

#[test]
fn no_bytes_make_a_syscall_answer_5xx() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let core = runtime.block_on(Fixture::start());
    let paths = [
        "/v1/sys/rpc",
        "/v1/sys/event",
        "/v1/sys/job",
        "/v1/sys/log",
        "/v1/sys/metric",
        "/v1/sys/state/transaction",
    ];
    proptest!(ProptestConfig::with_cases(256), |(path in 0usize..6, body in prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        "\\{\"(method|event|name|level|key|value|params|timeout|schedule|operations)\":[ \\[\\]{}0-9a-z\",:.-]{0,60}\\}".prop_map(String::into_bytes),
    ])| {
        let answer = runtime.block_on(core.send(Method::POST, paths[path], &[], body));
        prop_assert!(answer.status.as_u16() < 500, "{}", answer.text);
    });
    runtime.block_on(core.stop());
}
