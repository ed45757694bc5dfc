//! What a token that is good no more still does, and who is told of what it tried.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use syscall_sdk::auth::{seconds, sign_revocation};
use syscall_sdk::clock::Clock;
use syscall_sdk::wire::Revoked;

use super::{Guarded, token};
use crate::audit::recorded;

#[tokio::test]
async fn a_stream_ends_when_the_token_that_it_was_asked_for_with_is_revoked() {
    let core = Guarded::start().await;
    let header = |subject: &str| format!("Bearer {}", token(&core.root, subject, &["logs read", "event read *"]));
    let (thief, other) = (header("thief"), header("other"));
    let mut taken = Vec::new();
    for path in ["/v1/sys/logs?follow=true", "/v1/sys/events?follow=true"] {
        taken.push(core.fixture.stream(path, &[("authorization", &thief)]).await);
    }
    let mut kept = core
        .fixture
        .stream("/v1/sys/events?follow=true", &[("authorization", &other)])
        .await;

    let statement = sign_revocation(
        &core.root,
        Revoked::Subject("thief".to_owned()),
        seconds(&Clock::system()),
    );
    let body = json!({ "statements": [statement.unwrap()] });
    let brought = core
        .ask("revocation write", Method::POST, "/v1/sys/revocations", &body)
        .await;
    assert_eq!(brought.status, StatusCode::OK, "{}", brought.text);
    for stream in taken {
        stream.end().await;
    }
    let said = core
        .ask(
            "event emit *",
            Method::POST,
            "/v1/sys/event",
            &json!({ "event": "note:made" }),
        )
        .await;
    assert!(said.status.is_success(), "{}", said.text);
    while kept.next().await.data["event"] != "note:made" {}
    drop(kept);
    core.fixture.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_refuses_is_on_the_record_by_the_right_that_was_missing_or_its_method() {
    let core = Guarded::start().await;
    for _ in 0..3 {
        let refused = core
            .ask(
                "rpc core ping",
                Method::POST,
                "/v1/sys/rpc",
                &json!({ "method": "echo", "params": { "text": "a" } }),
            )
            .await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    }
    for text in ["forbidden", "missing"] {
        core.ask(
            "rpc core refuse",
            Method::POST,
            "/v1/sys/rpc",
            &json!({ "method": "refuse", "params": { "text": text } }),
        )
        .await;
    }
    let told = recorded(&core.fixture, 2).await;
    let mut told: Vec<Value> = told
        .iter()
        .map(|record| json!([record.actor, record.target, record.reason, record.count]))
        .collect();
    told.sort_by_key(|record| record[1].to_string());
    assert_eq!(
        told,
        [
            json!(["program", "rpc core echo", "FORBIDDEN", 3]),
            json!(["program", "rpc core refuse", "FORBIDDEN", 1]),
        ]
    );
    core.fixture.stop().await;
}
