//! Runs as a whole: started once, and forgotten when their time is over.

use serde_json::json;
use syscall_sdk::name::Prefix;
use syscall_sdk::store::{Scan, Store};

use super::children::family;
use super::place::{Disk, Place, on_every_store};
use super::world::soon;

on_every_store! {
    the_same_start_is_the_same_run_and_another_one_is_refused,
    a_journal_is_forgotten_when_its_job_is,
}

async fn the_same_start_is_the_same_run_and_another_one_is_refused(place: &Place) {
    let disk = Disk::new(place);
    let world = disk.boot(&family()).await;
    world.start("double", json!(4), "run").await;
    world.start("double", json!(4), "run").await;
    let other = |name: &str, input: serde_json::Value, id: &str| {
        let start = syscall_sdk::wire::StartWorkflow {
            name: name.to_owned(),
            input: Some(input.into()),
            id: Some(id.to_owned()),
        };
        let flows = world.flows.clone();
        async move { flows.start(start).await.unwrap_err().code().to_owned() }
    };
    assert_eq!(other("double", json!(5), "run").await, "WORKFLOW_EXISTS");
    assert_eq!(other("nothing", json!(5), "new").await, "WORKFLOW_UNKNOWN");
    assert_eq!(other("double", json!(5), "a/b").await, "INVALID_ARGUMENT");
    assert_eq!(other("double", json!(5), "a~b").await, "INVALID_ARGUMENT");
    assert_eq!(other("double", json!("unfit"), "new").await, "INVALID_ARGUMENT");
    world.kill().await;
}

async fn a_journal_is_forgotten_when_its_job_is(place: &Place) {
    let disk = Disk::new(place);
    let world = disk.boot(&family()).await;
    for id in ["one", "two"] {
        world.start("parent", json!(null), id).await;
        world.resting(id).await;
    }
    world.flows.cancel("one").await.unwrap();
    world.forget_ended().await;
    world.kill().await;
    let world = disk.boot(&family()).await;
    let left = async |prefix: &str| {
        let scan = Scan {
            namespace: "kernel.flow".to_owned(),
            prefix: Prefix::new(prefix).unwrap(),
            after: None,
            limit: 10,
        };
        world.store.scan(scan).await.unwrap().len()
    };
    let mut heads = world.store.heads();
    while left("run/one/").await > 0 || left("ended/").await > 0 {
        soon(heads.changed()).await.unwrap();
    }
    assert!(left("run/two/").await > 0);
    world.kill().await;
}
