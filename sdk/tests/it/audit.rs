//! What a kernel puts on the record by itself: refusals, told together, and what an operator does.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use syscall_sdk::contract::audit::RECORDED;
use syscall_sdk::name::TopicFilter;
use syscall_sdk::wire::AuditRecord;

use crate::support::Fixture;

/// What is on the record, oldest first, once there is so much of it.
pub(crate) async fn recorded(fixture: &Fixture, least: usize) -> Vec<AuditRecord> {
    let events = fixture.running.kernel("core").unwrap().events.clone();
    let filter = TopicFilter::parse(Some(RECORDED)).unwrap();
    let mut follow = events.follow(filter, 0, None);
    let mut found = Vec::new();
    while found.len() < least {
        let more = tokio::time::timeout(std::time::Duration::from_secs(300), follow.next());
        found.extend(more.await.expect("it is put on the record").unwrap());
    }
    found
        .iter()
        .map(|event| event.data.as_ref().unwrap().to().unwrap())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn refused_calls_that_are_alike_are_one_record_with_a_count() {
    let fixture = Fixture::start_with(&[("SYSCALL_AUTH", "required")]).await;
    for _ in 0..250 {
        assert_eq!(fixture.get("/v1/sys/jobs").await.status, StatusCode::UNAUTHORIZED);
    }
    let headers = [("x-service-name", "blackroad-os-docs")];
    fixture.send(Method::GET, "/metrics", &headers, "").await;
    let mut told = recorded(&fixture, 2).await;
    told.sort_by_key(|record| record.count);
    let told: Value = told
        .iter()
        .map(|record| json!([record.action, record.actor, record.target, record.reason, record.count]))
        .collect();
    assert_eq!(
        told,
        json!([
            ["call", "anonymous", "GET /metrics", "UNAUTHENTICATED", 1],
            ["call", "anonymous", "GET /v1/sys/jobs", "UNAUTHENTICATED", 250],
        ])
    );
    fixture.stop().await;
}

#[tokio::test]
async fn what_an_operator_does_is_on_the_record_with_who_and_in_which_trace() {
    let fixture = Fixture::start().await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = [("x-service-name", "blackroad-os-prism-console"), ("traceparent", trace)];
    let body = json!({ "reason": "an upgrade" }).to_string();
    let paused = fixture
        .send(Method::POST, "/v1/sys/jobs/upper/pause", &headers, body)
        .await;
    assert_eq!(paused.status, StatusCode::OK);
    let told = recorded(&fixture, 1).await;
    assert_eq!(
        (told[0].action.as_str(), told[0].target.as_str()),
        ("jobs.pause", "/v1/sys/jobs/upper/pause")
    );
    assert_eq!(told[0].actor, "service:blackroad-os-prism-console");
    assert_eq!(told[0].trace.as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
    fixture.stop().await;
}

#[tokio::test]
async fn what_cannot_be_put_on_the_record_is_not_done() {
    let fixture = Fixture::start().await;
    let kernel = fixture.running.kernel("core").unwrap();
    kernel.store.close().await;
    let refused = fixture.post("/v1/sys/jobs/upper/pause", &json!({})).await;
    assert!(refused.status.is_server_error(), "{}", refused.text);
    drop(kernel);
    fixture.stop().await;
}
