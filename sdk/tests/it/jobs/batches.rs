//! One handler for many jobs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use syscall_sdk::context::Context;
use syscall_sdk::contract::Task;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::host::{DrainBudget, Host, Running};
use syscall_sdk::policy::Backoff;
use syscall_sdk::service::{Item, Service};
use syscall_sdk::store::{Batch, Job, Outcome};
use syscall_sdk::wire::{CreateJob, JobStatus};

use crate::support::variables;

const AGAIN_AT_ONCE: Backoff = Backoff::doubling(Duration::from_millis(1), Duration::from_millis(2));
/// Gathers for so long that a test which waits for it would fail.
const FULL: Task<u32, u32> = Task::new("core", "full")
    .attempts(2)
    .backoff(AGAIN_AT_ONCE)
    .batch(3, Duration::from_secs(60));
const FEW: Task<u32, u32> = Task::new("core", "few")
    .attempts(2)
    .backoff(AGAIN_AT_ONCE)
    .batch(100, Duration::from_millis(30));
/// More than run at once in a process otherwise.
const MANY: Task<u32, u32> = Task::new("core", "many").batch(200, Duration::from_secs(60));

type Sizes = Arc<Mutex<Vec<usize>>>;

/// Doubles each; 13 fails for good, 7 fails once, 99 fails them all, and 66 panics.
async fn double(sizes: Sizes, items: Vec<Item<u32>>) -> Result<Vec<Result<u32>>> {
    sizes.lock().unwrap().push(items.len());
    let has = |wanted: u32| items.iter().any(|item| item.params == wanted);
    assert!(!has(66), "on purpose");
    if has(99) {
        return Err(Error::invalid("one spoils it for all"));
    }
    Ok(items
        .into_iter()
        .map(|item| match (item.params, item.context.job().attempt) {
            (13, _) => Err(Error::invalid("an unlucky one")),
            (7, 1) => Err(Error::unavailable("not yet")),
            (number, _) => Ok(2 * number),
        })
        .collect())
}

async fn start() -> (Running, Context, Sizes) {
    let sizes = Sizes::default();
    let told = Arc::clone(&sizes);
    let service = move || {
        let handler = || {
            let sizes = Arc::clone(&told);
            move |_: Context, items: Vec<Item<u32>>| double(Arc::clone(&sizes), items)
        };
        Service::new("core", "1")
            .task_batch(FULL, handler())
            .task_batch(FEW, handler())
            .task_batch(MANY, handler())
    };
    let running = Host::new(variables(&[]))
        .mount(service)
        .start(Vec::new())
        .await
        .unwrap();
    let context = Context::new(running.kernel("core").unwrap());
    (running, context, sizes)
}

/// Makes jobs of these numbers in one commit, and gives them when they have ended.
async fn run(context: &Context, task: Task<u32, u32>, numbers: impl IntoIterator<Item = u32>) -> Vec<Job> {
    let mut batch = Batch::new(context.clock().now());
    for number in numbers {
        let create = CreateJob {
            name: task.name.to_owned(),
            params: Some(json!(number).into()),
            ..CreateJob::default()
        };
        batch = batch.with(context.jobs().create_op(create).unwrap());
    }
    let mut ended = Vec::new();
    for outcome in context.kernel().store.commit(batch).await.unwrap() {
        let Outcome::Job(job) = outcome else { panic!("a job") };
        let job = context.jobs().ended(&job.id);
        ended.push(
            tokio::time::timeout(Duration::from_secs(20), job)
                .await
                .unwrap()
                .unwrap(),
        );
    }
    ended
}

fn results(jobs: &[Job]) -> Vec<Option<&str>> {
    jobs.iter()
        .map(|job| job.result.as_ref().map(|result| result.text()))
        .collect()
}

#[tokio::test]
async fn a_full_batch_is_handled_at_once_and_each_job_has_its_own_outcome() {
    let (running, context, sizes) = start().await;
    let jobs = run(&context, FULL, [1, 13, 3]).await;
    assert_eq!(results(&jobs), [Some("2"), None, Some("6")]);
    assert_eq!(jobs[1].status, JobStatus::Failed);
    assert!(jobs[1].error.as_ref().unwrap().message.contains("an unlucky one"));
    assert_eq!(*sizes.lock().unwrap(), [3]);
    let jobs = run(&context, MANY, 200..400).await;
    assert!(
        jobs.iter()
            .all(|job| job.status == JobStatus::Completed && job.attempt == 1)
    );
    assert_eq!(*sizes.lock().unwrap(), [3, 200]);
    drop(context);
    running.stop(DrainBudget::none(), "test").await;
}

#[tokio::test]
async fn a_batch_that_is_not_filled_is_handled_when_its_first_job_has_waited() {
    let (running, context, sizes) = start().await;
    let jobs = run(&context, FEW, [1, 7, 3]).await;
    assert_eq!(results(&jobs), [Some("2"), Some("14"), Some("6")]);
    assert_eq!(
        (jobs[0].attempt, jobs[1].attempt),
        (1, 2),
        "only the one that failed ran again"
    );
    assert_eq!(sizes.lock().unwrap().iter().sum::<usize>(), 4);
    drop(context);
    running.stop(DrainBudget::none(), "test").await;
}

#[tokio::test]
async fn an_error_or_a_panic_of_the_whole_is_that_of_each() {
    let (running, context, _) = start().await;
    let jobs = run(&context, FULL, [1, 99, 3]).await;
    assert!(
        jobs.iter()
            .all(|job| job.status == JobStatus::Failed && job.attempt == 1)
    );
    let message = |job: &Job| job.error.as_ref().unwrap().message.clone();
    assert!(
        message(&jobs[0]).contains("one spoils it for all"),
        "{}",
        message(&jobs[0])
    );
    let jobs = run(&context, FULL, [1, 66, 3]).await;
    assert!(message(&jobs[2]).starts_with("PANIC: "), "{}", message(&jobs[2]));
    assert_eq!(jobs[2].attempt, 2, "a panic may pass, so it was tried again");
    drop(context);
    running.stop(DrainBudget::none(), "test").await;
}

#[tokio::test]
async fn a_job_whose_parameters_do_not_fit_spoils_no_batch() {
    let (running, context, sizes) = start().await;
    let create = |params: serde_json::Value| CreateJob {
        name: FULL.name.to_owned(),
        params: Some(params.into()),
        ..CreateJob::default()
    };
    let wrong = context.jobs().create(create(json!("three"))).await.unwrap();
    let syscall_sdk::jobs::Created::Job(wrong, _) = wrong else {
        panic!("a job")
    };
    let jobs = run(&context, FULL, [1, 2, 3]).await;
    assert_eq!(results(&jobs), [Some("2"), Some("4"), Some("6")]);
    let wrong = context.jobs().ended(&wrong.id).await.unwrap();
    assert_eq!(wrong.status, JobStatus::Failed);
    assert_eq!(*sizes.lock().unwrap(), [3]);
    drop(context);
    running.stop(DrainBudget::none(), "test").await;
}

#[tokio::test]
async fn a_cancelled_job_leaves_its_batch() {
    let (running, context, sizes) = start().await;
    let waits = context.enqueue(&FULL, &5).await.unwrap();
    let mut heads = context.kernel().store.heads();
    while context.jobs().get(&waits.id).await.unwrap().unwrap().status != JobStatus::Running {
        heads.changed().await.unwrap();
    }
    context.jobs().cancel(&waits.id).await.unwrap();
    let left = async {
        while context
            .jobs()
            .get(&waits.id)
            .await
            .unwrap()
            .unwrap()
            .cancel_acknowledged_at
            .is_none()
        {
            heads.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(5), left)
        .await
        .expect("it waits no longer for others");
    let jobs = run(&context, FEW, [1]).await;
    assert_eq!(results(&jobs), [Some("2")]);
    assert_eq!(*sizes.lock().unwrap(), [1]);
    drop(context);
    running.stop(DrainBudget::none(), "test").await;
}
