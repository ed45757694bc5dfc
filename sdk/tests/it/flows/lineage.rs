//! Whose the runs are that continue as new: their parents, their children, their ids.

use serde_json::{Value, json};
use syscall_sdk::contract::Flow;
use syscall_sdk::store::Store;
use syscall_sdk::wire::{JobStatus, StartWorkflow, WorkflowStatus};
use syscall_sdk::workflow::ParentClose;

use super::place::{Disk, Place, on_every_store};
use super::world::{Plan, result, soon, step};

on_every_store! {
    a_parent_waits_for_the_last_run_of_its_child,
    cancelling_reaches_the_latest_run_through_the_first_and_through_its_parent,
    what_a_run_owns_ends_when_it_continues_and_what_it_abandoned_goes_on,
    an_id_is_free_again_when_the_last_of_its_runs_is_forgotten,
}

const ROUNDS: Flow<u64, u64> = Flow::new("core", "rounds");

/// A child that goes a round a run and waits in the last; and parents of it.
fn family() -> Plan {
    Plan::default()
        .flow("rounds", |flow, input| async move {
            match input.as_u64().unwrap_or_default() {
                0 => Ok(json!(flow.signal::<u64>("go", None).await?)),
                left => flow.continue_as_new(&(left - 1)).await,
            }
        })
        .flow(
            "parent",
            |flow, _| async move { Ok(json!(flow.child(&ROUNDS, &2).await?)) },
        )
        .flow("leaves", |flow, input| async move {
            if input == json!("again") {
                return Ok(json!(flow.signal::<()>("end", None).await?));
            }
            flow.start_child(&ROUNDS, &0, ParentClose::Cancel).await?;
            flow.start_child(&ROUNDS, &0, ParentClose::Abandon).await?;
            flow.continue_as_new(&"again").await
        })
}

async fn a_parent_waits_for_the_last_run_of_its_child(place: &Place) {
    let disk = Disk::new(place);
    let world = disk.boot(&family()).await;
    world.start("parent", json!(null), "run").await;
    let rests = world.resting_at("run", "child rounds").await;
    let child = step(&rests, "child rounds").child.clone().unwrap();
    let last = world.resting(&format!("{child}+3")).await.id;
    let shown = world.flows.get(&last).await.unwrap();
    assert_eq!(shown.parent.as_deref(), Some("run"));
    world.kill().await;
    let world = disk.boot(&family()).await;
    let sent = world.flows.signal(&child, "go", json!(7).into()).await.unwrap();
    assert_eq!(sent.id, last);
    assert_eq!(result(&world.ended("run").await), json!(7));
    world.kill().await;
}

async fn cancelling_reaches_the_latest_run_through_the_first_and_through_its_parent(place: &Place) {
    let disk = Disk::new(place);
    let world = disk.boot(&family()).await;
    world.start("rounds", json!(1), "alone").await;
    world.resting("alone+2").await;
    let cancelled = world.flows.cancel("alone").await.unwrap();
    assert_eq!(
        (cancelled.id.as_str(), cancelled.status),
        ("alone+2", JobStatus::Cancelled)
    );
    assert_eq!(world.flows.cancel("alone").await.unwrap_err().code(), "JOB_STATUS");
    let resumed = world.flows.resume("alone").await.unwrap();
    assert_eq!(resumed.id, "alone+2");

    world.start("parent", json!(null), "run").await;
    let rests = world.resting_at("run", "child rounds").await;
    let child = step(&rests, "child rounds").child.clone().unwrap();
    let last = world.resting(&format!("{child}+3")).await.id;
    world.flows.cancel("run").await.unwrap();
    let ended = world.flows.get(&last).await.unwrap();
    assert_eq!(ended.status, WorkflowStatus::Cancelled);
    world.kill().await;
}

async fn what_a_run_owns_ends_when_it_continues_and_what_it_abandoned_goes_on(place: &Place) {
    let disk = Disk::new(place);
    let world = disk.boot(&family()).await;
    world.start("leaves", json!(null), "run").await;
    world.resting("run+2").await;
    let first = world.flows.get("run").await.unwrap();
    let children: Vec<_> = first
        .steps
        .iter()
        .flatten()
        .filter_map(|step| step.child.clone())
        .collect();
    let status = async |id: &str| world.flows.get(id).await.unwrap().status;
    assert_eq!(status(&children[0]).await, WorkflowStatus::Cancelled);
    assert!(!status(&children[1]).await.ended());
    world.kill().await;
}

async fn an_id_is_free_again_when_the_last_of_its_runs_is_forgotten(place: &Place) {
    let disk = Disk::new(place);
    let world = disk.boot(&family()).await;
    world.start("rounds", json!(1), "run").await;
    world.resting("run+2").await;
    world.forget_ended().await;
    let start = |input: Value| StartWorkflow {
        name: "rounds".to_owned(),
        input: Some(input.into()),
        id: Some("run".to_owned()),
    };
    let gone = world.flows.get("run").await.unwrap_err();
    assert_eq!(gone.code(), "WORKFLOW_NOT_FOUND");
    assert_eq!(gone.details().unwrap()["latest"], "run+2", "{gone}");
    let taken = world.flows.start(start(json!(1))).await.unwrap_err();
    assert_eq!(taken.code(), "WORKFLOW_EXISTS");
    world.flows.signal("run", "go", json!(5).into()).await.unwrap();
    let last = soon(world.flows.ended("run")).await.unwrap();
    assert_eq!(last.result.unwrap().value(), json!(5));
    world.forget_ended().await;
    world.kill().await;
    let world = disk.boot(&family()).await;
    let mut heads = world.store.heads();
    while world.store.get("kernel.flow", "chain/run").await.unwrap().is_some() {
        soon(heads.changed()).await.unwrap();
    }
    assert_eq!(world.flows.start(start(json!(0))).await.unwrap().id, "run");
    world.kill().await;
}
