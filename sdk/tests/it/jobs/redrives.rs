//! Dead jobs, tried again.

use serde_json::json;

use crate::support::Fixture;

#[tokio::test]
async fn a_dead_job_that_is_edited_becomes_another_and_both_tell_of_it() {
    let core = Fixture::start().await;
    let old = core.create(json!({ "name": "upper", "params": { "wrong": 1 } })).await;
    assert_eq!(core.done(&old).await["status"], "failed");
    let path = format!("/v1/sys/job/{old}/retry");
    for wrong in [
        json!({ "maxAttempts": 0 }),
        json!({ "delay": 1, "runAt": "2030-01-01T00:00:00Z" }),
        json!([1]),
    ] {
        assert_eq!(core.post(&path, &wrong).await.status.as_u16(), 400, "{wrong}");
    }
    let edit = json!({ "params": { "text": "abc" }, "maxAttempts": 2 });
    let made = core.post(&path, &edit).await;
    assert_eq!((made.status.as_u16(), &made.body["redriveOf"]), (200, &json!(old)));
    let new = made.body["id"].as_str().unwrap();
    let done = core.done(new).await;
    assert_eq!(
        (&done["result"]["text"], &done["maxAttempts"]),
        (&json!("ABC"), &json!(2))
    );
    let kept = core.get(&format!("/v1/sys/job/{old}")).await.body;
    assert_eq!((&kept["status"], &kept["redrivenAs"]), (&json!("failed"), &json!(new)));
    assert_eq!(kept["attempts"][0]["outcome"], "failed");
    for (id, relation, other) in [(old.as_str(), "redrivenAs", new), (new, "redriveOf", old.as_str())] {
        let why = core.get(&format!("/v1/sys/why/{id}")).await.body;
        assert_eq!(why["links"], json!([{ "relation": relation, "id": other }]));
    }

    for again in [json!({}), edit] {
        let refused = core.post(&path, &again).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.body["error"]["code"]),
            (409, &json!("JOB_REDRIVEN"))
        );
        assert_eq!(refused.body["error"]["details"]["redrivenAs"], new);
    }
    core.stop().await;
}

#[tokio::test]
async fn a_dead_job_that_is_not_edited_is_the_same_one_again() {
    let core = Fixture::start().await;
    let dead = core.create(json!({ "name": "hopeless" })).await;
    core.done(&dead).await;
    let again = core.post(&format!("/v1/sys/job/{dead}/retry"), &json!({})).await;
    assert_eq!(
        (&again.body["id"], &again.body["redriveOf"]),
        (&json!(dead), &json!(null))
    );
    let attempts = core.done(&dead).await["attempts"].as_array().unwrap().len();
    assert_eq!(attempts, 2);
    core.stop().await;
}

#[tokio::test]
async fn dead_jobs_are_retried_in_slices_to_the_end() {
    let core = Fixture::start().await;
    let mut dead = Vec::new();
    for _ in 0..5 {
        let id = core.create(json!({ "name": "hopeless" })).await;
        core.done(&id).await;
        dead.push(id);
    }
    let other = core.create(json!({ "name": "upper", "params": { "wrong": 1 } })).await;
    core.done(&other).await;
    let moment = core.get(&format!("/v1/sys/job/{}", dead[4])).await.body["completedAt"].clone();

    let none = core.post("/v1/sys/jobs/retry", &json!({ "status": "cancelled" })).await;
    assert_eq!(none.body, json!({ "retried": 0, "left": 0 }));
    let early = json!({ "name": "hopeless", "before": "2020-01-01T00:00:00Z" });
    assert_eq!(
        core.post("/v1/sys/jobs/retry", &early).await.body,
        json!({ "retried": 0, "left": 5 })
    );
    let before = json!({ "name": "hopeless", "before": moment });
    assert_eq!(core.post("/v1/sys/jobs/retry", &before).await.body["retried"], 4);
    for id in &dead[..4] {
        core.done(id).await;
    }

    let (mut cursor, mut slices, mut retried) = (json!(null), 0, 0);
    loop {
        let slice = json!({ "name": "hopeless", "limit": 2, "cursor": cursor });
        let slice = core.post("/v1/sys/jobs/retry", &slice).await.body;
        slices += 1;
        retried += slice["retried"].as_u64().unwrap();
        cursor = slice["cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!((slices, retried), (3, 5));
    let untouched = core.get(&format!("/v1/sys/job/{other}")).await.body;
    assert_eq!(untouched["attempts"].as_array().unwrap().len(), 1);

    for wrong in [
        json!({ "status": "queued" }),
        json!({ "status": "nope" }),
        json!({ "cursor": "x" }),
    ] {
        let refused = core.post("/v1/sys/jobs/retry", &wrong).await;
        assert_eq!(refused.status.as_u16(), 400, "{wrong}");
    }
    core.stop().await;
}
