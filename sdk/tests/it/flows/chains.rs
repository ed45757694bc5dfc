//! Runs that continue as new: a workflow that outlives its journals.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use serde_json::{Value, json};
use syscall_sdk::store::Store;
use syscall_sdk::store::fault::Failure;
use syscall_sdk::wire::{Workflow, WorkflowChain, WorkflowStatus};
use syscall_sdk::workflow::{Branch, CHANGED, STEPS_SUGGESTED};

use super::place::{Disk, Place, on_every_store};
use super::world::{Plan, World, failure, result, rounds, soon, steps};

on_every_store! {
    a_run_ends_as_continued_and_the_next_one_has_the_new_input_and_an_empty_journal,
    a_process_may_die_at_every_commit_of_a_chain,
    an_answer_may_be_lost_at_every_commit_of_a_chain,
    a_signal_that_was_not_taken_goes_on_and_one_that_was_does_not,
    no_signal_is_lost_while_runs_continue,
    the_log_is_read_on_from_behind_the_last_event,
    nothing_is_undone_when_a_run_continues,
    the_next_run_has_the_newest_version_of_the_code,
    an_input_that_does_not_fit_is_refused,
    code_that_continues_before_its_journal_ends_has_changed,
    a_long_run_is_told_to_continue_and_told_so_again_in_its_next_life,
}

/// Counts up to three, a run a number.
fn counting() -> Plan {
    Plan::default().flow("count", |flow, input| async move {
        let number = input.as_u64().unwrap_or_default();
        let next = flow.step("add", async || Ok(number + 1)).await?;
        if next < 3 {
            return flow.continue_as_new(&next).await;
        }
        Ok(json!([flow.first_id(), next]))
    })
}

/// The run in which a workflow ended.
async fn end(world: &World, id: &str) -> Workflow {
    let ended = soon(world.flows.ended(id)).await.unwrap();
    world.flows.get(&ended.id).await.unwrap()
}

async fn a_run_ends_as_continued_and_the_next_one_has_the_new_input_and_an_empty_journal(place: &Place) {
    let disk = Disk::new(place);
    let world = disk.boot(&counting()).await;
    world.start("count", json!(0), "run").await;
    let last = end(&world, "run").await;
    assert_eq!(
        (last.id.as_str(), last.status, result(&last)),
        ("run+3", WorkflowStatus::Completed, json!(["run", 3]))
    );
    let chain = |number| {
        let (first, latest) = ("run".to_owned(), "run+3".to_owned());
        Some(WorkflowChain { first, latest, number })
    };
    assert_eq!((last.chain.clone(), last.continued_as.clone()), (chain(3), None));
    for (id, number, input, before, next) in [("run", 1, 0, None, "run+2"), ("run+2", 2, 1, Some("run"), "run+3")] {
        let run = world.flows.get(id).await.unwrap();
        assert_eq!((run.status, run.result.clone()), (WorkflowStatus::Continued, None));
        assert_eq!(run.input.as_ref().unwrap().value(), json!(input));
        assert_eq!(run.chain, chain(number));
        assert_eq!(
            (run.continued_from.as_deref(), run.continued_as.as_deref()),
            (before, Some(next))
        );
        assert_eq!(steps(&run), ["add completed"]);
        assert_eq!(world.flows.resume("run").await.unwrap_err().code(), "JOB_STATUS");
    }
    assert_eq!(last.continued_from.as_deref(), Some("run+2"));
    let listed = async |status| {
        let (runs, _) = world.flows.list(None, Some(status), None, 10).await.unwrap();
        runs.into_iter().map(|run| run.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(WorkflowStatus::Continued).await, ["run+2", "run"]);
    assert_eq!(listed(WorkflowStatus::Completed).await, ["run+3"]);
    world.kill().await;
}

/// The runs of a chain of three, each with what its step came to.
async fn runs_of_three(world: &World) -> BTreeMap<String, Option<Value>> {
    let (runs, _) = world.flows.list(None, None, None, 10).await.unwrap();
    let mut found = BTreeMap::new();
    for run in runs {
        let run = world.flows.get(&run.id).await.unwrap();
        let step = run.steps.iter().flatten().next();
        let came_to = step.and_then(|step| step.result.as_ref()).map(|result| result.value());
        found.insert(run.id, came_to);
    }
    found
}

fn three() -> BTreeMap<String, Option<Value>> {
    let three = [("run", 1), ("run+2", 2), ("run+3", 3)];
    three.map(|(id, number)| (id.to_owned(), Some(json!(number)))).into()
}

async fn a_process_may_die_at_every_commit_of_a_chain(place: &Place) {
    let kills = rounds(async |commits| {
        let disk = Disk::new(place);
        let world = disk.boot(&counting()).await;
        world.start("count", json!(0), "run").await;
        world.store.hold_after(commits);
        let died = tokio::select! {
            () = world.store.waiting(1) => true,
            _ = end(&world, "run") => false,
        };
        world.kill().await;
        let world = disk.boot(&counting()).await;
        assert_eq!(end(&world, "run").await.id, "run+3", "after {commits} commits");
        assert_eq!(runs_of_three(&world).await, three(), "after {commits} commits");
        world.kill().await;
        died
    })
    .await;
    assert!(kills > 5, "only {kills} kills");
}

async fn an_answer_may_be_lost_at_every_commit_of_a_chain(place: &Place) {
    let lost = rounds(async |commits| {
        let disk = Disk::new(place);
        let world = disk.boot(&counting()).await;
        world.start("count", json!(0), "run").await;
        world.store.lose_answer_after(commits, Failure::Busy);
        assert_eq!(end(&world, "run").await.id, "run+3", "after {commits} commits");
        assert_eq!(runs_of_three(&world).await, three(), "after {commits} commits");
        let lost = world.store.counts().unanswered;
        world.kill().await;
        lost > 0
    })
    .await;
    assert!(lost > 5, "only {lost} answers were lost");
}

async fn a_signal_that_was_not_taken_goes_on_and_one_that_was_does_not(place: &Place) {
    let disk = Disk::new(place);
    let plan = Plan::default().flow("sum", |flow, input| async move {
        let sum = input.as_u64().unwrap_or_default();
        if sum >= 10 {
            let why: Option<String> = flow.signal("why", None).await?;
            return Ok(json!([sum, why]));
        }
        let more = flow.signal::<u64>("add", None).await?.unwrap_or_default();
        flow.continue_as_new(&(sum + more)).await
    });
    let world = disk.boot(&plan).await;
    world.start("sum", json!(1), "run").await;
    let send = async |name: &str, value: Value| world.flows.signal("run", name, value.into()).await.unwrap();
    assert_eq!(send("why", json!("enough")).await.id, "run");
    assert!(send("add", json!(4)).await.first);
    world.resting_at("run+2", "signal add").await;
    let sent = send("add", json!(5)).await;
    assert_eq!((sent.id.as_str(), sent.first), ("run+2", true));
    let last = end(&world, "run").await;
    assert_eq!((last.id.as_str(), result(&last)), ("run+3", json!([10, "enough"])));
    assert_eq!(
        world
            .flows
            .signal("run", "add", json!(1).into())
            .await
            .unwrap_err()
            .code(),
        "JOB_STATUS"
    );
    let nobody = world.flows.signal("run+9", "add", json!(1).into()).await.unwrap_err();
    assert_eq!(nobody.code(), "WORKFLOW_NOT_FOUND");
    world.kill().await;
}

async fn no_signal_is_lost_while_runs_continue(place: &Place) {
    const SIGNALS: u64 = 8;
    let disk = Disk::new(place);
    let plan = Plan::default().flow("take", |flow, input| async move {
        let taken = input.as_u64().unwrap_or_default();
        if taken == SIGNALS {
            return Ok(json!(taken));
        }
        flow.signal::<()>(&format!("signal-{taken}"), None).await?;
        flow.continue_as_new(&(taken + 1)).await
    });
    let world = disk.boot(&plan).await;
    world.start("take", json!(0), "run").await;
    // The later ones first, so that most have to be carried over, and each while runs continue.
    let names = (0..SIGNALS).rev().map(|number| format!("signal-{number}"));
    let sent = names.map(|name| {
        let world = &world;
        async move { world.flows.signal("run", &name, json!(null).into()).await.unwrap() }
    });
    let (sent, last) = tokio::join!(join_all(sent), end(&world, "run"));
    assert!(sent.iter().all(|sent| sent.first));
    assert_eq!(result(&last), json!(SIGNALS));
    world.kill().await;
}

async fn the_log_is_read_on_from_behind_the_last_event(place: &Place) {
    let disk = Disk::new(place);
    let plan = Plan::default().flow("log", |flow, input| async move {
        let mut seen: Vec<Value> = serde_json::from_value(input).unwrap_or_default();
        let event = flow.wait_event_by_name("said", json!(null), None).await?;
        seen.extend(event.and_then(|event| event.data).map(|data| data.value()));
        match seen.len() {
            3 => Ok(json!(seen)),
            _ => flow.continue_as_new(&seen).await,
        }
    });
    let world = disk.boot(&plan).await;
    world.start("log", json!([]), "run").await;
    for number in [1, 2, 3] {
        world.events.emit("said", Some(json!(number).into())).await.unwrap();
    }
    assert_eq!(result(&end(&world, "run").await), json!([1, 2, 3]));
    world.kill().await;
}

async fn nothing_is_undone_when_a_run_continues(place: &Place) {
    let disk = Disk::new(place);
    let undone = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&undone);
    let plan = Plan::default().flow("book", move |flow, input| {
        let noted = Arc::clone(&noted);
        async move {
            let round = input.as_u64().unwrap_or_default();
            flow.compensate("round", move || {
                let noted = Arc::clone(&noted);
                async move {
                    noted.lock().unwrap().push(round);
                    Ok(())
                }
            });
            match round {
                0 => flow.continue_as_new(&1).await,
                _ => Err(syscall_sdk::error::Error::invalid("no money").with_code("BROKE")),
            }
        }
    });
    let world = disk.boot(&plan).await;
    world.start("book", json!(0), "run").await;
    assert_eq!(failure(&end(&world, "run").await).0, "BROKE");
    assert_eq!(*undone.lock().unwrap(), [1]);
    world.kill().await;
}

async fn the_next_run_has_the_newest_version_of_the_code(place: &Place) {
    let disk = Disk::new(place);
    let old = Plan::default().flow("change", |flow, _| async move {
        flow.step("look", async || Ok(1)).await?;
        flow.signal::<()>("go", None).await?;
        Ok(json!(null))
    });
    let world = disk.boot(&old).await;
    world.start("change", json!([]), "run").await;
    world.resting("run").await;
    world.kill().await;
    let new = Plan::default().flow("change", |flow, input| async move {
        let mut versions: Vec<u32> = serde_json::from_value(input).unwrap_or_default();
        versions.push(flow.version("better", 1).await?);
        flow.step("look", async || Ok(1)).await?;
        if versions.len() == 2 {
            return Ok(json!(versions));
        }
        flow.signal::<()>("go", None).await?;
        flow.continue_as_new(&versions).await
    });
    let world = disk.boot(&new).await;
    world.flows.signal("run", "go", json!(null).into()).await.unwrap();
    assert_eq!(result(&end(&world, "run").await), json!([0, 1]));
    world.kill().await;
}

async fn an_input_that_does_not_fit_is_refused(place: &Place) {
    let disk = Disk::new(place);
    let plan = Plan::default().flow("wrong", |flow, _| async move { flow.continue_as_new(&"unfit").await });
    let world = disk.boot(&plan).await;
    world.start("wrong", json!(null), "run").await;
    assert_eq!(failure(&end(&world, "run").await).0, "INVALID_ARGUMENT");
    world.kill().await;
}

async fn code_that_continues_before_its_journal_ends_has_changed(place: &Place) {
    let disk = Disk::new(place);
    let old = Plan::default().flow("change", |flow, _| async move {
        flow.step("charge", async || Ok(1)).await?;
        flow.signal::<()>("go", None).await?;
        Ok(json!(null))
    });
    let world = disk.boot(&old).await;
    world.start("change", json!(null), "run").await;
    world.resting("run").await;
    world.kill().await;
    let new = Plan::default().flow("change", |flow, _| async move { flow.continue_as_new(&()).await });
    let world = disk.boot(&new).await;
    world.flows.signal("run", "go", json!(null).into()).await.unwrap();
    let run = end(&world, "run").await;
    assert_eq!((run.id.as_str(), failure(&run).0), ("run", CHANGED));
    assert!(world.store.job("run+2").await.unwrap().is_none());
    world.kill().await;
}

async fn a_long_run_is_told_to_continue_and_told_so_again_in_its_next_life(place: &Place) {
    const WAVE: usize = 250;
    let disk = Disk::new(place);
    let done = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&done);
    let plan = Plan::default().flow("long", move |flow, input| {
        let done = Arc::clone(&counted);
        async move {
            if input == json!("again") {
                return Ok(json!(flow.continue_as_new_suggested().await?));
            }
            let mut waves = 0;
            while !flow.continue_as_new_suggested().await? {
                let work = async || Ok(done.fetch_add(1, Ordering::SeqCst));
                let branch = |step: usize| -> Branch<'_, u32> {
                    let (flow, work) = (&flow, &work);
                    Box::pin(async move { flow.step(format!("{waves}/{step}"), work).await })
                };
                flow.all((0..WAVE).map(branch)).await?;
                waves += 1;
            }
            flow.signal::<()>("go", None).await?;
            flow.continue_as_new(&"again").await
        }
    });
    let world = disk.boot(&plan).await;
    world.start("long", json!(null), "run").await;
    let long = world.resting_at("run", "signal go").await;
    world.kill().await;
    // The marker and the signal.
    assert_eq!(long.steps.unwrap().len(), STEPS_SUGGESTED + 2);
    let world = disk.boot(&plan).await;
    world.flows.signal("run", "go", json!(null).into()).await.unwrap();
    let last = end(&world, "run").await;
    assert_eq!((last.id.as_str(), result(&last)), ("run+2", json!(false)));
    assert_eq!(done.load(Ordering::SeqCst) as usize, STEPS_SUGGESTED);
    world.kill().await;
}
