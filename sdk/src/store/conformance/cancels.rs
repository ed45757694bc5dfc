//! Cancelling jobs and bringing them back.

use std::time::Duration;

use super::cases;
use super::context::{Context, completed, enqueue, failed, job, settle};
use crate::store::{AttemptEnd, Enqueue, Op, Outcome, Refusal};
use crate::wire::JobStatus;

cases![
    a_queued_job_is_cancelled_at_once,
    a_running_job_is_cancelled_at_once_and_its_attempt_fenced,
    the_handler_of_a_cancelled_attempt_acknowledges_once,
    an_acknowledgement_does_nothing_to_any_other_job,
    an_ended_job_cannot_be_cancelled,
    what_is_not_there_cannot_be_cancelled,
    a_failed_job_is_revived_with_fresh_attempts,
    a_revived_job_has_no_deadline_any_more,
    a_cancelled_job_is_revived_behind_a_new_fence,
    a_living_or_completed_job_cannot_be_revived,
    a_job_is_not_revived_while_its_unique_key_lives,
];

async fn a_queued_job_is_cancelled_at_once(it: Context<'_>) {
    it.enqueue("j").await;
    it.pass(1);
    let cancelled = job(it.cancel("j").await);
    assert_eq!(cancelled, it.job("j").await);
    assert_eq!(cancelled.status, JobStatus::Cancelled);
    assert_eq!(cancelled.completed_at, Some(it.now()));
    assert!(it.store.attempts("j").await.expect("a read succeeds").is_empty());
    assert!(it.claim().await.is_empty());
}

async fn a_running_job_is_cancelled_at_once_and_its_attempt_fenced(it: Context<'_>) {
    let running = it.running("j").await;
    let cancelled = job(it.cancel("j").await);
    assert_eq!(cancelled.status, JobStatus::Cancelled);
    assert_eq!(cancelled.cancel_acknowledged_at, None);
    let attempts = it.store.attempts("j").await.expect("a read succeeds");
    assert_eq!((attempts.len(), attempts[0].end), (1, AttemptEnd::Cancelled));
    let fenced = Refusal::Fenced { id: "j".to_owned() };
    assert_eq!(it.refusal(settle(&running, completed())).await, fenced);
}

async fn the_handler_of_a_cancelled_attempt_acknowledges_once(it: Context<'_>) {
    it.running("j").await;
    it.cancel("j").await;
    it.pass(4);
    assert_eq!(it.one(acknowledge("j", 1)).await, Outcome::Done);
    let noticed = it.job("j").await;
    assert_eq!(noticed.cancel_acknowledged_at, Some(it.now()));
    it.pass(4);
    it.one(acknowledge("j", 1)).await;
    assert_eq!(it.job("j").await, noticed);
}

async fn an_acknowledgement_does_nothing_to_any_other_job(it: Context<'_>) {
    let running = it.running("running").await;
    it.enqueue("queued").await;
    it.cancel("queued").await;
    for id in ["running", "queued", "nowhere"] {
        for attempt in 0..=2 {
            assert_eq!(it.one(acknowledge(id, attempt)).await, Outcome::Done);
        }
    }
    assert_eq!(it.job("running").await, running);
    assert_eq!(it.job("queued").await.cancel_acknowledged_at, None);
    it.cancel("running").await;
    it.one(acknowledge("running", 2)).await;
    assert_eq!(it.job("running").await.cancel_acknowledged_at, None);
}

async fn an_ended_job_cannot_be_cancelled(it: Context<'_>) {
    let running = it.running("done").await;
    it.settle(&running, completed()).await;
    assert_eq!(it.refusal(cancel("done")).await, status("done", JobStatus::Completed));
    it.enqueue("gone").await;
    it.cancel("gone").await;
    assert_eq!(it.refusal(cancel("gone")).await, status("gone", JobStatus::Cancelled));
}

async fn what_is_not_there_cannot_be_cancelled(it: Context<'_>) {
    let missing = Refusal::NoSuchJob { id: "j".to_owned() };
    assert_eq!(it.refusal(cancel("j")).await, missing);
    assert_eq!(it.refusal(revive("j")).await, missing);
}

async fn a_failed_job_is_revived_with_fresh_attempts(it: Context<'_>) {
    let running = it.running("j").await;
    it.settle(&running, failed(None)).await;
    it.pass(60);
    let revived = job(it.one(revive("j")).await);
    assert_eq!(revived, it.job("j").await);
    assert_eq!((revived.status, revived.failures), (JobStatus::Queued, 0));
    assert_eq!((revived.run_at, revived.completed_at), (it.now(), None));
    assert!(revived.error.is_some(), "why it failed stays to be read");
    assert_eq!(it.claim().await[0].attempt, 2);
}

async fn a_revived_job_has_no_deadline_any_more(it: Context<'_>) {
    it.one(Enqueue {
        max_elapsed: Some(Duration::from_secs(9)),
        ..enqueue("j")
    })
    .await;
    it.cancel("j").await;
    assert_eq!(it.job("j").await.deadline, Some(it.later(9)));
    it.one(revive("j")).await;
    assert_eq!(it.job("j").await.deadline, None);
}

async fn a_cancelled_job_is_revived_behind_a_new_fence(it: Context<'_>) {
    let first = it.running("j").await;
    it.cancel("j").await;
    it.one(revive("j")).await;
    let second = it.claim().await.pop().expect("it is due");
    let fenced = Refusal::Fenced { id: "j".to_owned() };
    assert_eq!(it.refusal(settle(&first, completed())).await, fenced);
    it.one(acknowledge("j", 1)).await;
    assert_eq!(it.job("j").await, second);
    it.settle(&second, completed()).await;
}

async fn a_living_or_completed_job_cannot_be_revived(it: Context<'_>) {
    it.enqueue("j").await;
    assert_eq!(it.refusal(revive("j")).await, status("j", JobStatus::Queued));
    let running = it.claim().await.pop().expect("it is due");
    assert_eq!(it.refusal(revive("j")).await, status("j", JobStatus::Running));
    it.settle(&running, completed()).await;
    assert_eq!(it.refusal(revive("j")).await, status("j", JobStatus::Completed));
}

async fn a_job_is_not_revived_while_its_unique_key_lives(it: Context<'_>) {
    let unique = |id| Enqueue {
        unique_key: Some("key".to_owned()),
        ..enqueue(id)
    };
    it.one(unique("j1")).await;
    it.cancel("j1").await;
    it.one(unique("j2")).await;
    assert_eq!(it.refusal(revive("j1")).await, status("j2", JobStatus::Queued));
    it.cancel("j2").await;
    it.one(revive("j1")).await;
}

fn cancel(id: &str) -> Op {
    Op::Cancel { id: id.to_owned() }
}

fn revive(id: &str) -> Op {
    Op::Revive { job: id.to_owned() }
}

fn acknowledge(id: &str, attempt: u32) -> Op {
    Op::AcknowledgeCancel {
        job: id.to_owned(),
        attempt,
    }
}

fn status(id: &str, status: JobStatus) -> Refusal {
    Refusal::Status {
        id: id.to_owned(),
        status,
    }
}
