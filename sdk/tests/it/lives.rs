//! Lives of services: crash scopes, quarantine, drain, and what survives.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use syscall_sdk::config::Variables;
use syscall_sdk::context::{Context, JobContext};
use syscall_sdk::contract::Task;
use syscall_sdk::error::Error;
use syscall_sdk::host::{DrainBudget, Host, StartError, Status};
use syscall_sdk::service::Service;
use syscall_sdk::wire::JobStatus;

use crate::support::variables;

const LONG: Task<(), ()> = Task::new("core", "long");

fn on_disk(directory: &tempfile::TempDir) -> Variables {
    let mut variables = variables(&[("DATA_DIR", directory.path().to_str().unwrap())]);
    variables.remove("AMNESIA");
    variables
}

#[tokio::test]
async fn a_kernel_task_that_dies_restarts_its_service_and_no_other() {
    let lives = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&lives);
    let mortal = move || {
        let lives = Arc::clone(&counted);
        Service::new("core", "1").background("heart", move |context: Context| {
            let life = lives.fetch_add(1, Ordering::SeqCst);
            async move {
                if life == 0 {
                    return Err(Error::internal("the heart stopped"));
                }
                context.stopping().await;
                Ok(())
            }
        })
    };
    let running = Host::new(variables(&[]))
        .mount(mortal)
        .mount(|| Service::new("api", "1"))
        .start(Vec::new())
        .await
        .unwrap();
    let mut core = running.standings().remove("core").unwrap();
    let standing = core.wait_for(|standing| standing.restarts == 1 && standing.status == Status::Running);
    let standing = tokio::time::timeout(Duration::from_secs(20), standing)
        .await
        .unwrap()
        .unwrap()
        .clone();
    assert!(standing.reason.unwrap().contains("the heart stopped"));
    assert_eq!(running.standings()["api"].borrow().restarts, 0);
    running.stop(DrainBudget::none(), "test").await;
}

#[tokio::test]
async fn a_service_that_always_dies_is_quarantined_and_the_others_go_on() {
    let doomed = || Service::new("core", "1").start(|_: Context| async { Err(Error::unavailable("no luck")) });
    let running = Host::new(variables(&[]))
        .mount(doomed)
        .mount(|| Service::new("api", "1"))
        .start(Vec::new())
        .await
        .unwrap();
    let (service, reason) = tokio::time::timeout(Duration::from_secs(60), running.quarantined())
        .await
        .unwrap();
    assert_eq!(service, "core");
    assert!(reason.contains("no luck"), "{reason}");
    let answer = running
        .handler("core")
        .unwrap()
        .answer(http::Request::new(syscall_sdk::transport::Body::empty()))
        .await;
    assert_eq!(answer.status(), http::StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(running.standings()["api"].borrow().status, Status::Running);
    running.stop(DrainBudget::none(), "test").await;
}

#[tokio::test]
async fn a_bad_environment_starts_nothing_and_names_every_fault() {
    let host = Host::new(variables(&[
        ("PORT", "x"),
        ("LOG_LEVEL", "loud"),
        ("ENVIRONMENT", "prod"),
        ("CORE_URL", "core"),
    ]));
    let error = host
        .mount(|| Service::new("core", "1"))
        .mount(|| Service::new("api", "1"))
        .start(Vec::new())
        .await
        .unwrap_err();
    let StartError::Config(problems) = error else {
        panic!("{error}")
    };
    assert_eq!(problems.iter().count(), 4, "{problems}");
}

#[tokio::test]
async fn a_drain_hands_back_the_jobs_that_do_not_finish_and_the_next_life_runs_them() {
    let directory = tempfile::tempdir().unwrap();
    let begun = Arc::new(tokio::sync::Notify::new());
    let notify = Arc::clone(&begun);
    let slow = move || {
        let begun = Arc::clone(&notify);
        Service::new("core", "1").task(LONG, move |_: JobContext, (): ()| {
            begun.notify_one();
            std::future::pending::<syscall_sdk::error::Result<()>>()
        })
    };
    let running = Host::new(on_disk(&directory))
        .mount(slow)
        .start(Vec::new())
        .await
        .unwrap();
    let context = Context::new(running.kernel("core").unwrap());
    let job = context.enqueue(&LONG, &()).await.unwrap();
    begun.notified().await;
    drop(context);
    let budget = DrainBudget {
        in_flight: Duration::from_millis(50),
        accepting: Duration::ZERO,
        total: Duration::from_secs(5),
    };
    let unfinished = running.stop(budget, "test").await;
    assert_eq!(unfinished, Vec::<String>::new());

    let quick = || Service::new("core", "1").task(LONG, |_: JobContext, (): ()| async { Ok(()) });
    let running = Host::new(on_disk(&directory))
        .mount(quick)
        .start(Vec::new())
        .await
        .unwrap();
    let kernel = running.kernel("core").unwrap();
    let job = tokio::time::timeout(Duration::from_secs(20), kernel.jobs.ended(&job.id))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((job.status, job.attempt, job.failures), (JobStatus::Completed, 2, 0));
    drop(kernel);
    running.stop(DrainBudget::none(), "test").await;
}

#[tokio::test]
async fn two_hosts_do_not_share_a_store() {
    let directory = tempfile::tempdir().unwrap();
    let first = Host::new(on_disk(&directory))
        .mount(|| Service::new("core", "1"))
        .start(Vec::new())
        .await
        .unwrap();
    let second = Host::new(on_disk(&directory))
        .mount(|| Service::new("core", "1"))
        .start(Vec::new())
        .await
        .unwrap();
    let standing = second.standings()["core"].borrow().clone();
    assert_ne!(standing.status, Status::Running);
    assert!(standing.reason.is_some());
    second.stop(DrainBudget::none(), "test").await;
    first.stop(DrainBudget::none(), "test").await;
}

#[tokio::test]
async fn health_answers_while_every_dependency_is_a_black_hole() {
    let holes = || {
        (0..4).fold(Service::new("core", "1"), |service, n| {
            let name = ["one", "two", "three", "four"][n];
            service.check(name, |_: Context| {
                std::future::pending::<syscall_sdk::error::Result<syscall_sdk::health::CheckOutcome>>()
            })
        })
    };
    let running = Host::new(variables(&[])).mount(holes).start(Vec::new()).await.unwrap();
    let handler = running.handler("core").unwrap();
    let request = http::Request::builder()
        .uri("/health")
        .body(syscall_sdk::transport::Body::empty())
        .unwrap();
    let begun = std::time::Instant::now();
    let answer = handler.answer(request).await;
    assert_eq!(answer.status(), http::StatusCode::OK);
    assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
    running.stop(DrainBudget::none(), "test").await;
}
