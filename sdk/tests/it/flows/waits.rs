//! Waiting: signals, events, sleeps, and what they do not miss.

use std::time::Duration;

use serde_json::json;
use syscall_sdk::wire::{StepStatus, WorkflowStatus};

use super::place::{Disk, Place, on_every_store};
use super::world::{Plan, result, step};

on_every_store! {
    the_first_signal_of_a_name_is_its_value,
    a_signal_sent_twice_counts_once_and_another_value_is_refused,
    a_wait_that_is_over_gives_nothing_also_after_a_restart,
    an_event_that_came_before_it_was_asked_for_is_found,
    an_event_wakes_a_run_at_rest_in_the_next_life_too,
    a_sleep_holds_no_slot_and_keeps_its_moment_across_lives,
    a_wait_longer_than_ten_years_is_refused,
    an_event_of_another_service_is_not_waited_for,
}

fn signals() -> Plan {
    Plan::default().flow("wait", |flow, input| async move {
        let timeout = input.as_u64().map(Duration::from_millis);
        let first: Option<String> = flow.signal("go", timeout).await?;
        let again: Option<String> = flow.signal("go", timeout).await?;
        Ok(json!([first, again]))
    })
}

async fn the_first_signal_of_a_name_is_its_value(place: &Place) {
    let disk = Disk::new(place);
    let world = disk.boot(&signals()).await;
    world.start("wait", json!(null), "run").await;
    let rests = world.resting("run").await;
    assert_eq!(rests.status, WorkflowStatus::Pending);
    let waits = step(&rests, "signal go");
    assert_eq!(waits.status, StepStatus::Waiting);
    assert_eq!(waits.waits.as_ref().unwrap().signal.as_deref(), Some("go"));
    let sent = world.flows.signal("run", "go", json!("now").into()).await.unwrap();
    assert!(sent.first);
    let ended = world.ended("run").await;
    assert_eq!(result(&ended), json!(["now", "now"]));
    world.kill().await;
}

async fn a_signal_sent_twice_counts_once_and_another_value_is_refused(place: &Place) {
    let disk = Disk::new(place);
    let world = disk
        .boot(&Plan::default().flow("hold", |flow, _| async move {
            flow.signal::<()>("end", None).await?;
            Ok(json!(flow.signal::<u8>("go", None).await?))
        }))
        .await;
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

async fn a_wait_that_is_over_gives_nothing_also_after_a_restart(place: &Place) {
    let disk = Disk::new(place);
    let world = disk.boot(&signals()).await;
    world.start("wait", json!(300), "run").await;
    let rests = world.resting("run").await;
    assert_eq!(rests.status, WorkflowStatus::Queued);
    assert!(rests.run_at.is_some());
    world.kill().await;
    let world = disk.boot(&signals()).await;
    assert_eq!(result(&world.ended("run").await), json!([null, null]));
    world.kill().await;
}

async fn an_event_that_came_before_it_was_asked_for_is_found(place: &Place) {
    let disk = Disk::new(place);
    let world = disk.boot(&events()).await;
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

async fn an_event_wakes_a_run_at_rest_in_the_next_life_too(place: &Place) {
    for restart in [false, true] {
        let disk = Disk::new(place);
        let mut world = disk.boot(&events()).await;
        world.start("wait", json!(null), "run").await;
        world.flows.signal("run", "look", json!(null).into()).await.unwrap();
        let rests = world.resting_at("run", "event paid").await;
        let waits = step(&rests, "event paid").waits.as_ref().unwrap();
        assert_eq!(waits.event.as_deref(), Some("paid"));
        if restart {
            world.kill().await;
            world = disk.boot(&events()).await;
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

async fn a_sleep_holds_no_slot_and_keeps_its_moment_across_lives(place: &Place) {
    let disk = Disk::new(place);
    let plan = Plan::default().flow("sleep", |flow, _| async move {
        let before = flow.now().await?;
        flow.sleep(Duration::from_millis(600)).await?;
        let after = flow.now().await?;
        Ok(json!((after - before).num_milliseconds()))
    });
    let world = disk.boot(&plan).await;
    world.start("sleep", json!(null), "run").await;
    let rests = world.resting("run").await;
    let until = rests.run_at.unwrap();
    world.kill().await;
    let world = disk.boot(&plan).await;
    assert_eq!(world.resting("run").await.run_at, Some(until));
    let slept = result(&world.ended("run").await).as_i64().unwrap();
    assert!(slept >= 600, "{slept}");
    world.kill().await;
}

async fn a_wait_longer_than_ten_years_is_refused(place: &Place) {
    let disk = Disk::new(place);
    let world = disk
        .boot(&Plan::default().flow("sleep", |flow, _| async move {
            flow.sleep(Duration::from_secs(u64::MAX)).await?;
            Ok(json!(null))
        }))
        .await;
    world.start("sleep", json!(null), "run").await;
    assert_eq!(super::world::failure(&world.ended("run").await).0, "INVALID_ARGUMENT");
    world.kill().await;
}

async fn an_event_of_another_service_is_not_waited_for(place: &Place) {
    let disk = Disk::new(place);
    let world = disk
        .boot(&Plan::default().flow("wait", |flow, _| async move {
            let topic = syscall_sdk::contract::Topic::<String>::new("api", "said");
            Ok(json!(flow.wait_event(&topic, json!(null), None).await?))
        }))
        .await;
    world.start("wait", json!(null), "run").await;
    let run = world.ended("run").await;
    assert!(super::world::failure(&run).1.contains("another service"));
    world.kill().await;
}
