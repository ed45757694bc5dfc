//! Jobs and their ends.

use http::StatusCode;
use serde_json::json;

use crate::support::Fixture;

#[tokio::test]
async fn a_job_runs_fails_retries_and_tells_its_story() {
    let core = Fixture::start().await;
    let created = core
        .post("/v1/sys/job", &json!({ "name": "upper", "params": { "text": "abc" } }))
        .await;
    assert_eq!(
        (created.status.as_u16(), created.body["status"].as_str()),
        (201, Some("queued"))
    );
    let id = created.body["id"].as_str().unwrap();
    core.ended(id).await;
    let job = core.get(&format!("/v1/sys/job/{id}")).await.body;
    assert_eq!(
        (job["status"].as_str(), &job["result"]),
        (Some("completed"), &json!({ "text": "ABC" }))
    );
    assert_eq!(job["progress"], json!({ "half": true }));
    assert_eq!(job["attempts"][0]["outcome"], "completed");
    assert_eq!(job["attempts"][0]["traceId"].as_str().unwrap().len(), 32);

    let flaky = core.post("/v1/sys/job", &json!({ "name": "flaky" })).await.body;
    let flaky = core.ended(flaky["id"].as_str().unwrap()).await;
    assert_eq!((flaky.attempt, flaky.failures), (3, 2));
    let story = core.get(&format!("/v1/sys/job/{}", flaky.id)).await.body;
    let outcomes: Vec<_> = story["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| attempt["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["failed", "failed", "completed"]);

    let unknown = core.post("/v1/sys/job", &json!({ "name": "nope" })).await;
    assert_eq!(
        (unknown.status.as_u16(), unknown.body["error"]["code"].as_str()),
        (404, Some("JOB_UNKNOWN"))
    );
    core.stop().await;
}

#[tokio::test]
async fn an_error_without_retry_and_a_time_that_is_over_each_end_a_job() {
    let core = Fixture::start().await;
    let kernel = core.running.kernel("core").unwrap();
    let story = async |order: serde_json::Value| {
        let id = core.post("/v1/sys/job", &order).await.body["id"]
            .as_str()
            .unwrap()
            .to_owned();
        kernel.jobs.ended(&id).await.unwrap();
        core.get(&format!("/v1/sys/job/{id}")).await.body
    };
    let hopeless = story(json!({ "name": "hopeless" })).await;
    assert_eq!(
        (hopeless["status"].as_str(), &hopeless["attempt"]),
        (Some("failed"), &json!(1))
    );
    assert_eq!(hopeless["error"]["message"], "UNAVAILABLE: the account is closed");

    let late = story(json!({ "name": "stubborn", "maxElapsed": 20 })).await;
    assert_eq!((late["status"].as_str(), &late["attempt"]), (Some("failed"), &json!(1)));
    assert!(
        late["error"]["message"].as_str().unwrap().starts_with("JOB_DEADLINE: "),
        "{late}"
    );
    assert!(late["deadline"].is_string());

    for bad in [json!({ "maxElapsed": 0 }), json!({ "maxElapsed": 5, "delay": 5 })] {
        let mut order = json!({ "name": "upper" });
        order.as_object_mut().unwrap().extend(bad.as_object().unwrap().clone());
        assert_eq!(
            core.post("/v1/sys/job", &order).await.status,
            StatusCode::BAD_REQUEST,
            "{order}"
        );
    }
    core.stop().await;
}

#[tokio::test]
async fn a_running_job_is_cancelled_at_once_and_its_late_outcome_refused() {
    let core = Fixture::start().await;
    let id = core.post("/v1/sys/job", &json!({ "name": "stubborn" })).await.body["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let kernel = core.running.kernel("core").unwrap();
    let mut heads = kernel.store.heads();
    while kernel.jobs.get(&id).await.unwrap().unwrap().status != syscall_sdk::wire::JobStatus::Running {
        heads.changed().await.unwrap();
    }
    let cancelled = core.post(&format!("/v1/sys/job/{id}/cancel"), &json!({})).await;
    assert_eq!(cancelled.body["status"], "cancelled");
    assert!(cancelled.body["completedAt"].is_string());
    while kernel
        .jobs
        .get(&id)
        .await
        .unwrap()
        .unwrap()
        .cancel_acknowledged_at
        .is_none()
    {
        heads.changed().await.unwrap();
    }
    assert_eq!(
        core.post(&format!("/v1/sys/job/{id}/cancel"), &json!({})).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        core.post("/v1/sys/job/none/cancel", &json!({})).await.status,
        StatusCode::NOT_FOUND
    );
    let revived = core.post(&format!("/v1/sys/job/{id}/retry"), &json!({})).await;
    assert_eq!(
        (revived.status.as_u16(), revived.body["status"].as_str()),
        (200, Some("queued")),
        "{}",
        revived.text
    );
    core.stop().await;
}
