//! Commits, groups, dead letters and CloudEvents on the wire.

use http::{Method, StatusCode};
use serde_json::json;

use crate::support::{Answer, Fixture};

async fn keyed(core: &Fixture, body: &serde_json::Value, key: &str) -> Answer {
    core.send(
        Method::POST,
        "/v1/sys/commit",
        &[("idempotency-key", key)],
        body.to_string(),
    )
    .await
}

#[tokio::test]
async fn a_commit_mixes_state_events_and_jobs_and_is_all_or_nothing() {
    let core = Fixture::start().await;
    let commit = |expected: u64| {
        json!({ "ops": [
            { "check": { "key": "closed", "expectedVersion": 0 } },
            { "put": { "key": "orders/1", "value": { "sum": 7 }, "expectedVersion": expected } },
            { "emit": { "event": "order:placed", "data": { "id": 1 } } },
            { "job": { "name": "upper", "params": { "text": "a" } } },
            { "delete": { "key": "carts/1" } },
        ] })
    };
    let refused = core.post("/v1/sys/commit", &commit(3)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(refused.body["error"]["code"], "VERSION_CONFLICT");
    assert_eq!(
        refused.body["error"]["details"],
        json!({ "op": 1, "key": "orders/1", "currentVersion": 0 })
    );
    assert_eq!(core.get("/v1/sys/events/recent").await.body["events"], json!([]));

    let done = core.post("/v1/sys/commit", &commit(0)).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let results = &done.body["results"];
    assert_eq!(results[1]["put"]["version"], 1);
    assert_eq!(results[4]["delete"], json!({ "key": "carts/1", "deleted": false }));
    let events = core.get("/v1/sys/events/recent").await.body["events"].clone();
    assert_eq!(events[0]["id"], results[2]["emit"]["id"]);
    let job = core.ended(results[3]["job"]["id"].as_str().unwrap()).await;
    assert_eq!(job.name, "upper");
    core.stop().await;
}

#[tokio::test]
async fn a_commit_that_cannot_be_names_the_operation() {
    let core = Fixture::start().await;
    core.put("/v1/sys/state", &json!({ "key": "closed", "value": true }))
        .await;
    let cases = [
        (
            json!([{ "put": { "key": "a" } }, { "job": { "name": "nope" } }]),
            404,
            "JOB_UNKNOWN",
            1,
        ),
        (json!([{ "emit": { "event": "" } }]), 400, "INVALID_ARGUMENT", 0),
        (
            json!([{ "put": { "key": "a" } }, { "check": { "key": "closed", "expectedVersion": 0 } }]),
            409,
            "VERSION_CONFLICT",
            1,
        ),
        (json!([{ "put": { "key": "a", "ttl": 0 } }]), 400, "INVALID_ARGUMENT", 0),
    ];
    for (ops, status, code, op) in cases {
        let answer = core.post("/v1/sys/commit", &json!({ "ops": ops })).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
        assert_eq!(answer.body["error"]["code"], code);
        assert_eq!(answer.body["error"]["details"]["op"], op, "{}", answer.text);
        assert!(
            answer.body["error"]["message"]
                .as_str()
                .unwrap()
                .starts_with(&format!("ops[{op}]: "))
        );
    }
    for body in [json!({ "ops": [] }), json!({}), json!({ "ops": [{ "drop": {} }] })] {
        assert_eq!(
            core.post("/v1/sys/commit", &body).await.status,
            StatusCode::BAD_REQUEST,
            "{body}"
        );
    }
    core.stop().await;
}

#[tokio::test]
async fn a_commit_under_a_known_key_is_done_once_and_its_answer_is_exact() {
    let core = Fixture::start().await;
    core.put("/v1/sys/state", &json!({ "key": "a", "value": 0 })).await;
    let body = json!({ "ops": [
        { "put": { "key": "a", "value": 1 } },
        { "put": { "key": "a", "value": 2 } },
        { "delete": { "key": "b" } },
        { "check": { "key": "never", "expectedVersion": 0 } },
        { "emit": { "event": "done" } },
        { "job": { "name": "stubborn", "uniqueKey": "one" } },
    ] });
    let first = keyed(&core, &body, "k").await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text);
    assert_eq!(first.body["results"][1]["put"]["version"], 3);
    let second = keyed(&core, &body, "k").await;
    assert_eq!(first.body, second.body);
    assert_eq!(second.headers["idempotency-replayed"], "true");
    assert_eq!(
        core.get("/v1/sys/events/recent").await.body["events"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(core.get("/v1/sys/state?key=a").await.body["version"], 3);
    // Under another key the living job is the answer, also the second time.
    let third = keyed(&core, &body, "k2").await;
    assert_eq!(
        third.body["results"][5]["job"]["id"],
        first.body["results"][5]["job"]["id"]
    );
    assert_eq!(keyed(&core, &body, "k2").await.body, third.body);
    // A commit that its own effect would refuse is answered all the same.
    let exact = json!({ "ops": [{ "put": { "key": "new", "expectedVersion": 0 } }] });
    let made = keyed(&core, &exact, "k3").await;
    assert_eq!(keyed(&core, &exact, "k3").await.body, made.body);
    let other = json!({ "ops": [{ "put": { "key": "c" } }] });
    assert_eq!(keyed(&core, &other, "k").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    core.stop().await;
}

#[tokio::test]
async fn a_group_is_fetched_acknowledged_moved_and_forgotten_over_http() {
    let core = Fixture::start().await;
    for n in 0..3 {
        core.post("/v1/sys/event", &json!({ "event": "order:placed", "data": n }))
            .await;
    }
    let fetch = json!({ "event": "order:*", "from": "start", "max": 2 });
    let fetched = core.post("/v1/sys/events/groups/mail/fetch", &fetch).await;
    assert_eq!(fetched.status, StatusCode::OK, "{}", fetched.text);
    let events = fetched.body["events"].as_array().unwrap();
    assert_eq!(
        (events.len(), &events[0]["event"]["data"], &events[0]["delivery"]),
        (2, &json!(0), &json!(1))
    );
    let lease = json!({ "lease": fetched.body["lease"], "cursors": [events[0]["cursor"]] });
    assert_eq!(
        core.post("/v1/sys/events/groups/mail/ack", &lease).await.body,
        json!({ "events": 1 })
    );
    let rest = json!({ "lease": fetched.body["lease"] });
    assert_eq!(
        core.post("/v1/sys/events/groups/mail/release", &rest).await.body,
        json!({ "events": 1 })
    );
    let group = core.get("/v1/sys/events/groups").await.body["groups"][0].clone();
    assert_eq!((&group["name"], &group["lag"]), (&json!("mail"), &json!(1)));
    let again = core.post("/v1/sys/events/groups/mail/fetch", &json!({})).await.body;
    assert_eq!(
        (&again["events"][0]["delivery"], &again["events"][1]["event"]["data"]),
        (&json!(2), &json!(2))
    );
    let moved = core
        .post("/v1/sys/events/groups/mail/seek", &json!({ "to": "start" }))
        .await
        .body;
    assert_eq!((&moved["outstanding"], &moved["lag"]), (&json!(0), &json!(3)));
    for (path, body) in [
        ("fetch", json!({ "visibility": 99_999_999 })),
        ("fetch", json!({ "event": "other" })),
        ("seek", json!({ "to": "nowhere" })),
    ] {
        let answer = core.post(&format!("/v1/sys/events/groups/mail/{path}"), &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
    }
    let path = "/v1/sys/events/groups/mail";
    let gone = core.send(Method::DELETE, path, &[], "").await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(core.get(path).await.body["error"]["code"], "GROUP_NOT_FOUND");
    assert_eq!(core.get("/v1/sys/events/dead").await.body, json!({ "letters": [] }));
    assert_eq!(
        core.post("/v1/sys/events/dead/x/redrive", &json!({})).await.body["error"]["code"],
        "DEAD_LETTER_NOT_FOUND"
    );
    assert_eq!(
        core.get("/v1/sys/events/subscriptions").await.body,
        json!({ "outgoing": [], "incoming": [] })
    );
    core.stop().await;
}

fn cloud(id: &str, source: &str) -> serde_json::Value {
    json!({
        "specversion": "1.0", "id": id, "source": source, "type": "order:placed", "time": "2026-11-21T05:00:00Z",
        "datacontenttype": "application/json", "data": { "id": 1 }, "subject": "passed over",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    })
}

async fn send_cloud(core: &Fixture, media: &str, body: &serde_json::Value) -> Answer {
    core.send(
        Method::POST,
        "/v1/sys/event",
        &[("content-type", media)],
        body.to_string(),
    )
    .await
}

#[tokio::test]
async fn cloudevents_come_in_and_go_out_with_their_names() {
    let core = Fixture::start().await;
    let one = "application/cloudevents+json; charset=utf-8";
    let shop = cloud("7", "https://shop.example/orders");
    let emitted = send_cloud(&core, one, &shop).await;
    assert_eq!(emitted.status, StatusCode::CREATED, "{}", emitted.text);
    // The same event a second time is no second event.
    let twice = send_cloud(&core, one, &shop).await;
    assert_eq!(
        (twice.status, &twice.body["error"]["code"]),
        (StatusCode::CONFLICT, &json!("EVENT_EXISTS"))
    );
    let batch = json!([cloud("7", "other"), cloud("8", "blackroad-os-core")]);
    let several = send_cloud(&core, "application/cloudevents-batch+json", &batch).await;
    assert_eq!(several.body["events"][1]["id"], "8", "{}", several.text);

    let out = core
        .send(
            Method::GET,
            "/v1/sys/events/recent?limit=2",
            &[("accept", "application/cloudevents-batch+json")],
            "",
        )
        .await;
    assert_eq!(out.headers["content-type"], "application/cloudevents-batch+json");
    assert!(out.headers["link"].to_str().unwrap().contains("rel=\"next\""));
    assert_eq!(
        (&out.body[0]["source"], &out.body[1]["source"]),
        (&json!("blackroad-os-core"), &json!("other"))
    );
    let mut stream = core
        .stream("/v1/sys/events?format=cloudevents", &[("last-event-id", "0")])
        .await;
    let first = stream.next().await.data;
    for field in [
        "specversion",
        "id",
        "source",
        "type",
        "datacontenttype",
        "data",
        "traceparent",
    ] {
        assert_eq!(first[field], shop[field], "{field}");
    }
    // Who asks for nothing gets the contract's own shape.
    let ours = core.get("/v1/sys/events/recent").await.body;
    assert_eq!(ours["events"][2]["id"], "https://shop.example/orders 7");
    core.stop().await;
}

#[tokio::test]
async fn a_cloudevent_that_does_not_fit_is_told_what_to_change() {
    let core = Fixture::start().await;
    let with = |field: &str, value: serde_json::Value| {
        let mut event = cloud("1", "s");
        event[field] = value;
        event
    };
    for (event, word) in [
        (with("specversion", json!("0.3")), "\"1.0\""),
        (with("source", json!("")), "source"),
        (with("source", json!("a b")), "source"),
        (with("id", json!("")), "id"),
        (with("data_base64", json!("AA==")), "data_base64"),
        (with("datacontenttype", json!("text/plain")), "JSON"),
        (with("traceparent", json!("00-x")), "traceparent"),
        (with("type", json!("")), "event name"),
        (with("time", json!("yesterday")), "does not fit"),
        (json!({ "specversion": "1.0", "id": "1", "source": "s" }), "type"),
    ] {
        let answer = send_cloud(&core, "application/cloudevents+json", &event).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{event}");
        let message = answer.body["error"]["message"].as_str().unwrap();
        assert!(message.contains(word), "{message}");
    }
    let none = send_cloud(&core, "application/cloudevents-batch+json", &json!([])).await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST);
    let unknown = core.get("/v1/sys/events/recent?format=xml").await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    core.stop().await;
}
