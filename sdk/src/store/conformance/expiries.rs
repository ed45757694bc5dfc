//! Jobs that have to begin by a moment.

use std::time::Duration;

use super::cases;
use super::context::{Context, completed, enqueue, failed, job};
use crate::store::{Enqueue, Op, Refusal};
use crate::wire::JobStatus;

cases![
    a_job_that_has_not_begun_in_time_is_failed_without_an_attempt,
    a_job_that_may_still_begin_or_has_begun_does_not_expire,
    unbegun_jobs_come_by_their_moment_and_only_until_they_begin,
    a_revived_job_has_no_moment_by_which_to_begin,
];

fn hasty(id: &str, seconds: u64) -> Enqueue {
    Enqueue {
        start_within: Some(Duration::from_secs(seconds)),
        ..enqueue(id)
    }
}

fn expire(id: &str) -> Op {
    Op::Expire { job: id.to_owned() }
}

fn status(id: &str, status: JobStatus) -> Refusal {
    Refusal::Status {
        id: id.to_owned(),
        status,
    }
}

async fn unbegun(it: Context<'_>, limit: usize) -> Vec<String> {
    let jobs = it.store.unbegun(limit).await.expect("a read succeeds");
    jobs.into_iter().map(|job| job.id).collect()
}

async fn a_job_that_has_not_begun_in_time_is_failed_without_an_attempt(it: Context<'_>) {
    it.one(hasty("j", 5)).await;
    it.pass(5);
    let ended = job(it.one(expire("j")).await);
    assert_eq!(it.job("j").await, ended);
    assert_eq!((ended.status, ended.attempt, ended.failures), (JobStatus::Failed, 0, 0));
    assert_eq!(ended.completed_at, Some(it.now()));
    let error = ended.error.expect("it says why").message;
    assert!(error.starts_with("JOB_NOT_BEGUN: "), "{error}");
    assert!(it.store.attempts("j").await.expect("a read succeeds").is_empty());
    assert!(it.claim().await.is_empty());
    assert_eq!(it.sizes().await, [0, 0, 0, 1]);
}

async fn a_job_that_may_still_begin_or_has_begun_does_not_expire(it: Context<'_>) {
    it.enqueue("any time").await;
    it.one(hasty("j", 5)).await;
    it.pass(4);
    assert_eq!(it.refusal(expire("j")).await, status("j", JobStatus::Queued));
    assert_eq!(
        it.refusal(expire("any time")).await,
        status("any time", JobStatus::Queued)
    );
    let running = it.claim().await.pop().expect("it is due");
    it.pass(60);
    assert_eq!(it.refusal(expire("j")).await, status("j", JobStatus::Running));
    it.settle(&running, failed(Some(it.later(60)))).await;
    assert_eq!(
        it.refusal(expire("j")).await,
        status("j", JobStatus::Queued),
        "it has begun once"
    );
    let missing = Refusal::NoSuchJob {
        id: "nobody".to_owned(),
    };
    assert_eq!(it.refusal(expire("nobody")).await, missing);
}

async fn unbegun_jobs_come_by_their_moment_and_only_until_they_begin(it: Context<'_>) {
    it.one(hasty("third", 9)).await;
    it.one(hasty("first", 5)).await;
    it.one(hasty("second", 5)).await;
    it.enqueue("any time").await;
    assert_eq!(unbegun(it, 10).await, ["first", "second", "third"]);
    assert_eq!(unbegun(it, 2).await, ["first", "second"]);
    it.cancel("first").await;
    assert_eq!(unbegun(it, 10).await, ["second", "third"]);
    let running = it.claim().await;
    assert!(unbegun(it, 10).await.is_empty());
    for job in &running {
        it.settle(job, completed()).await;
    }
    assert!(unbegun(it, 10).await.is_empty());
}

async fn a_revived_job_has_no_moment_by_which_to_begin(it: Context<'_>) {
    it.one(hasty("j", 5)).await;
    it.pass(5);
    it.one(expire("j")).await;
    let revived = job(it.one(Op::Revive { job: "j".to_owned() }).await);
    assert_eq!((revived.status, revived.start_by), (JobStatus::Queued, None));
    assert!(unbegun(it, 10).await.is_empty());
    assert_eq!(it.claim().await[0].id, "j");
}
