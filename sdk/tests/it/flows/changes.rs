//! Code that changes under a journal.

use serde_json::json;
use syscall_sdk::error::Error;
use syscall_sdk::workflow::CHANGED;

use super::place::{Disk, Place, on_every_store};
use super::world::{Plan, World, failure, result, step, steps};

on_every_store! {
    a_renamed_step_is_not_done_and_the_error_names_both,
    another_request_under_the_same_name_is_told_with_both_values,
    a_step_that_is_another_kind_of_thing_now_is_told,
    a_step_that_is_no_longer_asked_for_is_told,
    a_step_inserted_behind_a_marker_is_left_out_of_old_runs_and_done_in_new_ones,
    a_step_added_at_the_end_needs_no_marker,
    a_run_whose_code_was_mended_is_resumed_where_it_was,
    a_fork_shares_what_came_before_a_step_and_does_the_rest_anew,
}

/// A run of the old code that waits for a signal after a step named `charge` that was given 5.
async fn waiting(disk: &Disk) -> World {
    let world = disk
        .boot(&Plan::default().flow("order", |flow, _| async move {
            flow.step("look", async || Ok(1)).await?;
            let charged = flow.step("charge", async || Ok("charged".to_owned())).given(&5).await?;
            flow.signal::<()>("go", None).await?;
            Ok(json!(charged))
        }))
        .await;
    world.start("order", json!(null), "run").await;
    world.resting("run").await;
    world
}

async fn then(place: &Place, plan: Plan) -> syscall_sdk::wire::Workflow {
    let disk = Disk::new(place);
    waiting(&disk).await.kill().await;
    let world = disk.boot(&plan).await;
    world.flows.signal("run", "go", json!(null).into()).await.unwrap();
    let run = world.ended("run").await;
    world.kill().await;
    run
}

async fn a_renamed_step_is_not_done_and_the_error_names_both(place: &Place) {
    let run = then(
        place,
        Plan::default().flow("order", |flow, _| async move {
            flow.step("look", async || Ok(1)).await?;
            flow.step("charge-card", async || Err::<(), _>(Error::internal("it was done")))
                .await?;
            Ok(json!(null))
        }),
    )
    .await;
    let (code, message) = failure(&run);
    assert_eq!(code, CHANGED);
    for said in ["\"charge#0\"", "\"charge-card#0\"", "resume", "version marker", "fork"] {
        assert!(message.contains(said), "{message}");
    }
    assert_eq!(steps(&run), ["look completed", "charge completed", "signal go waiting"]);
}

async fn another_request_under_the_same_name_is_told_with_both_values(place: &Place) {
    let run = then(
        place,
        Plan::default().flow("order", |flow, _| async move {
            flow.step("look", async || Ok(1)).await?;
            let charged = flow.step("charge", async || Ok("charged".to_owned())).given(&6).await?;
            Ok(json!(charged))
        }),
    )
    .await;
    let (code, message) = failure(&run);
    assert_eq!(code, CHANGED);
    assert!(
        message.contains("was journalled with 5") && message.contains("asks for it with 6"),
        "{message}"
    );
}

async fn a_step_that_is_another_kind_of_thing_now_is_told(place: &Place) {
    let run = then(
        place,
        Plan::default().flow("order", |flow, _| async move {
            flow.version("look", 1).await?;
            flow.emit(
                &syscall_sdk::contract::Topic::<String>::new("core", "x"),
                &"x".to_owned(),
            )
            .await?;
            flow.job_by_name("charge", None).await?;
            Ok(json!(null))
        }),
    )
    .await;
    assert_eq!(failure(&run).0, CHANGED);
}

async fn a_step_that_is_no_longer_asked_for_is_told(place: &Place) {
    let run = then(
        place,
        Plan::default().flow("order", |flow, _| async move {
            flow.step("look", async || Ok(1)).await?;
            Ok(json!("done"))
        }),
    )
    .await;
    let (code, message) = failure(&run);
    assert_eq!(code, CHANGED);
    assert!(
        message.contains("\"charge#0\"") && message.contains("no longer"),
        "{message}"
    );
}

async fn a_step_inserted_behind_a_marker_is_left_out_of_old_runs_and_done_in_new_ones(place: &Place) {
    let disk = Disk::new(place);
    waiting(&disk).await.kill().await;
    let plan = Plan::default().flow("order", |flow, _| async move {
        flow.step("look", async || Ok(1)).await?;
        let version = flow.version("check for fraud", 1).await?;
        if version >= 1 {
            flow.step("check for fraud", async || Ok(())).await?;
        }
        flow.step("charge", async || Ok("charged".to_owned())).given(&5).await?;
        flow.signal::<()>("go", None).await?;
        flow.step("ship", async || Ok(())).await?;
        Ok(json!(version))
    });
    let world = disk.boot(&plan).await;
    world.start("order", json!(null), "new").await;
    world.resting("new").await;
    for (run, version) in [("run", 0), ("new", 1)] {
        world.flows.signal(run, "go", json!(null).into()).await.unwrap();
        let run = world.ended(run).await;
        assert_eq!(result(&run), json!(version));
        let checked = steps(&run).contains(&"check for fraud completed".to_owned());
        assert_eq!(checked, version == 1);
    }
    world.kill().await;
}

async fn a_step_added_at_the_end_needs_no_marker(place: &Place) {
    let run = then(
        place,
        Plan::default().flow("order", |flow, _| async move {
            flow.step("look", async || Ok(1)).await?;
            flow.step("charge", async || Ok("charged".to_owned())).given(&5).await?;
            flow.signal::<()>("go", None).await?;
            Ok(json!(flow.step("ship", async || Ok("shipped".to_owned())).await?))
        }),
    )
    .await;
    assert_eq!(result(&run), json!("shipped"));
}

async fn a_run_whose_code_was_mended_is_resumed_where_it_was(place: &Place) {
    let disk = Disk::new(place);
    waiting(&disk).await.kill().await;
    let world = disk
        .boot(&Plan::default().flow("order", |flow, _| async move {
            flow.step("charge twice", async || Ok(1)).await?;
            Ok(json!(null))
        }))
        .await;
    world.flows.signal("run", "go", json!(null).into()).await.unwrap();
    assert_eq!(failure(&world.ended("run").await).0, CHANGED);
    world.kill().await;
    let world = disk
        .boot(&Plan::default().flow("order", |flow, _| async move {
            flow.step("look", async || Err::<u8, _>(Error::internal("done again")))
                .await?;
            let charged = flow
                .step("charge", async || Ok("charged anew".to_owned()))
                .given(&5)
                .await?;
            flow.signal::<()>("go", None).await?;
            Ok(json!(charged))
        }))
        .await;
    world.flows.resume("run").await.unwrap();
    assert_eq!(result(&world.ended("run").await), json!("charged"));
    world.kill().await;
}

async fn a_fork_shares_what_came_before_a_step_and_does_the_rest_anew(place: &Place) {
    let disk = Disk::new(place);
    let count = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let plan = Plan::default().flow("order", move |flow, _| {
        let count = std::sync::Arc::clone(&count);
        async move {
            let next = || {
                let count = std::sync::Arc::clone(&count);
                async move { Ok(count.fetch_add(1, std::sync::atomic::Ordering::SeqCst)) }
            };
            let a = flow.step("a", next).await?;
            let b = flow.step("b", next).await?;
            let c = flow.step("c", next).await?;
            Ok(json!([a, b, c]))
        }
    });
    let world = disk.boot(&plan).await;
    world.start("order", json!(null), "run").await;
    assert_eq!(result(&world.ended("run").await), json!([0, 1, 2]));
    let fork = world.flows.fork("run", Some("b")).await.unwrap();
    let run = world.ended(&fork.id).await;
    assert_eq!(result(&run), json!([0, 3, 4]));
    assert_eq!(run.forked_from.as_deref(), Some("run"));
    assert_eq!(step(&run, "a").result.as_ref().unwrap().text(), "0");
    let whole = world.flows.fork("run", None).await.unwrap();
    assert_eq!(result(&world.ended(&whole.id).await), json!([5, 6, 7]));
    let missing = world.flows.fork("run", Some("d")).await.unwrap_err();
    assert_eq!(missing.code(), "NO_SUCH_STEP");
    assert!(missing.message().contains("a#0, b#0, c#0"), "{missing}");
    assert_eq!(result(&world.ended("run").await), json!([0, 1, 2]));
    world.kill().await;
}
