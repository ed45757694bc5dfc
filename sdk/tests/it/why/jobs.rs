//! Jobs.

use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};
use syscall_sdk::clock::Clock;
use syscall_sdk::registry::Registry;
use syscall_sdk::service::Service;
use syscall_sdk::store::embedded::{Embedded, Options};
use syscall_sdk::store::{Batch, Claim, Enqueue, Store, Want};

use super::{Fleet, codes, core, says, waits};

#[tokio::test]
async fn a_job_that_failed_says_which_failure_it_was_and_when_it_is_tried_again() {
    let fleet = Fleet::start().await;
    let id = fleet.job(json!({ "name": "lame", "uniqueKey": "one" })).await;
    let story = fleet.until("core", &id, |story| waits(story) == ["backoff"]).await;
    assert_eq!(
        (story["kind"].as_str(), codes(&story)),
        (Some("job"), vec!["created", "failed"])
    );
    says(&story, "failure 1 of 3");
    says(&story, "the printer is out of paper");
    says(&story, "unique key \\\"one\\\"");
    assert!(story["waits"][0]["until"].is_string());
    assert_eq!(story["facts"][1]["level"], "error");
    fleet.post(&format!("/v1/sys/job/{id}/cancel"), json!({})).await;
    let story = fleet.why(&id).await;
    assert_eq!(codes(&story).last(), Some(&"cancelled"));
    assert!(waits(&story).is_empty());
    fleet.stop().await;
}

#[tokio::test]
async fn a_job_that_does_not_run_says_what_holds_it() {
    let fleet = Fleet::start().await;
    let later = fleet
        .job(json!({ "name": "upper", "params": { "text": "a" }, "delay": 3_600_000 }))
        .await;
    assert_eq!(waits(&fleet.why(&later).await), ["time"]);

    fleet
        .post(
            "/v1/sys/jobs/upper/pause",
            json!({ "reason": "too many letters", "by": "Ann" }),
        )
        .await;
    let held = fleet.job(json!({ "name": "upper", "params": { "text": "b" } })).await;
    let story = fleet.why(&held).await;
    assert_eq!(waits(&story), ["paused"]);
    says(&story, "by Ann (too many letters) since");
    fleet.post("/v1/sys/jobs/upper/resume", json!({})).await;
    let story = fleet.until("core", &held, |story| waits(story).is_empty()).await;
    assert_eq!(codes(&story), ["created", "completed"]);
    says(&story, "upper is done");

    let running = fleet.job(json!({ "name": "narrow" })).await;
    let story = fleet.until("core", &running, |story| waits(story) == ["attempt"]).await;
    says(&story, "attempt 1 began in the process that was asked");
    let second = fleet.job(json!({ "name": "narrow" })).await;
    let story = fleet.why(&second).await;
    assert_eq!(waits(&story), ["slot"]);
    says(&story, "All 1 slots");

    let keyed = json!({ "name": "lone", "concurrencyKey": "account/7", "concurrencyLimit": 1 });
    let first = fleet.job(keyed.clone()).await;
    fleet.until("core", &first, |story| waits(story) == ["attempt"]).await;
    let behind = fleet.job(keyed).await;
    let story = fleet.until("core", &behind, |story| waits(story) == ["key"]).await;
    says(&story, "concurrency key \\\"account/7\\\"");
    fleet.stop().await;
}

/// Leaves a job on a file as a process does that is killed while it runs it.
async fn die_while_running(directory: &Path, name: &str) {
    let registry = Registry::builtin();
    let clock = Clock::system();
    let at = clock.now();
    let options = Options {
        path: Some(directory.join(registry.get("core").unwrap().file_name())),
        clock,
        owner: "dead".to_owned(),
        name: "core".to_owned(),
    };
    let store = Embedded::open(options).unwrap();
    let job = Enqueue {
        params: Some(json!({ "text": "x" }).into()),
        max_attempts: 3,
        ..Enqueue::new("orphan", name)
    };
    let claim = Claim {
        owner: "dead".to_owned(),
        wants: vec![Want {
            name: name.to_owned(),
            slots: 1,
            rate: None,
        }],
        limit: 1,
        early: false,
    };
    store.commit(Batch::new(at).with(job).with(claim)).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn a_job_that_was_interrupted_says_so_and_one_without_a_handler_as_well() {
    let directory = tempfile::tempdir().unwrap();
    die_while_running(directory.path(), "upper").await;
    let fleet = Fleet::on(directory.path(), || Service::new("core", "1")).await;
    let story = fleet.why("orphan").await;
    assert_eq!(
        (codes(&story), waits(&story)),
        (vec!["created", "interrupted"], vec!["handler"])
    );
    says(&story, "no handler of that name \\\"upper\\\"");
    fleet.stop().await;
    let fleet = Fleet::on(directory.path(), core).await;
    let story = fleet.until("core", "orphan", |story| waits(story).is_empty()).await;
    assert_eq!(codes(&story), ["created", "interrupted", "completed"]);
    fleet.stop().await;
}

#[tokio::test]
async fn a_job_whose_time_is_over_says_which_of_its_times_it_was() {
    let fleet = Fleet::start().await;
    let running = fleet.job(json!({ "name": "narrow" })).await;
    fleet.until("core", &running, |story| waits(story) == ["attempt"]).await;
    let ended = |story: &Value| codes(story).last() == Some(&"dead");

    let unbegun = fleet.job(json!({ "name": "narrow", "startWithin": 20 })).await;
    let story = fleet.until("core", &unbegun, ended).await;
    assert_eq!((codes(&story), waits(&story)), (vec!["created", "dead"], vec![]));
    says(&story, "given up: it had not begun in time, and was never tried");

    let short = fleet.job(json!({ "name": "lone", "maxElapsed": 100 })).await;
    let story = fleet.until("core", &short, ended).await;
    says(&story, "it must be done by");
    says(&story, "given up: its time was over");
    assert!(waits(&story).is_empty());

    let kernel = fleet.kernel("core");
    let forgotten = Enqueue {
        max_elapsed: Some(Duration::from_secs(60)),
        ..Enqueue::new("forgotten", "nobody")
    };
    let long_ago = kernel.clock.now() - TimeDelta::hours(1);
    kernel.store.commit(Batch::new(long_ago).with(forgotten)).await.unwrap();
    drop(kernel);
    let story = fleet.why("forgotten").await;
    assert_eq!(waits(&story), ["deadline", "handler"], "what no waiting mends is first");
    says(&story, "it ends as failed when it is next taken");
    fleet.stop().await;
}

#[tokio::test]
async fn a_duplicate_by_its_unique_key_is_the_story_of_the_first() {
    let fleet = Fleet::start().await;
    let keyed = json!({ "name": "lone", "uniqueKey": "once" });
    let first = fleet.job(keyed.clone()).await;
    assert_eq!(fleet.job(keyed).await, first);
    let story = fleet.until("core", &first, |story| waits(story) == ["attempt"]).await;
    assert_eq!(codes(&story), ["created", "began"]);
    says(
        &story,
        "whoever creates another with the unique key \\\"once\\\" is given this one",
    );
    fleet.stop().await;
}
