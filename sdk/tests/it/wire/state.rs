//! State, and the watch over it.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Fixture;

#[tokio::test]
async fn state_is_versioned_and_conditional() {
    let core = Fixture::start().await;
    let put = |body: Value| {
        let core = &core;
        async move { core.put("/v1/sys/state", &body).await }
    };
    assert_eq!(put(json!({ "key": "a/1", "value": 1 })).await.body["version"], 1);
    assert_eq!(
        put(json!({ "key": "a/1", "value": 2, "expectedVersion": 1 }))
            .await
            .body["version"],
        2
    );
    let stale = put(json!({ "key": "a/1", "value": 3, "expectedVersion": 1 })).await;
    assert_eq!(
        (stale.status.as_u16(), stale.body["error"]["code"].as_str()),
        (409, Some("VERSION_CONFLICT"))
    );
    assert_eq!(
        put(json!({ "key": "b", "value": 3, "expectedVersion": 1 }))
            .await
            .status,
        StatusCode::CONFLICT
    );
    assert_eq!(
        put(json!({ "key": "a/1", "value": 3, "expectedVersion": 0 }))
            .await
            .status,
        StatusCode::CONFLICT
    );

    let one = core.get("/v1/sys/state?key=a%2F1").await;
    let etag = one.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(one.body["value"], 2);
    let conditional = |name: &'static str, value: String| {
        let core = &core;
        async move {
            core.send(Method::GET, "/v1/sys/state?key=a%2F1", &[(name, &value)], "")
                .await
                .status
        }
    };
    assert_eq!(
        conditional("if-none-match", etag.clone()).await,
        StatusCode::NOT_MODIFIED
    );
    assert_eq!(conditional("if-none-match", "\"0\"".to_owned()).await, StatusCode::OK);
    let body = json!({ "key": "a/1", "value": 9 }).to_string();
    let refused = core
        .send(Method::PUT, "/v1/sys/state", &[("if-match", "\"0\"")], body.clone())
        .await;
    assert_eq!(refused.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(
        core.send(Method::PUT, "/v1/sys/state", &[("if-match", &etag)], body.clone())
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(
        core.send(Method::PUT, "/v1/sys/state", &[("if-none-match", "*")], body)
            .await
            .status,
        StatusCode::PRECONDITION_FAILED
    );

    assert_eq!(
        core.get("/v1/sys/state?key=missing").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        core.send(Method::DELETE, "/v1/sys/state?key=a%2F1", &[], "").await.body["deleted"],
        true
    );
    assert_eq!(put(json!({ "key": "a/1", "value": 1 })).await.body["version"], 1);
    core.stop().await;
}

#[tokio::test]
async fn a_list_is_whole_without_a_limit_and_paged_with_one() {
    let core = Fixture::start().await;
    for n in 0..7 {
        core.put("/v1/sys/state", &json!({ "key": format!("p/{n}"), "value": n }))
            .await;
    }
    core.put("/v1/sys/state", &json!({ "key": "pq/1", "value": null }))
        .await;
    assert_eq!(
        core.get("/v1/sys/state").await.body["state"].as_array().unwrap().len(),
        8
    );
    let mut seen = Vec::new();
    let mut path = "/v1/sys/state?prefix=p/&limit=3".to_owned();
    loop {
        let page = core.get(&path).await.body;
        seen.extend(
            page["state"]
                .as_array()
                .unwrap()
                .iter()
                .map(|entry| entry["key"].as_str().unwrap().to_owned()),
        );
        match page["cursor"].as_str() {
            Some(cursor) => path = format!("/v1/sys/state?prefix=p/&limit=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, ["p/0", "p/1", "p/2", "p/3", "p/4", "p/5", "p/6"]);
    assert_eq!(core.get("/v1/sys/state?prefix=p").await.status, StatusCode::BAD_REQUEST);
    core.stop().await;
}

#[tokio::test]
async fn a_transaction_does_all_or_nothing() {
    let core = Fixture::start().await;
    core.put("/v1/sys/state", &json!({ "key": "a", "value": 1 })).await;
    let transaction = |expected: u64| {
        json!({ "operations": [
            { "op": "put", "key": "b", "value": 2, "expectedVersion": 0 },
            { "op": "delete", "key": "a", "expectedVersion": expected },
        ] })
    };
    assert_eq!(
        core.post("/v1/sys/state/transaction", &transaction(9)).await.status,
        StatusCode::CONFLICT
    );
    assert_eq!(core.get("/v1/sys/state?key=b").await.status, StatusCode::NOT_FOUND);
    let done = core.post("/v1/sys/state/transaction", &transaction(1)).await;
    assert_eq!(done.body["results"][0]["version"], 1, "{}", done.text);
    assert_eq!(core.get("/v1/sys/state?key=a").await.status, StatusCode::NOT_FOUND);
    core.stop().await;
}

#[tokio::test]
async fn a_watch_shows_every_committed_change_under_its_prefix() {
    let core = Fixture::start().await;
    let mut watch = core.stream("/v1/sys/state/watch?prefix=a/", &[]).await;
    core.put("/v1/sys/state", &json!({ "key": "ab", "value": 0 })).await;
    core.put("/v1/sys/state", &json!({ "key": "a/1", "value": 1 })).await;
    core.send(Method::DELETE, "/v1/sys/state?key=a/1", &[], "").await;
    let (put, deleted) = (watch.next().await, watch.next().await);
    assert_eq!(
        (put.data["event"].as_str(), put.data["data"]["entry"]["value"].as_i64()),
        (Some("state:put"), Some(1))
    );
    assert_eq!(
        (deleted.data["event"].as_str(), deleted.data["data"]["key"].as_str()),
        (Some("state:deleted"), Some("a/1"))
    );
    core.stop().await;
}
