//! Keys of which there are not to be many jobs.

use serde_json::{Value, json};

use crate::support::Fixture;

const HOUR: u64 = 3_600_000;

async fn order(core: &Fixture, unique: Value, more: Value) -> Value {
    let mut body = json!({ "name": "upper", "params": { "text": "a" }, "delay": HOUR, "unique": unique });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let created = core.post("/v1/sys/job", &body).await;
    assert_eq!(created.status.as_u16(), 201, "{}", created.text);
    created.body
}

#[tokio::test]
async fn each_mode_says_what_becomes_of_a_second_order() {
    let core = Fixture::start().await;
    let unique = |mode: &str| json!({ "key": mode, "mode": mode });
    let second = json!({ "params": { "text": "b" }, "delay": HOUR / 2 });

    let first = order(&core, json!({ "key": "plain" }), json!({})).await;
    let met = order(&core, json!({ "key": "plain" }), second.clone()).await;
    assert_eq!(met, first, "it is ignored unless said");
    let short = json!({ "name": "upper", "uniqueKey": "plain" });
    assert_eq!(core.post("/v1/sys/job", &short).await.body["id"], first["id"]);

    let first = order(&core, unique("replace"), json!({})).await;
    let met = order(&core, unique("replace"), second.clone()).await;
    assert_eq!((&met["id"], &met["runAt"]), (&first["id"], &first["runAt"]));
    assert_eq!(met["params"]["text"], "b");

    let first = order(&core, unique("earliest"), json!({})).await;
    let met = order(&core, unique("earliest"), second.clone()).await;
    assert_eq!((&met["id"], &met["params"]["text"]), (&first["id"], &json!("a")));
    assert!(met["runAt"].as_str() < first["runAt"].as_str());

    let first = order(&core, unique("debounce"), second).await;
    let met = order(&core, unique("debounce"), json!({})).await;
    assert_eq!((&met["id"], &met["params"]["text"]), (&first["id"], &json!("a")));
    assert!(met["runAt"].as_str() > first["runAt"].as_str());
    core.stop().await;
}

#[tokio::test]
async fn a_throttle_makes_one_job_a_window_whatever_became_of_it() {
    let core = Fixture::start().await;
    let long = json!({ "key": "k", "mode": "throttle", "window": 400_000_000_000_000u64 });
    let refused = core
        .post("/v1/sys/job", &json!({ "name": "upper", "unique": long }))
        .await;
    assert_eq!(refused.status.as_u16(), 400, "a window is at most ten years");

    // Ten years, of which the present one ends in 2029.
    let unique = json!({ "key": "report", "mode": "throttle", "window": 316_224_000_000u64 });
    let first = order(&core, unique.clone(), json!({ "delay": 0 })).await;
    let first = core.done(first["id"].as_str().unwrap()).await;
    assert_eq!(
        (&first["status"], &first["uniqueKey"]),
        (&json!("completed"), &json!("report"))
    );
    let met = order(&core, unique, json!({ "delay": 0 })).await;
    assert_eq!((&met["id"], &met["status"]), (&first["id"], &json!("completed")));
    core.stop().await;
}

#[tokio::test]
async fn a_key_that_does_not_fit_its_mode_is_refused() {
    let core = Fixture::start().await;
    for wrong in [
        json!({ "unique": { "key": "" } }),
        json!({ "unique": { "key": "k", "mode": "nope" } }),
        json!({ "unique": { "key": "k", "mode": "throttle" } }),
        json!({ "unique": { "key": "k", "mode": "debounce" } }),
        json!({ "unique": { "key": "k", "window": 5 } }),
        json!({ "unique": { "key": "k" }, "uniqueKey": "k" }),
        json!({ "unique": { "key": "k" }, "schedule": "@hourly" }),
    ] {
        let mut body = json!({ "name": "upper" });
        body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        assert_eq!(core.post("/v1/sys/job", &body).await.status.as_u16(), 400, "{wrong}");
    }
    core.stop().await;
}

#[tokio::test]
async fn a_changed_job_is_the_answer_under_an_idempotency_key_too() {
    let core = Fixture::start().await;
    let body = |text: &str| {
        json!({ "name": "upper", "params": { "text": text }, "delay": HOUR, "unique": { "key": "k", "mode": "replace" } })
            .to_string()
    };
    let send = |body: String, key: &'static str| {
        let headers = [("idempotency-key", key)];
        let core = &core;
        async move { core.send(http::Method::POST, "/v1/sys/job", &headers, body).await.body }
    };
    let first = send(body("a"), "one").await;
    let second = send(body("b"), "two").await;
    assert_eq!((&second["id"], &second["params"]["text"]), (&first["id"], &json!("b")));
    assert_eq!(send(body("b"), "two").await, second, "it is repeated as it was");
    core.stop().await;
}
