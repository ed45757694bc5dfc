//! Schedules, and pauses of them and of names.

use http::StatusCode;
use serde_json::json;

use crate::support::Fixture;

#[tokio::test]
async fn a_schedule_is_a_job_in_shape_and_is_cancelled_like_one() {
    let core = Fixture::start().await;
    let schedule = core
        .post(
            "/v1/sys/job",
            &json!({ "name": "upper", "schedule": "0 4 * * *", "timezone": "Europe/Berlin" }),
        )
        .await;
    assert_eq!(
        (schedule.status.as_u16(), schedule.body["status"].as_str()),
        (201, Some("queued")),
        "{}",
        schedule.text
    );
    assert!(schedule.body["nextRun"].is_string());
    let id = schedule.body["id"].as_str().unwrap();
    assert_eq!(
        core.get("/v1/sys/schedules").await.body["schedules"][0]["timezone"],
        "Europe/Berlin"
    );
    assert_eq!(
        core.post(&format!("/v1/sys/job/{id}/cancel"), &json!({})).await.body["status"],
        "cancelled"
    );
    assert_eq!(core.get("/v1/sys/schedules").await.body["schedules"], json!([]));
    for bad in ["61 * * * *", "* * *", "often", "0 3 31 2 *"] {
        let refused = core
            .post("/v1/sys/job", &json!({ "name": "upper", "schedule": bad }))
            .await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    core.stop().await;
}

#[tokio::test]
async fn a_paused_job_is_pending_until_it_is_resumed() {
    let core = Fixture::start().await;
    let kernel = core.running.kernel("core").unwrap();
    let why = json!({ "reason": "the mill is closed", "by": "ada" });
    let paused = core.post("/v1/sys/jobs/upper/pause", &why).await;
    assert_eq!((paused.status.as_u16(), &paused.body["by"]), (200, &json!("ada")));
    let order = json!({ "name": "upper", "params": { "text": "abc" } });
    let id = core.post("/v1/sys/job", &order).await.body["id"]
        .as_str()
        .unwrap()
        .to_owned();
    // One that is not paused was created later and runs first.
    let other = core.post("/v1/sys/job", &json!({ "name": "hopeless" })).await.body["id"]
        .as_str()
        .unwrap()
        .to_owned();
    kernel.jobs.ended(&other).await.unwrap();

    let held = core.get(&format!("/v1/sys/job/{id}")).await.body;
    assert_eq!((&held["status"], &held["attempt"]), (&json!("pending"), &json!(0)));
    assert_eq!(held["paused"]["reason"], "the mill is closed");
    let pending = core.get("/v1/sys/jobs?status=pending").await.body;
    assert_eq!(
        (&pending["jobs"][0]["id"], &pending["paused"][0]["of"]),
        (&json!(id), &json!("upper"))
    );
    assert_eq!(core.get("/v1/sys/jobs?status=queued").await.body["jobs"], json!([]));

    assert_eq!(
        core.post("/v1/sys/jobs/upper/resume", &json!({})).await.status,
        StatusCode::OK
    );
    assert_eq!(kernel.jobs.ended(&id).await.unwrap().attempt, 1);
    let again = core.post("/v1/sys/jobs/upper/resume", &json!({})).await;
    assert_eq!(
        (again.status.as_u16(), &again.body["error"]["code"]),
        (404, &json!("PAUSE_NOT_FOUND"))
    );
    assert_eq!(
        core.post("/v1/sys/jobs/nope/pause", &json!({})).await.status,
        StatusCode::NOT_FOUND
    );
    core.stop().await;
}

#[tokio::test]
async fn a_paused_schedule_does_not_tick_until_it_is_resumed() {
    let core = Fixture::start().await;
    let kernel = core.running.kernel("core").unwrap();
    let order = json!({ "name": "hopeless", "schedule": "* * * * * *" });
    let id = core.post("/v1/sys/job", &order).await.body["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let paused = core.post(&format!("/v1/sys/job/{id}/pause"), &json!({})).await;
    assert_eq!(paused.status, StatusCode::OK);
    let shown = core.get(&format!("/v1/sys/job/{id}")).await.body;
    assert_eq!(
        (&shown["status"], &shown["paused"]["of"]),
        (&json!("pending"), &json!(id))
    );
    let listed = core.get("/v1/sys/schedules").await.body;
    assert_eq!(listed["schedules"][0]["paused"]["of"], json!(id));

    assert_eq!(
        core.post(&format!("/v1/sys/job/{id}/resume"), &json!({})).await.status,
        StatusCode::OK
    );
    let mut heads = kernel.store.heads();
    let before = kernel.store.schedule(&id).await.unwrap().unwrap().last_run;
    while kernel.store.schedule(&id).await.unwrap().unwrap().last_run == before {
        heads.changed().await.unwrap();
    }
    core.stop().await;
}
