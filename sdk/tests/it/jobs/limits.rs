//! The four limits of a job's time, and what one attempt leaves to the next.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use syscall_sdk::context::{Context, JobContext};
use syscall_sdk::contract::Task;
use syscall_sdk::error::Result;
use syscall_sdk::host::{DrainBudget, Host, Running};
use syscall_sdk::policy::Backoff;
use syscall_sdk::service::Service;
use syscall_sdk::store::Job;
use syscall_sdk::wire::{CreateJob, JobStatus};
use tokio::sync::Notify;

use crate::support::{Fixture, variables};

const AGAIN_AT_ONCE: Backoff = Backoff::doubling(Duration::from_millis(1), Duration::from_millis(2));
const SILENT: Task<(), ()> = Task::new("core", "silent")
    .attempts(2)
    .backoff(AGAIN_AT_ONCE)
    .heartbeat(Duration::from_millis(40));
/// As long as ten of the heartbeats that it asks for.
const TALKS: Task<bool, u32> = Task::new("core", "talks")
    .attempts(1)
    .heartbeat(Duration::from_millis(400));
const COUNTS: Task<(), u32> = Task::new("core", "counts")
    .attempts(3)
    .backoff(AGAIN_AT_ONCE)
    .heartbeat(Duration::from_millis(100));
const BUSY: Task<(), ()> = Task::new("core", "busy").concurrency(1);

fn service(begun: &Arc<Notify>) -> Service {
    let begun = Arc::clone(begun);
    Service::new("core", "1")
        .task(SILENT, |_: JobContext, (): ()| std::future::pending::<Result<()>>())
        .task(TALKS, |context: JobContext, progress: bool| async move {
            let mut pace = tokio::time::interval(Duration::from_millis(40));
            for said in 0..20u32 {
                pace.tick().await;
                if progress {
                    context.progress(&said).await?;
                } else {
                    context.heartbeat().await?;
                }
            }
            Ok(20)
        })
        .task(COUNTS, |context: JobContext, (): ()| async move {
            let done = context.last_progress::<u32>()?.unwrap_or(0);
            if done == 2 {
                return Ok(done);
            }
            context.progress(&(done + 1)).await?;
            // Cut off: what it has said is all that the next attempt has.
            std::future::pending().await
        })
        .task(BUSY, move |context: JobContext, (): ()| {
            begun.notify_one();
            async move {
                context.cancelled().await;
                Ok(())
            }
        })
}

async fn start(begun: &Arc<Notify>) -> (Running, Context) {
    let begun = Arc::clone(begun);
    let host = Host::new(variables(&[])).mount(move || service(&begun));
    let running = host.start(Vec::new()).await.unwrap();
    let context = Context::new(running.kernel("core").unwrap());
    (running, context)
}

async fn done(context: &Context, job: &Job) -> Job {
    let ended = context.jobs().ended(&job.id);
    tokio::time::timeout(Duration::from_secs(20), ended)
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn a_silent_attempt_is_cut_off_and_counts_as_a_failure() {
    let (running, context) = start(&Arc::default()).await;
    let job = context.enqueue(&SILENT, &()).await.unwrap();
    let ended = done(&context, &job).await;
    assert_eq!((ended.status, ended.failures, ended.attempt), (JobStatus::Failed, 2, 2));
    assert!(ended.error.unwrap().message.starts_with("JOB_SILENT: "));
    drop(context);
    running.stop(DrainBudget::none(), "test").await;
}

#[tokio::test]
async fn an_attempt_that_says_progress_or_heartbeat_goes_on() {
    let (running, context) = start(&Arc::default()).await;
    for progress in [true, false] {
        let job = context.enqueue(&TALKS, &progress).await.unwrap();
        let ended = done(&context, &job).await;
        assert_eq!(ended.status, JobStatus::Completed, "{:?}", ended.error);
        assert_eq!(ended.progress.is_some(), progress, "a heartbeat writes nothing");
    }
    drop(context);
    running.stop(DrainBudget::none(), "test").await;
}

#[tokio::test]
async fn the_last_progress_is_given_to_the_next_attempt() {
    let (running, context) = start(&Arc::default()).await;
    let job = context.enqueue(&COUNTS, &()).await.unwrap();
    let ended = done(&context, &job).await;
    assert_eq!(
        (ended.status, ended.attempt),
        (JobStatus::Completed, 3),
        "{:?}",
        ended.error
    );
    assert_eq!(ended.result.unwrap().text(), "2");
    drop(context);
    running.stop(DrainBudget::none(), "test").await;
}

#[tokio::test]
async fn a_job_that_does_not_begin_in_time_fails_without_having_run() {
    let begun = Arc::<Notify>::default();
    let (running, context) = start(&begun).await;
    let busy = context.enqueue(&BUSY, &()).await.unwrap();
    begun.notified().await;
    let behind = context.jobs().create(CreateJob {
        name: BUSY.name.to_owned(),
        start_within: Some(50),
        ..CreateJob::default()
    });
    let syscall_sdk::jobs::Created::Job(behind, false) = behind.await.unwrap() else {
        panic!("a job is made")
    };
    let ended = done(&context, &behind).await;
    assert_eq!((ended.status, ended.attempt), (JobStatus::Failed, 0));
    assert!(ended.error.unwrap().message.starts_with("JOB_NOT_BEGUN: "));
    assert!(context.jobs().attempts(&behind.id).await.unwrap().is_empty());
    context.jobs().cancel(&busy.id).await.unwrap();
    drop(context);
    running.stop(DrainBudget::none(), "test").await;
}

#[tokio::test]
async fn the_limits_are_told_and_those_that_do_not_fit_refused() {
    let core = Fixture::start().await;
    let limited = json!({ "name": "upper", "delay": 3_600_000, "startWithin": 500, "heartbeat": 250 });
    let job = core.post("/v1/sys/job", &limited).await.body;
    assert_eq!(job["heartbeat"], 250);
    assert!(
        job["startBy"].as_str() > job["runAt"].as_str(),
        "it counts from when it may begin"
    );
    let read = core
        .get(&format!("/v1/sys/job/{}", job["id"].as_str().unwrap()))
        .await
        .body;
    assert_eq!(
        (&read["startBy"], &read["heartbeat"]),
        (&job["startBy"], &job["heartbeat"])
    );
    for (field, most) in [("startWithin", 316_224_000_001u64), ("heartbeat", 86_400_001)] {
        for wrong in [0, most] {
            let refused = core
                .post("/v1/sys/job", &json!({ "name": "upper", field: wrong }))
                .await;
            assert_eq!(refused.status.as_u16(), 400, "{field} {wrong}");
        }
    }
    core.stop().await;
}

#[tokio::test]
async fn a_priority_is_within_a_thousand_of_0_for_jobs_and_schedules() {
    let fixture = Fixture::start().await;
    for priority in [-1_000, 0, 1_000] {
        let job = json!({ "name": "stubborn", "priority": priority, "delay": 60_000 });
        let made = fixture.post("/v1/sys/job", &job).await;
        assert_eq!((made.status.as_u16(), &made.body["priority"]), (201, &json!(priority)));
    }
    for priority in [-1_001, 1_001, i32::MIN, i32::MAX] {
        let job = json!({ "name": "stubborn", "priority": priority });
        let mut schedule = job.clone();
        schedule["schedule"] = json!("0 3 * * *");
        for order in [job, schedule] {
            let refused = fixture.post("/v1/sys/job", &order).await;
            assert_eq!(
                (refused.status.as_u16(), &refused.body["error"]["code"]),
                (400, &json!("INVALID_ARGUMENT")),
                "{}",
                refused.text
            );
            assert!(refused.text.contains("priority is -1000 to 1000"), "{}", refused.text);
        }
    }
    fixture.stop().await;
}
