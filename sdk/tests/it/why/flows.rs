//! Runs of workflows.

use serde_json::json;

use super::{Fleet, codes, linked, says, waits};

#[tokio::test]
async fn a_run_says_what_it_waits_for_and_names_what_it_started() {
    let fleet = Fleet::start().await;
    fleet
        .post(
            "/v1/sys/workflow",
            json!({ "name": "ask", "id": "w", "input": { "text": "hi" } }),
        )
        .await;
    let story = fleet.until("core", "w", |story| waits(story) == ["signal"]).await;
    assert_eq!(story["kind"], "workflow");
    assert!(story["waits"][0]["until"].is_string(), "{story}");
    says(&story, "step \\\"job upper\\\" was done");
    let child = linked(&story, "child").unwrap();
    let story = fleet.why(&child).await;
    assert_eq!(
        (story["kind"].as_str(), linked(&story, "parent").as_deref()),
        (Some("job"), Some("w"))
    );
    fleet.post("/v1/sys/workflow/w/signal/go", json!("now")).await;
    let story = fleet.until("core", "w", |story| waits(story).is_empty()).await;
    assert_eq!(codes(&story).last(), Some(&"completed"));
    fleet.stop().await;
}

#[tokio::test]
async fn a_run_that_waits_for_an_event_says_so_until_the_one_it_wants_has_come() {
    let fleet = Fleet::start().await;
    fleet
        .post("/v1/sys/workflow", json!({ "name": "hear", "id": "h" }))
        .await;
    let story = fleet.until("core", "h", |story| waits(story) == ["event"]).await;
    says(&story, "waits for the event \\\"said\\\"");
    assert!(story["waits"][0]["until"].is_string(), "{story}");
    let said = async |text: &str| {
        let emit = json!({ "event": "said", "data": { "text": text } });
        fleet.post("/v1/sys/event", emit).await;
    };
    said("no").await;
    assert_eq!(waits(&fleet.why("h").await), ["event"], "it is another's");
    said("yes").await;
    let story = fleet.until("core", "h", |story| waits(story).is_empty()).await;
    assert_eq!(codes(&story).last(), Some(&"completed"));
    fleet.stop().await;
}
