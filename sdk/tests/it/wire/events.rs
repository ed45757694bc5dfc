//! The stream of events.

use http::StatusCode;
use serde_json::json;

use crate::support::Fixture;

#[tokio::test]
async fn an_event_stream_resumes_without_loss_or_repeat() {
    let core = Fixture::start().await;
    let emit = |n: u32| json!({ "event": if n.is_multiple_of(2) { "user:created" } else { "order:placed" }, "data": { "n": n } });
    for n in 0..3 {
        assert_eq!(core.post("/v1/sys/event", &emit(n)).await.status, StatusCode::CREATED);
    }
    let mut all = core.stream("/v1/sys/events?since=2020-01-01T00:00:00Z", &[]).await;
    let first = all.next().await;
    assert_eq!(first.data["data"]["n"], 0);
    assert_eq!(first.data["source"], "blackroad-os-core");
    drop(all);
    let cursor = first.id.unwrap();
    let mut resumed = core.stream("/v1/sys/events", &[("last-event-id", &cursor)]).await;
    assert_eq!(
        [
            resumed.next().await.data["data"]["n"].clone(),
            resumed.next().await.data["data"]["n"].clone()
        ],
        [1, 2]
    );
    core.post("/v1/sys/event", &emit(3)).await;
    assert_eq!(resumed.next().await.data["data"]["n"], 3);

    let mut filtered = core
        .stream("/v1/sys/events?event=user:*", &[("last-event-id", &cursor)])
        .await;
    assert_eq!(filtered.next().await.data["data"]["n"], 2);
    let recent = core.get("/v1/sys/events/recent?limit=2").await.body;
    assert_eq!(recent["events"][0]["data"]["n"], 3);
    let older = core
        .get(&format!(
            "/v1/sys/events/recent?limit=2&before={}",
            recent["cursor"].as_str().unwrap()
        ))
        .await
        .body;
    assert_eq!(older["events"][0]["data"]["n"], 1);
    core.stop().await;
}
