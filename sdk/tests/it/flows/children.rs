//! What a run owns, jobs and other runs, and what becomes of it.

use serde_json::json;
use syscall_sdk::contract::Flow;
use syscall_sdk::error::Error;
use syscall_sdk::store::Store;
use syscall_sdk::wire::{JobStatus, StepStatus, WorkflowStatus};
use syscall_sdk::workflow::ParentClose;

use super::place::{Disk, Place, on_every_store};
use super::world::{Plan, failure, result, soon, step};

on_every_store! {
    cancelling_a_run_cancels_what_it_owns_and_frees_its_slot,
    a_child_gives_its_result_and_its_failure,
    a_job_of_a_run_that_fails_or_is_cancelled_says_so,
    an_ended_parent_ends_the_children_that_are_not_abandoned,
    a_workflow_that_starts_itself_ends_at_a_depth,
}

const CHILD: Flow<(), u32> = Flow::new("core", "child");
const SELF: Flow<(), ()> = Flow::new("core", "self");

async fn cancelling_a_run_cancels_what_it_owns_and_frees_its_slot(place: &Place) {
    let disk = Disk::new(place);
    let world = disk.boot(&family()).await;
    world.start("parent", json!(null), "run").await;
    let waits = world.resting_at("run", "child child").await;
    let id = |name: &str| {
        step(&waits, name)
            .result
            .as_ref()
            .unwrap()
            .value()
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (kept, ended) = (id("start child"), step(&waits, "start child"));
    assert_eq!(ended.status, StepStatus::Completed);
    let child = step(&waits, "child child").waits.as_ref().unwrap().job.clone().unwrap();
    world.resting(&child).await;
    let cancelled = world.flows.cancel("run").await.unwrap();
    assert_eq!(cancelled.status, JobStatus::Cancelled);
    assert_eq!(world.ended(&child).await.status, WorkflowStatus::Cancelled);
    assert_eq!(world.flows.get(&child).await.unwrap().parent.as_deref(), Some("run"));
    assert_ne!(world.flows.get(&kept).await.unwrap().status, WorkflowStatus::Cancelled);
    assert_eq!(world.flows.cancel("run").await.unwrap_err().code(), "JOB_STATUS");
    world.kill().await;
}

async fn a_child_gives_its_result_and_its_failure(place: &Place) {
    let disk = Disk::new(place);
    let plan = family().flow("two", |flow, _| async move {
        let good: u32 = flow.child(&Flow::<u32, u32>::new("core", "double"), &21).await?;
        let bad = flow
            .child(&Flow::<u32, u32>::new("core", "double"), &0)
            .await
            .unwrap_err();
        Ok(json!([good, bad.code(), bad.message().contains("nothing to double")]))
    });
    let world = disk.boot(&plan).await;
    world.start("two", json!(null), "run").await;
    assert_eq!(result(&world.ended("run").await), json!([42, "CHILD_FAILED", true]));
    world.kill().await;
}

async fn a_job_of_a_run_that_fails_or_is_cancelled_says_so(place: &Place) {
    let disk = Disk::new(place);
    let plan = Plan::default()
        .job("work", |params| async move {
            match params.as_str() {
                Some("bad") => Err(Error::invalid("bad params")),
                _ => std::future::pending().await,
            }
        })
        .flow("jobs", |flow, _| async move {
            let failed = flow.job_by_name("work", Some(json!("bad").into())).await.unwrap_err();
            let unknown = flow.job_by_name("nobody's", None).await.unwrap_err();
            let cancelled = flow.job_by_name("work", None).await.unwrap_err();
            let codes = [&failed, &unknown, &cancelled].map(|error| error.code().to_owned());
            Ok(json!([codes, failed.message().contains("bad params")]))
        });
    let world = disk.boot(&plan).await;
    world.start("jobs", json!(null), "run").await;
    let hangs = |run: &syscall_sdk::wire::Workflow| {
        let last = run.steps.iter().flatten().last();
        last.is_some_and(|step| step.status == StepStatus::Waiting && step.occurrence == 1)
    };
    let rests = world.resting_where("run", hangs).await;
    let job = rests.steps.iter().flatten().last().unwrap().child.as_ref().unwrap();
    let mut heads = world.store.heads();
    while world.store.job(job).await.unwrap().unwrap().attempt == 0 {
        soon(heads.changed()).await.unwrap();
    }
    world.jobs.cancel(job).await.unwrap();
    assert_eq!(
        result(&world.ended("run").await),
        json!([["JOB_FAILED", "JOB_UNKNOWN", "JOB_FAILED"], true])
    );
    world.kill().await;
}

async fn an_ended_parent_ends_the_children_that_are_not_abandoned(place: &Place) {
    let disk = Disk::new(place);
    let plan = family().flow("brief", |flow, _| async move {
        let ends = flow.start_child(&CHILD, &(), ParentClose::Cancel).await?;
        let stays = flow.start_child(&CHILD, &(), ParentClose::Abandon).await?;
        Ok(json!([ends, stays]))
    });
    let world = disk.boot(&plan).await;
    world.start("brief", json!(null), "run").await;
    let ids = result(&world.ended("run").await);
    let status = async |id: &serde_json::Value| world.flows.get(id.as_str().unwrap()).await.unwrap().status;
    assert_eq!(status(&ids[0]).await, WorkflowStatus::Cancelled);
    assert!(!status(&ids[1]).await.ended());
    world.kill().await;
}

async fn a_workflow_that_starts_itself_ends_at_a_depth(place: &Place) {
    let disk = Disk::new(place);
    let world = disk
        .boot(&Plan::default().flow("self", |flow, _| async move {
            flow.child(&SELF, &()).await?;
            Ok(json!(null))
        }))
        .await;
    world.start("self", json!(null), "run").await;
    let run = world.ended("run").await;
    let (code, message) = failure(&run);
    assert_eq!(code, "CHILD_FAILED");
    assert!(message.contains("TOO_MANY_CHILDREN"), "{message}");
    world.kill().await;
}

/// A parent with a child that waits and one that is abandoned, and a child that doubles.
pub(super) fn family() -> Plan {
    Plan::default()
        .flow("parent", |flow, _| async move {
            flow.start_child(&CHILD, &(), ParentClose::Abandon).await?;
            Ok(json!(flow.child(&CHILD, &()).await?))
        })
        .flow("child", |flow, _| async move {
            flow.signal::<u32>("go", None).await?;
            Ok(json!(1))
        })
        .flow("double", |_, input| async move {
            match input.as_u64() {
                Some(0) | None => Err(Error::invalid("nothing to double")),
                Some(number) => Ok(json!(number * 2)),
            }
        })
}
