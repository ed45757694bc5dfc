//! A step that fails is tried again, and how it ended is written down.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use syscall_sdk::error::Error;
use syscall_sdk::policy::Backoff;
use syscall_sdk::store::Store;
use syscall_sdk::wire::StepStatus;
use syscall_sdk::workflow::Branch;

use super::place::{Disk, Place, on_every_store};
use super::world::{Plan, failure, result, step};

on_every_store! {
    a_step_is_tried_as_its_policy_says_and_its_failure_is_the_same_at_every_replay,
    a_step_between_far_attempts_holds_no_slot_and_counts_on_in_the_next_life,
    steps_side_by_side_that_end_together_are_written_down_in_one_commit,
    a_result_that_is_too_large_fails_its_step,
}

async fn a_step_is_tried_as_its_policy_says_and_its_failure_is_the_same_at_every_replay(place: &Place) {
    let disk = Disk::new(place);
    let plan = Plan::default().flow("try", |flow, _| async move {
        let failed = flow
            .step("often", async || {
                Err::<(), _>(Error::unavailable("away").with_code("AWAY"))
            })
            .attempts(3)
            .backoff(Backoff::doubling(Duration::from_millis(1), Duration::from_millis(2)))
            .await
            .unwrap_err();
        let once = flow
            .step("once", async || {
                Err::<(), _>(Error::unavailable("away").with_code("GONE"))
            })
            .give_up_on("GONE")
            .await
            .unwrap_err();
        let late = flow
            .step("late", std::future::pending::<syscall_sdk::error::Result<()>>)
            .timeout(Duration::from_millis(5))
            .attempts(1)
            .await
            .unwrap_err();
        let panicked = flow
            .step("panics", async || -> syscall_sdk::error::Result<()> {
                panic!("on purpose")
            })
            .attempts(1)
            .await
            .unwrap_err();
        flow.signal::<()>("go", None).await?;
        let codes = [failed, once, late, panicked].map(|error| error.code().to_owned());
        Ok(json!(codes))
    });
    let world = disk.boot(&plan).await;
    world.start("try", json!(null), "run").await;
    let rests = world.resting("run").await;
    let attempts = ["often", "once", "late", "panics"].map(|name| step(&rests, name).attempts);
    assert_eq!(attempts, [3, 1, 1, 1]);
    world.kill().await;
    let world = disk.boot(&plan).await;
    world.flows.signal("run", "go", json!(null).into()).await.unwrap();
    let codes = json!(["AWAY", "GONE", "DEADLINE_EXCEEDED", "PANIC"]);
    assert_eq!(result(&world.ended("run").await), codes);
    world.kill().await;
}

async fn a_step_between_far_attempts_holds_no_slot_and_counts_on_in_the_next_life(place: &Place) {
    let disk = Disk::new(place);
    let tries = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&tries);
    let plan = Plan::default().flow("try", move |flow, _| {
        let tries = Arc::clone(&counted);
        async move {
            let work = || {
                let tries = Arc::clone(&tries);
                async move {
                    let mut tries = tries.lock().unwrap();
                    *tries += 1;
                    match *tries {
                        1 => Err(Error::unavailable("away").with_retry_after(Duration::from_millis(400))),
                        tries => Ok(tries),
                    }
                }
            };
            Ok(json!(flow.step("often", work).await?))
        }
    });
    let world = disk.boot(&plan).await;
    world.start("try", json!(null), "run").await;
    let rests = world.resting("run").await;
    let waits = step(&rests, "often");
    assert_eq!((waits.status, waits.attempts), (StepStatus::Waiting, 1));
    assert_eq!(waits.error.as_ref().unwrap().message, "away");
    world.kill().await;
    let world = disk.boot(&plan).await;
    let run = world.ended("run").await;
    assert_eq!((result(&run), step(&run, "often").attempts), (json!(2), 2));
    world.kill().await;
}

async fn steps_side_by_side_that_end_together_are_written_down_in_one_commit(place: &Place) {
    let disk = Disk::new(place);
    let world = disk
        .boot(&Plan::default().flow("wave", |flow, _| async move {
            let branch = |name: &'static str| -> Branch<'_, ()> {
                let flow = &flow;
                Box::pin(async move { flow.step(name, async || Ok(())).await })
            };
            flow.all(["a", "b", "c"].map(branch)).await?;
            let (d, e) = flow
                .both(flow.step("d", async || Ok(4)), flow.step("e", async || Ok(5)))
                .await?;
            Ok(json!([d, e]))
        }))
        .await;
    world.start("wave", json!(null), "run").await;
    assert_eq!(result(&world.ended("run").await), json!([4, 5]));
    let revision = async |step: &str| {
        let entry = world
            .store
            .get("kernel.flow", &format!("run/run/step/{step}#0"))
            .await
            .unwrap();
        entry.unwrap().revision
    };
    let first = revision("a").await;
    assert_eq!((revision("b").await, revision("c").await), (first + 1, first + 2));
    assert_eq!(revision("e").await, revision("d").await + 1);
    world.kill().await;
}

async fn a_result_that_is_too_large_fails_its_step(place: &Place) {
    let disk = Disk::new(place);
    let world = disk
        .boot(&Plan::default().flow("large", |flow, _| async move {
            flow.step("large", async || Ok("x".repeat(2 << 20))).await?;
            Ok(json!(null))
        }))
        .await;
    world.start("large", json!(null), "run").await;
    assert_eq!(failure(&world.ended("run").await).0, "STEP_RESULT_TOO_LARGE");
    world.kill().await;
}
