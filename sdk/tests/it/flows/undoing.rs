//! A run that fails undoes what it did.

use std::sync::{Arc, Mutex};

use serde_json::json;
use syscall_sdk::error::Error;

use super::place::{Disk, Place, on_every_store};
use super::world::{Plan, failure, rounds, steps};

on_every_store! {
    a_failed_run_undoes_what_it_did_in_reverse,
    a_process_may_die_at_every_commit_of_undoing,
    what_cannot_be_undone_is_said_and_the_rest_is_undone,
}

/// Books three things and fails; what it undoes is listed.
fn booking(undone: &Arc<Mutex<Vec<&'static str>>>) -> Plan {
    let undone = Arc::clone(undone);
    Plan::default().flow("book", move |flow, _| {
        let undone = Arc::clone(&undone);
        async move {
            for what in ["flight", "hotel", "car"] {
                flow.step(what, async || Ok(())).await?;
                let undone = Arc::clone(&undone);
                flow.compensate(what, move || {
                    let undone = Arc::clone(&undone);
                    async move {
                        undone.lock().unwrap().push(what);
                        Ok(())
                    }
                });
            }
            flow.step("pay", async || {
                Err::<(), _>(Error::invalid("no money").with_code("BROKE"))
            })
            .await?;
            Ok(json!(null))
        }
    })
}

async fn a_failed_run_undoes_what_it_did_in_reverse(place: &Place) {
    let (disk, undone) = (Disk::new(place), Arc::default());
    let world = disk.boot(&booking(&undone)).await;
    world.start("book", json!(null), "run").await;
    let run = world.ended("run").await;
    assert_eq!(failure(&run), ("BROKE", "no money"));
    assert_eq!(*undone.lock().unwrap(), ["car", "hotel", "flight"]);
    assert_eq!(
        steps(&run)[4..],
        ["undo car completed", "undo hotel completed", "undo flight completed"]
    );
    world.kill().await;
}

async fn a_process_may_die_at_every_commit_of_undoing(place: &Place) {
    let kills = rounds(async |commits| {
        let (disk, undone) = (Disk::new(place), Arc::default());
        let plan = booking(&undone);
        let world = disk.boot(&plan).await;
        world.start("book", json!(null), "run").await;
        world.store.hold_after(commits);
        let died = tokio::select! {
            () = world.store.waiting(1) => true,
            _ = world.ended("run") => false,
        };
        world.kill().await;
        let world = disk.boot(&plan).await;
        let run = world.ended("run").await;
        assert_eq!(failure(&run), ("BROKE", "no money"), "after {commits} commits");
        let mut order = undone.lock().unwrap().clone();
        order.dedup();
        assert_eq!(order, ["car", "hotel", "flight"], "after {commits} commits");
        world.kill().await;
        died
    })
    .await;
    assert!(kills > 4, "only {kills} kills");
}

async fn what_cannot_be_undone_is_said_and_the_rest_is_undone(place: &Place) {
    let disk = Disk::new(place);
    let world = disk
        .boot(&Plan::default().flow("book", |flow, _| async move {
            flow.compensate("flight", async || Ok(()));
            flow.compensate("hotel", async || Err(Error::invalid("they keep it")));
            Err(Error::conflict("no car").with_code("NO_CAR"))
        }))
        .await;
    world.start("book", json!(null), "run").await;
    let run = world.ended("run").await;
    let (code, message) = failure(&run);
    assert_eq!(code, "NO_CAR");
    assert!(
        message.contains("no car") && message.contains("hotel (they keep it)"),
        "{message}"
    );
    assert_eq!(steps(&run), ["undo hotel failed", "undo flight completed"]);
    world.kill().await;
}
