//! What becomes of runs: failing and undoing, cancelling, children, bounds.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use syscall_sdk::clock::Clock;
use syscall_sdk::contract::Flow;
use syscall_sdk::error::Error;
use syscall_sdk::name::Prefix;
use syscall_sdk::policy::Backoff;
use syscall_sdk::store::{Batch, Retention, Scan, Store};
use syscall_sdk::wire::{JobStatus, StepStatus};
use syscall_sdk::workflow::{Branch, ParentClose};

use super::world::{Disk, Plan, failure, result, soon, step, steps};

const CHILD: Flow<(), u32> = Flow::new("core", "child");
const SELF: Flow<(), ()> = Flow::new("core", "self");

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

#[tokio::test]
async fn a_failed_run_undoes_what_it_did_in_reverse() {
    let (disk, undone) = (Disk::new(), Arc::default());
    let world = disk.boot(&booking(&undone));
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

#[tokio::test]
async fn a_process_may_die_at_every_commit_of_undoing() {
    for commits in 0.. {
        let (disk, undone) = (Disk::new(), Arc::default());
        let plan = booking(&undone);
        let world = disk.boot(&plan);
        world.start("book", json!(null), "run").await;
        world.store.hold_after(commits);
        let died = tokio::select! {
            () = world.store.waiting(1) => true,
            _ = world.ended("run") => false,
        };
        world.kill().await;
        let world = disk.boot(&plan);
        let run = world.ended("run").await;
        assert_eq!(failure(&run), ("BROKE", "no money"), "after {commits} commits");
        let mut order = undone.lock().unwrap().clone();
        order.dedup();
        assert_eq!(order, ["car", "hotel", "flight"], "after {commits} commits");
        world.kill().await;
        if !died {
            assert!(commits > 4, "only {commits} commits");
            break;
        }
    }
}

#[tokio::test]
async fn what_cannot_be_undone_is_said_and_the_rest_is_undone() {
    let disk = Disk::new();
    let world = disk.boot(&Plan::default().flow("book", |flow, _| async move {
        flow.compensate("flight", async || Ok(()));
        flow.compensate("hotel", async || Err(Error::invalid("they keep it")));
        Err(Error::conflict("no car").with_code("NO_CAR"))
    }));
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

#[tokio::test]
async fn a_step_is_tried_as_its_policy_says_and_its_failure_is_the_same_at_every_replay() {
    let disk = Disk::new();
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
    let world = disk.boot(&plan);
    world.start("try", json!(null), "run").await;
    let rests = world.resting("run").await;
    let attempts = ["often", "once", "late", "panics"].map(|name| step(&rests, name).attempts);
    assert_eq!(attempts, [3, 1, 1, 1]);
    world.kill().await;
    let world = disk.boot(&plan);
    world.flows.signal("run", "go", json!(null).into()).await.unwrap();
    let codes = json!(["AWAY", "GONE", "DEADLINE_EXCEEDED", "PANIC"]);
    assert_eq!(result(&world.ended("run").await), codes);
    world.kill().await;
}

#[tokio::test]
async fn a_step_between_far_attempts_holds_no_slot_and_counts_on_in_the_next_life() {
    let disk = Disk::new();
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
    let world = disk.boot(&plan);
    world.start("try", json!(null), "run").await;
    let rests = world.resting("run").await;
    let waits = step(&rests, "often");
    assert_eq!((waits.status, waits.attempts), (StepStatus::Waiting, 1));
    assert_eq!(waits.error.as_ref().unwrap().message, "away");
    world.kill().await;
    let world = disk.boot(&plan);
    let run = world.ended("run").await;
    assert_eq!((result(&run), step(&run, "often").attempts), (json!(2), 2));
    world.kill().await;
}

#[tokio::test]
async fn cancelling_a_run_cancels_what_it_owns_and_frees_its_slot() {
    let disk = Disk::new();
    let world = disk.boot(&family());
    world.start("parent", json!(null), "run").await;
    let waits = loop {
        let run = world.resting("run").await;
        if steps(&run).contains(&"child child waiting".to_owned()) {
            break run;
        }
        tokio::task::yield_now().await;
    };
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
    assert_eq!(world.ended(&child).await.status, JobStatus::Cancelled);
    assert_eq!(world.flows.get(&child).await.unwrap().parent.as_deref(), Some("run"));
    assert_ne!(world.flows.get(&kept).await.unwrap().status, JobStatus::Cancelled);
    assert_eq!(world.flows.cancel("run").await.unwrap_err().code(), "JOB_STATUS");
    world.kill().await;
}

#[tokio::test]
async fn a_child_gives_its_result_and_its_failure() {
    let disk = Disk::new();
    let plan = family().flow("two", |flow, _| async move {
        let good: u32 = flow.child(&Flow::<u32, u32>::new("core", "double"), &21).await?;
        let bad = flow
            .child(&Flow::<u32, u32>::new("core", "double"), &0)
            .await
            .unwrap_err();
        Ok(json!([good, bad.code(), bad.message().contains("nothing to double")]))
    });
    let world = disk.boot(&plan);
    world.start("two", json!(null), "run").await;
    assert_eq!(result(&world.ended("run").await), json!([42, "CHILD_FAILED", true]));
    world.kill().await;
}

#[tokio::test]
async fn a_job_of_a_run_that_fails_or_is_cancelled_says_so() {
    let disk = Disk::new();
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
    let world = disk.boot(&plan);
    world.start("jobs", json!(null), "run").await;
    let job = loop {
        let run = world.resting("run").await;
        let job = run
            .steps
            .iter()
            .flatten()
            .filter(|step| step.status == StepStatus::Waiting);
        if let Some(job) = job.filter_map(|step| step.waits.clone()?.job).next_back() {
            break job;
        }
        tokio::task::yield_now().await;
    };
    let mut heads = world.store.heads();
    while world.store.job(&job).await.unwrap().unwrap().attempt == 0 {
        soon(heads.changed()).await.unwrap();
    }
    if world.jobs.cancel(&job).await.is_err() {
        // The first job, which has failed meanwhile; the one that hangs comes next.
        let run = world.resting("run").await;
        let hangs = run
            .steps
            .iter()
            .flatten()
            .rfind(|step| step.status == StepStatus::Waiting)
            .unwrap();
        world
            .jobs
            .cancel(hangs.waits.as_ref().unwrap().job.as_ref().unwrap())
            .await
            .unwrap();
    }
    assert_eq!(
        result(&world.ended("run").await),
        json!([["JOB_FAILED", "JOB_UNKNOWN", "JOB_FAILED"], true])
    );
    world.kill().await;
}

#[tokio::test]
async fn an_ended_parent_ends_the_children_that_are_not_abandoned() {
    let disk = Disk::new();
    let plan = family().flow("brief", |flow, _| async move {
        let ends = flow.start_child(&CHILD, &(), ParentClose::Cancel).await?;
        let stays = flow.start_child(&CHILD, &(), ParentClose::Abandon).await?;
        Ok(json!([ends, stays]))
    });
    let world = disk.boot(&plan);
    world.start("brief", json!(null), "run").await;
    let ids = result(&world.ended("run").await);
    let status = async |id: &serde_json::Value| world.flows.get(id.as_str().unwrap()).await.unwrap().status;
    assert_eq!(status(&ids[0]).await, JobStatus::Cancelled);
    assert!(!status(&ids[1]).await.ended());
    world.kill().await;
}

#[tokio::test]
async fn steps_side_by_side_that_end_together_are_written_down_in_one_commit() {
    let disk = Disk::new();
    let world = disk.boot(&Plan::default().flow("wave", |flow, _| async move {
        let branch = |name: &'static str| -> Branch<'_, ()> {
            let flow = &flow;
            Box::pin(async move { flow.step(name, async || Ok(())).await })
        };
        flow.all(["a", "b", "c"].map(branch)).await?;
        let (d, e) = flow
            .both(flow.step("d", async || Ok(4)), flow.step("e", async || Ok(5)))
            .await?;
        Ok(json!([d, e]))
    }));
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

#[tokio::test]
async fn a_journal_is_forgotten_when_its_job_is() {
    let disk = Disk::new();
    let world = disk.boot(&family());
    for id in ["one", "two"] {
        world.start("parent", json!(null), id).await;
        world.resting(id).await;
    }
    world.flows.cancel("one").await.unwrap();
    let forget = Retention {
        event_age: Duration::MAX,
        events_max: u64::MAX,
        change_age: Duration::MAX,
        changes_max: u64::MAX,
        job_age: Duration::MAX,
        jobs_max: 0,
        slice: 100,
    };
    let batch = Batch::new(Clock::system().now()).with(forget);
    world.store.commit(batch).await.unwrap();
    world.kill().await;
    let world = disk.boot(&family());
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

#[tokio::test]
async fn a_workflow_that_starts_itself_ends_at_a_depth() {
    let disk = Disk::new();
    let world = disk.boot(&Plan::default().flow("self", |flow, _| async move {
        flow.child(&SELF, &()).await?;
        Ok(json!(null))
    }));
    world.start("self", json!(null), "run").await;
    let run = world.ended("run").await;
    let (code, message) = failure(&run);
    assert_eq!(code, "CHILD_FAILED");
    assert!(message.contains("TOO_MANY_CHILDREN"), "{message}");
    world.kill().await;
}

#[tokio::test]
async fn a_result_that_is_too_large_fails_its_step() {
    let disk = Disk::new();
    let world = disk.boot(&Plan::default().flow("large", |flow, _| async move {
        flow.step("large", async || Ok("x".repeat(2 << 20))).await?;
        Ok(json!(null))
    }));
    world.start("large", json!(null), "run").await;
    assert_eq!(failure(&world.ended("run").await).0, "STEP_RESULT_TOO_LARGE");
    world.kill().await;
}

#[tokio::test]
async fn the_same_start_is_the_same_run_and_another_one_is_refused() {
    let disk = Disk::new();
    let world = disk.boot(&family());
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

/// A parent with a child that waits and one that is abandoned, and a child that doubles.
fn family() -> Plan {
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
