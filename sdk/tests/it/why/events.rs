//! Events and their deliveries.

use serde_json::json;
use syscall_sdk::host::Host;

use super::{Fleet, api, codes, core, linked, says, waits};
use crate::support::variables;

#[tokio::test]
async fn an_event_says_who_has_taken_it_and_who_gave_it_up() {
    let fleet = Fleet::start().await;
    let emit = async |text: &str| {
        let emitted = fleet
            .post("/v1/sys/event", json!({ "event": "said", "data": { "text": text } }))
            .await;
        emitted["id"].as_str().unwrap().to_owned()
    };
    let alone = emit("anyone?").await;
    let story = fleet.why(&alone).await;
    assert_eq!(
        (story["kind"].as_str(), codes(&story)),
        (Some("event"), vec!["emitted"])
    );
    says(&story, "no service subscribes to it and no group reads it");

    fleet
        .post(
            "/v1/sys/events/groups/mail/fetch",
            json!({ "event": "said", "from": "end" }),
        )
        .await;
    let id = emit("hello").await;
    let story = fleet.why(&id).await;
    assert_eq!(
        (waits(&story), linked(&story, "group").as_deref()),
        (vec!["consumer"], Some("mail"))
    );
    says(&story, "no consumer has fetched it yet");
    let fetched = fleet.post("/v1/sys/events/groups/mail/fetch", json!({})).await;
    says(&fleet.why(&id).await, "given it out 1 of 5 times");
    let lease = json!({ "lease": fetched["lease"] });
    fleet.post("/v1/sys/events/groups/mail/ack", lease).await;
    let story = fleet.why(&id).await;
    assert!(waits(&story).is_empty());
    says(&story, "taken by everyone who is to have it: 1 of 1");
    fleet.stop().await;
}

#[tokio::test]
async fn an_event_that_fails_elsewhere_is_told_there_by_its_id_and_its_letters() {
    let running = Host::new(variables(&[]))
        .mount(core)
        .mount(api)
        .start(Vec::new())
        .await
        .unwrap();
    let fleet = Fleet(running);
    let mut heads = fleet.kernel("core").store.heads();
    while fleet
        .kernel("core")
        .subscriptions
        .list()
        .await
        .unwrap()
        .outgoing
        .is_empty()
    {
        heads.changed().await.unwrap();
    }
    let emitted = fleet
        .post("/v1/sys/event", json!({ "event": "said", "data": { "text": "AH" } }))
        .await;
    let id = emitted["id"].as_str().unwrap();
    let story = fleet.until("api", id, |story| story["kind"] == "delivery").await;
    assert_eq!(codes(&story), ["emitted", "dead"]);
    says(&story, "core/said gave up on it after 1 tries");
    says(&story, "too loud");
    let letter = linked(&story, "deadLetter").unwrap();
    let of_letter = fleet.why_of("api", &letter).await;
    assert_eq!(linked(&of_letter, "event").as_deref(), Some(id));
    fleet.stop().await;
}
