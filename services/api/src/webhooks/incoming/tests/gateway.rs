//! A running gateway, to which providers send.

use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use syscall_sdk::config::Variables;
use syscall_sdk::host::{DrainBudget, Host, Running};
use syscall_sdk::name::TopicFilter;
use syscall_sdk::transport::Body;

use super::{SLACK_BODY, STANDARD_SECRET, headers};
use crate::webhooks::signature;

async fn start() -> Running {
    let variables = Variables::from(
        [
            ("AMNESIA", "true"),
            ("WEBHOOK_GITHUB_SECRETS", "thenewsecretofgithub,theoldsecretofgithub"),
            ("WEBHOOK_SLACK_SECRETS", "8f742231b10e8888abcd99yyyzzz85a5"),
            ("WEBHOOK_CLERK_SECRETS", STANDARD_SECRET),
            ("WEBHOOK_CLERK_SCHEME", "svix"),
            ("WEBHOOK_SHORT_SECRETS", "short"),
            ("WEBHOOK_SHORT_SCHEME", "github"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let host = Host::new(variables).mount(crate::service);
    host.start(Vec::new()).await.unwrap()
}

async fn post(running: &Running, provider: &str, pairs: &[(&str, &str)], body: &str) -> (StatusCode, Value) {
    let mut request = Request::post(format!("/webhooks/{provider}"))
        .body(Body::from(body.to_owned()))
        .unwrap();
    *request.headers_mut() = headers(pairs);
    let response = running.handler("api").unwrap().answer(request).await;
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

async fn emitted(running: &Running) -> Vec<(String, Value)> {
    let events = running.kernel("api").unwrap().events.clone();
    let filter = TopicFilter::parse(Some("webhook:*")).unwrap();
    let mut all = events.recent(filter, None, 100).await.unwrap();
    all.reverse();
    all.into_iter()
        .map(|event| (event.topic, event.data.unwrap().value()))
        .collect()
}

fn hex(secret: &str, parts: &[&str]) -> String {
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    let tag = signature::sign(&signature::key(secret.as_bytes()), &parts);
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn github(running: &Running, secret: &str, id: &str, body: &str) -> (StatusCode, Value) {
    let signature = format!("sha256={}", hex(secret, &[body]));
    let pairs = [
        ("x-github-event", "push"),
        ("x-github-delivery", id),
        ("x-hub-signature-256", signature.as_str()),
    ];
    post(running, "github", &pairs, body).await
}

async fn stop(running: Running) {
    running.stop(DrainBudget::none(), "test").await;
}

#[tokio::test]
async fn a_provider_that_sends_again_makes_one_event() {
    let running = start().await;
    let body = r#"{"ref":"refs/heads/main","n":1}"#;
    let first = github(&running, "thenewsecretofgithub", "d-1", body).await;
    assert_eq!(first, (StatusCode::ACCEPTED, json!({ "accepted": true })));
    for _ in 0..3 {
        let again = github(&running, "thenewsecretofgithub", "d-1", body).await;
        assert_eq!(again, (StatusCode::OK, json!({ "accepted": false })));
    }
    assert_eq!(
        emitted(&running).await,
        [(
            "webhook:github:push".to_owned(),
            json!({ "provider": "github", "type": "push", "id": "d-1", "payload": { "ref": "refs/heads/main", "n": 1 } })
        )]
    );
    stop(running).await;
}

#[tokio::test]
async fn a_delivery_that_was_seen_is_not_taken_under_another_name() {
    let running = start().await;
    github(&running, "thenewsecretofgithub", "d-1", "{}").await;
    let replayed = github(&running, "thenewsecretofgithub", "d-2", "{}").await;
    assert_eq!(replayed.0, StatusCode::OK);
    assert_eq!(emitted(&running).await.len(), 1);
    stop(running).await;
}

#[tokio::test]
async fn both_secrets_are_live_while_one_replaces_the_other_and_no_third_is() {
    let running = start().await;
    for (secret, body, status) in [
        ("thenewsecretofgithub", "[1]", StatusCode::ACCEPTED),
        ("theoldsecretofgithub", "[2]", StatusCode::ACCEPTED),
        ("a secret of nobody's", "[3]", StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(
            github(&running, secret, body.trim_matches(['[', ']']), body).await.0,
            status
        );
    }
    stop(running).await;
}

#[tokio::test]
async fn why_a_webhook_is_not_proven_is_told_to_nobody() {
    let running = start().await;
    let bodies = [
        post(&running, "github", &[], "{}").await,
        post(&running, "github", &[("x-hub-signature-256", "sha256=00")], "{}").await,
        github(&running, "a secret of nobody's", "d-1", "{}").await,
    ];
    assert!(
        bodies
            .iter()
            .all(|answer| *answer == bodies[0] && answer.0 == StatusCode::UNAUTHORIZED)
    );
    assert_eq!(emitted(&running).await, []);
    stop(running).await;
}

#[tokio::test]
async fn who_is_not_configured_or_wrongly_is_told_apart_and_a_bad_body_is_refused_after_its_proof() {
    let running = start().await;
    assert_eq!(post(&running, "gitlab", &[], "{}").await.0, StatusCode::NOT_FOUND);
    assert_eq!(post(&running, "Git%20Hub", &[], "{}").await.0, StatusCode::NOT_FOUND);
    assert_eq!(
        post(&running, "short", &[], "{}").await.0,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(
        github(&running, "thenewsecretofgithub", "d-1", "no json").await.0,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        github(&running, "thenewsecretofgithub", "d 1", "{}").await.0,
        StatusCode::BAD_REQUEST
    );
    let large = format!("\"{}\"", "x".repeat(1024 * 1024));
    assert_eq!(
        github(&running, "thenewsecretofgithub", "d-1", &large).await.0,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    stop(running).await;
}

async fn slack(running: &Running, body: &str, media: &str) -> (StatusCode, Value) {
    let now = running.kernel("api").unwrap().clock.now().timestamp().to_string();
    let signature = format!(
        "v0={}",
        hex("8f742231b10e8888abcd99yyyzzz85a5", &["v0:", &now, ":", body])
    );
    let pairs = [
        ("content-type", media),
        ("x-slack-request-timestamp", now.as_str()),
        ("x-slack-signature", signature.as_str()),
    ];
    post(running, "slack", &pairs, body).await
}

#[tokio::test]
async fn slack_is_answered_its_challenge_and_its_forms_are_read() {
    let running = start().await;
    let challenge = slack(
        &running,
        r#"{"type":"url_verification","challenge":"3eZbrw1aB"}"#,
        "application/json",
    )
    .await;
    assert_eq!(
        challenge,
        (StatusCode::OK, json!({ "accepted": false, "challenge": "3eZbrw1aB" }))
    );
    let event = r#"{"type":"event_callback","event_id":"Ev1","event":{"type":"app_mention"}}"#;
    assert_eq!(slack(&running, event, "application/json").await.0, StatusCode::ACCEPTED);
    assert_eq!(
        slack(&running, &format!("{event} "), "application/json").await.0,
        StatusCode::OK
    );
    assert_eq!(
        slack(&running, SLACK_BODY, "application/x-www-form-urlencoded").await.0,
        StatusCode::ACCEPTED
    );
    let emitted = emitted(&running).await;
    let topics: Vec<_> = emitted.iter().map(|(topic, _)| topic.as_str()).collect();
    assert_eq!(topics, ["webhook:slack:app_mention", "webhook:slack:command"]);
    assert_eq!(emitted[1].1["payload"]["command"], "/webhook-collect");
    stop(running).await;
}

#[tokio::test]
async fn the_headers_that_standard_webhooks_had_before_are_taken_where_it_is_said() {
    let running = start().await;
    let now = running.kernel("api").unwrap().clock.now().timestamp().to_string();
    let body = r#"{"type":"user.created"}"#;
    let key = signature::key(&signature::decoded(STANDARD_SECRET).unwrap());
    let signed = [b"msg_1".as_slice(), b".", now.as_bytes(), b".", body.as_bytes()];
    let claim = signature::versioned(&signature::sign(&key, &signed));
    let pairs = [
        ("svix-id", "msg_1"),
        ("svix-timestamp", now.as_str()),
        ("svix-signature", claim.as_str()),
    ];
    assert_eq!(post(&running, "clerk", &pairs, body).await.0, StatusCode::ACCEPTED);
    assert_eq!(emitted(&running).await[0].0, "webhook:clerk:user.created");
    stop(running).await;
}
