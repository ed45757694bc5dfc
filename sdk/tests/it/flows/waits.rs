//! Waiting: signals, events, sleeps, and what they do not miss.

use std::time::Duration;

use serde_json::json;
use syscall_sdk::wire::{JobStatus, StepStatus};

use super::world::{Disk, Plan, result, step};

fn signals() -> Plan {
    Plan::default().flow("wait", |flow, input| async move {
        let timeout = input.as_u64().map(Duration::from_millis);
        let first: Option<String> = flow.signal("go", timeout).await?;
        let again: Option<String> = flow.signal("go", timeout).await?;
        Ok(json!([first, again]))
    })
}

#[tokio::test]
async fn the_first_signal_of_a_name_is_its_value() {
    let disk = Disk::new();
    let world = disk.boot(&signals());
    world.start("wait", json!(null), "run").await;
    let rests = world.resting("run").await;
    assert_eq!(rests.status, JobStatus::Pending);
    let waits = step(&rests, "signal go");
    assert_eq!(waits.status, StepStatus::Waiting);
    assert_eq!(waits.waits.as_ref().unwrap().signal.as_deref(), Some("go"));
    let sent = world.flows.signal("run", "go", json!("now").into()).await.unwrap();
    assert!(sent.first);
    let ended = world.ended("run").await;
    assert_eq!(result(&ended), json!(["now", "now"]));
    world.kill().await;
}

#[tokio::test]
async fn a_signal_sent_twice_counts_once_and_another_value_is_refused() {
    let disk = Disk::new();
    let world = disk.boot(&Plan::default().flow("hold", |flow, _| async move {
        flow.signal::<()>("end", None).await?;
        Ok(json!(flow.signal::<u8>("go", None).await?))
    }));
    world.start("hold", json!(null), "run").await;
    let send = |value: u8| world.flows.signal("run", "go", json!(value).into());
    assert!(send(1).await.unwrap().first);
    assert!(!send(1).await.unwrap().first);
    assert_eq!(send(2).await.unwrap_err().code(), "SIGNAL_EXISTS");
    world.flows.signal("run", "end", json!(null).into()).await.unwrap();
    assert_eq!(result(&world.ended("run").await), json!(1));
    assert_eq!(send(1).await.unwrap_err().code(), "JOB_STATUS");
    let nobody = world.flows.signal("nobody", "go", json!(1).into()).await.unwrap_err();
    assert_eq!(nobody.code(), "WORKFLOW_NOT_FOUND");
    world.kill().await;
}

#[tokio::test]
async fn a_wait_that_is_over_gives_nothing_also_after_a_restart() {
    let disk = Disk::new();
    let world = disk.boot(&signals());
    world.start("wait", json!(300), "run").await;
    let rests = world.resting("run").await;
    assert_eq!(rests.status, JobStatus::Queued);
    assert!(rests.run_at.is_some());
    world.kill().await;
    let world = disk.boot(&signals());
    assert_eq!(result(&world.ended("run").await), json!([null, null]));
    world.kill().await;
}

#[tokio::test]
async fn an_event_that_came_before_it_was_asked_for_is_found() {
    let disk = Disk::new();
    let world = disk.boot(&events());
    world
        .events
        .emit("paid", Some(json!({ "id": 7, "by": "before the run" }).into()))
        .await
        .unwrap();
    world.start("wait", json!(null), "run").await;
    world
        .events
        .emit("paid", Some(json!({ "id": 7, "by": "early" }).into()))
        .await
        .unwrap();
    world.flows.signal("run", "look", json!(null).into()).await.unwrap();
    assert_eq!(result(&world.ended("run").await), json!("early"));
    world.kill().await;
}

#[tokio::test]
async fn an_event_wakes_a_run_at_rest_in_the_next_life_too() {
    for restart in [false, true] {
        let disk = Disk::new();
        let mut world = disk.boot(&events());
        world.start("wait", json!(null), "run").await;
        world.flows.signal("run", "look", json!(null).into()).await.unwrap();
        loop {
            let run = world.resting("run").await;
            if run.steps.iter().flatten().any(|step| step.kind == "event") {
                assert_eq!(
                    step(&run, "event paid").waits.as_ref().unwrap().event.as_deref(),
                    Some("paid")
                );
                break;
            }
            tokio::task::yield_now().await;
        }
        if restart {
            world.kill().await;
            world = disk.boot(&events());
        }
        world
            .events
            .emit("paid", Some(json!({ "id": 8, "by": "another" }).into()))
            .await
            .unwrap();
        world
            .events
            .emit("other", Some(json!({ "id": 7 }).into()))
            .await
            .unwrap();
        world
            .events
            .emit("paid", Some(json!({ "id": 7, "by": "late" }).into()))
            .await
            .unwrap();
        assert_eq!(result(&world.ended("run").await), json!("late"));
        world.kill().await;
    }
}

fn events() -> Plan {
    Plan::default().flow("wait", |flow, _| async move {
        flow.signal::<()>("look", None).await?;
        let event = flow.wait_event_by_name("paid", json!({ "id": 7 }), None).await?;
        Ok(event
            .and_then(|event| event.data)
            .map_or(json!(null), |data| data.value()["by"].clone()))
    })
}

#[tokio::test]
async fn a_sleep_holds_no_slot_and_keeps_its_moment_across_lives() {
    let disk = Disk::new();
    let plan = Plan::default().flow("sleep", |flow, _| async move {
        let before = flow.now().await?;
        flow.sleep(Duration::from_millis(600)).await?;
        let after = flow.now().await?;
        Ok(json!((after - before).num_milliseconds()))
    });
    let world = disk.boot(&plan);
    world.start("sleep", json!(null), "run").await;
    let rests = world.resting("run").await;
    let until = rests.run_at.unwrap();
    world.kill().await;
    let world = disk.boot(&plan);
    assert_eq!(world.resting("run").await.run_at, Some(until));
    let slept = result(&world.ended("run").await).as_i64().unwrap();
    assert!(slept >= 600, "{slept}");
    world.kill().await;
}

#[tokio::test]
async fn a_wait_longer_than_ten_years_is_refused() {
    let disk = Disk::new();
    let world = disk.boot(&Plan::default().flow("sleep", |flow, _| async move {
        flow.sleep(Duration::from_secs(u64::MAX)).await?;
        Ok(json!(null))
    }));
    world.start("sleep", json!(null), "run").await;
    assert_eq!(super::world::failure(&world.ended("run").await).0, "INVALID_ARGUMENT");
    world.kill().await;
}

#[tokio::test]
async fn an_event_of_another_service_is_not_waited_for() {
    let disk = Disk::new();
    let world = disk.boot(&Plan::default().flow("wait", |flow, _| async move {
        let topic = syscall_sdk::contract::Topic::<String>::new("api", "said");
        Ok(json!(flow.wait_event(&topic, json!(null), None).await?))
    }));
    world.start("wait", json!(null), "run").await;
    let run = world.ended("run").await;
    assert!(super::world::failure(&run).1.contains("another service"));
    world.kill().await;
}
