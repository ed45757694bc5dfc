//! Lines and figures.

use http::StatusCode;
use serde_json::json;

use crate::support::Fixture;

#[tokio::test]
async fn logs_and_metrics_are_recorded_and_asked_for() {
    let core = Fixture::start().await;
    let written = core
        .post(
            "/v1/sys/log",
            &json!({ "level": "warn", "message": "careful", "meta": { "a": 1 } }),
        )
        .await;
    assert_eq!(written.status, StatusCode::CREATED);
    let logs = core.get("/v1/sys/logs?level=warn").await.body;
    assert_eq!(
        (logs["total"].as_u64(), logs["limit"].as_u64(), logs["offset"].as_u64()),
        (Some(1), Some(100), Some(0))
    );
    assert_eq!(logs["logs"][0]["message"], "careful");
    assert_eq!(logs["logs"][0]["id"], written.body["id"]);
    for (path, body) in [
        ("/v1/sys/log", json!({ "level": "loud", "message": "x" })),
        ("/v1/sys/metric", json!({ "name": "x" })),
    ] {
        assert_eq!(core.post(path, &body).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
    core.post(
        "/v1/sys/metric",
        &json!({ "name": "orders", "value": 2.5, "unit": "1", "tags": { "k": "v" } }),
    )
    .await;
    let metrics = core.get("/v1/sys/metrics?name=orders").await.body;
    assert_eq!(
        (metrics["total"].as_u64(), metrics["metrics"][0]["value"].as_f64()),
        (Some(1), Some(2.5))
    );
    let mut tail = core.stream("/v1/sys/logs?follow=true&level=error", &[]).await;
    core.post("/v1/sys/log", &json!({ "level": "error", "message": "broken" }))
        .await;
    assert_eq!(tail.next().await.data["message"], "broken");
    core.stop().await;
}
