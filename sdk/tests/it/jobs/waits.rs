//! Waiting for the end of a job.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;
use syscall_sdk::context::Context;
use syscall_sdk::contract::Method as Rpc;
use syscall_sdk::error::Result;
use syscall_sdk::service::Service;
use syscall_sdk::transport::Body;

use crate::support::{Fixture, HOPELESS, Text, UPPER};

/// Longer than any of these tests takes, so that an answer before it was woken.
const LONG: &str = "20000";

#[tokio::test]
async fn a_wait_answers_when_its_job_has_ended() {
    let core = Fixture::start().await;
    let begun = Instant::now();
    let quick = core.create(json!({ "name": "upper", "params": { "text": "a" } })).await;
    let answer = core.wait(&quick, LONG).await;
    assert_eq!(
        (answer.body["status"].as_str(), &answer.body["result"]),
        (Some("completed"), &json!({ "text": "A" }))
    );
    assert_eq!(answer.body["attempts"][0]["outcome"], "completed");

    let slow = core.create(json!({ "name": "stubborn" })).await;
    let (path, nothing) = (format!("/v1/sys/job/{slow}/cancel"), json!({}));
    let (waited, cancelled) = tokio::join!(core.wait(&slow, LONG), core.post(&path, &nothing));
    assert_eq!(cancelled.status.as_u16(), 200);
    assert_eq!(waited.body["status"], "cancelled");
    assert!(begun.elapsed() < Duration::from_secs(15), "it was woken");

    let missing = core.wait("nope", LONG).await;
    assert_eq!(
        (missing.status.as_u16(), &missing.body["error"]["code"]),
        (404, &json!("JOB_NOT_FOUND"))
    );
    core.stop().await;
}

#[tokio::test]
async fn a_wait_that_is_over_shows_the_job_as_it_stands() {
    let core = Fixture::start().await;
    let later = core.create(json!({ "name": "upper", "delay": 3_600_000 })).await;
    let answer = core.wait(&later, "30").await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["status"]),
        (200, &json!("queued"))
    );

    // The caller hears of it before it gives up.
    let headers = [("connect-timeout-ms", "300")];
    let path = format!("/v1/sys/job/{later}?wait={LONG}");
    let begun = Instant::now();
    let answer = core.send(Method::GET, &path, &headers, Body::empty()).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["status"]),
        (200, &json!("queued"))
    );
    assert!(
        begun.elapsed() >= Duration::from_millis(250),
        "it waited for what it may"
    );

    let schedule = core.create(json!({ "name": "upper", "schedule": "0 0 1 1 *" })).await;
    assert_eq!(core.wait(&schedule, LONG).await.body["status"], "queued");
    core.stop().await;
}

#[tokio::test]
async fn who_waits_leaves_room_for_who_does_not() {
    let core = Fixture::start().await;
    let later = core.create(json!({ "name": "upper", "delay": 3_600_000 })).await;
    let waits = (0..300).map(|_| core.wait(&later, "500"));
    let waits = futures_util::future::join_all(waits);
    let path = format!("/v1/sys/job/{later}");
    let (waits, other) = tokio::join!(waits, core.get(&path));
    assert_eq!(other.status.as_u16(), 200);
    let refused = waits.iter().filter(|answer| answer.status.as_u16() == 503).count();
    assert_eq!(refused, 300 - 256);
    core.stop().await;
}

const SHOUT: Rpc<Text, Text> = Rpc::new("api", "shout", "Has core do it.");

fn api() -> Service {
    Service::new("api", "1").method(SHOUT, |context: Context, text: Text| async move {
        let job: syscall_sdk::wire::Job = context
            .rpc()
            .post_json(
                "core",
                "/v1/sys/job",
                &json!({ "name": UPPER.name, "params": text, "delay": 20 }),
                &context.call_options(),
            )
            .await?;
        context.result_of(&UPPER, &job.id).await
    })
}

#[tokio::test]
async fn the_result_of_a_job_of_another_service_is_awaited() -> Result<()> {
    let core = Fixture::start_beside(api).await;
    let context = Context::new(core.running.kernel("api").unwrap());
    let text = Text { text: "abc".to_owned() };
    assert_eq!(context.call(&SHOUT, text.clone()).await?.text, "ABC");

    let own = Context::new(core.running.kernel("core").unwrap());
    let job = own.enqueue(&UPPER, &text).await?;
    assert_eq!(own.result_of(&UPPER, &job.id).await?.text, "ABC");

    let doomed = core.create(json!({ "name": "hopeless" })).await;
    let failed = context.result_of(&HOPELESS, &doomed).await.unwrap_err();
    assert_eq!(failed.code(), "JOB_FAILED");
    assert_eq!(failed.details().unwrap()["status"], "failed");
    drop((context, own));
    core.stop().await;
    Ok(())
}
