//! Jobs that wait without a slot, and what wakes them.

use super::cases;
use super::context::{Context, claim, claimed, completed, enqueue, failed, of_status, put, settle};
use crate::store::{Condition, Enqueue, Job, Op, Outcome, Refusal, Verdict};
use crate::wire::JobStatus;

cases![
    a_job_parked_until_a_moment_runs_again_then,
    a_job_parked_without_a_moment_waits_to_be_woken,
    parking_is_no_attempt_and_no_failure_and_yet_fences,
    a_parked_job_keeps_its_unique_key_and_counts_as_living,
    a_parked_job_is_cancelled_without_an_attempt,
    a_job_that_waits_for_its_moment_is_woken,
    waking_does_nothing_to_a_job_that_does_not_wait,
    a_wake_rings_for_who_takes_jobs,
    a_job_does_not_park_where_what_it_waits_for_has_come,
];

async fn a_job_parked_until_a_moment_runs_again_then(it: Context<'_>) {
    let running = it.running("j").await;
    let parked = it.settle(&running, parked(it, Some(30))).await;
    assert_eq!(parked, it.job("j").await);
    assert_eq!((parked.status, parked.run_at), (JobStatus::Queued, it.later(30)));
    assert_eq!(parked.owner, None);
    let (jobs, next_due) = claimed(it.one(claim(&[("work", 1)], 1)).await);
    assert_eq!((jobs.len(), next_due), (0, Some(it.later(30))));
    it.pass(30);
    assert_eq!(it.claim().await[0].attempt, 2);
}

async fn a_job_parked_without_a_moment_waits_to_be_woken(it: Context<'_>) {
    let running = it.running("j").await;
    let parked = it.settle(&running, parked(it, None)).await;
    assert_eq!(parked, it.job("j").await);
    assert_eq!((parked.status, parked.owner.clone()), (JobStatus::Pending, None));
    assert_eq!(it.job_ids(of_status(JobStatus::Pending)).await, ["j"]);
    it.pass(1_000_000);
    let (jobs, next_due) = claimed(it.one(claim(&[("work", 1)], 1)).await);
    assert_eq!((jobs.len(), next_due), (0, None));
    assert_eq!(it.one(wake("j")).await, Outcome::Done);
    let woken = it.job("j").await;
    assert_eq!((woken.status, woken.run_at), (JobStatus::Queued, it.now()));
    assert_eq!(it.claim().await[0].attempt, 2);
}

async fn parking_is_no_attempt_and_no_failure_and_yet_fences(it: Context<'_>) {
    let first = it.running("j").await;
    let after = it.settle(&first, parked(it, Some(0))).await;
    assert_eq!((after.failures, after.error, after.completed_at), (0, None, None));
    let fenced = Refusal::Fenced { id: "j".to_owned() };
    assert_eq!(it.refusal(settle(&first, completed())).await, fenced);
    let second = it.claim().await.pop().expect("it is due");
    assert_eq!(it.refusal(settle(&first, parked(it, None))).await, fenced);
    it.settle(&second, failed(None)).await;
    let attempts = it.store.attempts("j").await.expect("a read succeeds");
    let numbers: Vec<_> = attempts.iter().map(|attempt| attempt.attempt).collect();
    assert_eq!(numbers, [2]);
}

async fn a_parked_job_keeps_its_unique_key_and_counts_as_living(it: Context<'_>) {
    let unique = |id| Enqueue {
        unique_key: Some("key".to_owned()),
        ..enqueue(id)
    };
    it.one(unique("j1")).await;
    let running = it.claim().await.pop().expect("it is due");
    let parked = it.settle(&running, parked(it, None)).await;
    assert_eq!(it.sizes().await, [0, 0, 1, 0]);
    assert_eq!(it.one(unique("j2")).await, Outcome::Duplicate(Box::new(parked)));
}

async fn a_parked_job_is_cancelled_without_an_attempt(it: Context<'_>) {
    let running = it.running("j").await;
    it.settle(&running, parked(it, None)).await;
    it.cancel("j").await;
    assert_eq!(it.job("j").await.status, JobStatus::Cancelled);
    assert!(it.store.attempts("j").await.expect("a read succeeds").is_empty());
    assert_eq!(it.sizes().await, [0, 0, 0, 1]);
}

async fn a_job_that_waits_for_its_moment_is_woken(it: Context<'_>) {
    let order = Enqueue {
        run_at: Some(it.later(60)),
        ..enqueue("j")
    };
    it.one(order).await;
    assert!(it.claim().await.is_empty());
    it.one(wake("j")).await;
    assert_eq!(it.claim().await.len(), 1);
}

async fn waking_does_nothing_to_a_job_that_does_not_wait(it: Context<'_>) {
    let running = it.running("running").await;
    let done = it.running("done").await;
    let done = it.settle(&done, completed()).await;
    it.enqueue("gone").await;
    it.cancel("gone").await;
    let gone = it.job("gone").await;
    it.enqueue("due").await;
    let due = it.job("due").await;
    it.pass(5);
    for id in ["running", "done", "gone", "due", "nowhere"] {
        assert_eq!(it.one(wake(id)).await, Outcome::Done);
    }
    for before in [running, done, gone, due] {
        assert_eq!(it.job(&before.id).await, before);
    }
}

async fn a_wake_rings_for_who_takes_jobs(it: Context<'_>) {
    let running = it.running("j").await;
    it.settle(&running, parked(it, None)).await;
    let before = it.heads();
    it.one(wake("j")).await;
    let after = it.heads();
    assert!(after.jobs > before.jobs && after.job_updates > before.job_updates);
}

async fn a_job_does_not_park_where_what_it_waits_for_has_come(it: Context<'_>) {
    let running = it.running("j").await;
    let park = |running: &Job| {
        let unless = Op::Check {
            namespace: "wire".to_owned(),
            key: "answer".to_owned(),
            condition: Condition::Absent,
        };
        vec![unless, settle(running, parked(it, None)).into()]
    };
    it.put("answer", 1).await;
    assert_eq!(it.refused(park(&running)).await.0, 0);
    assert_eq!(it.job("j").await, running);
    let other = it.running("k").await;
    it.one(super::context::delete("answer")).await;
    it.all(park(&other)).await;
    it.all(vec![put("answer", 2).into(), wake("k")]).await;
    assert_eq!(it.claim().await[0].id, "k");
}

fn parked(it: Context<'_>, seconds: Option<i64>) -> Verdict {
    Verdict::Parked {
        until: seconds.map(|seconds| it.later(seconds)),
    }
}

fn wake(id: &str) -> Op {
    Op::Wake { job: id.to_owned() }
}
