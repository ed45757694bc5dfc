//! Ending attempts, and the fence around them.

use super::cases;
use super::context::{Context, completed, delete, enqueue, failed, json_text, put, settle};
use crate::store::{Attempt, AttemptEnd, Condition, Job, Op, Outcome, Refusal, Verdict};
use crate::wire::JobStatus;

cases![
    a_completed_job_keeps_its_result_and_its_attempt,
    a_failure_with_attempts_left_is_queued_for_its_retry,
    the_last_failure_ends_the_job,
    a_failure_without_a_retry_ends_the_job_at_once,
    a_job_handed_back_runs_again_and_no_failure_counts,
    each_attempt_is_recorded,
    an_attempt_that_is_not_the_running_one_is_fenced,
    a_job_that_is_not_there_cannot_be_settled,
    progress_shows_while_the_attempt_runs,
    progress_of_an_old_attempt_is_fenced,
    the_last_progress_is_given_to_the_next_attempt,
    a_job_may_end_and_its_successor_begin_in_one_batch,
];

async fn a_completed_job_keeps_its_result_and_its_attempt(it: Context<'_>) {
    let running = it.running("j").await;
    it.pass(2);
    let done = it.settle(&running, completed()).await;
    assert_eq!(done, it.job("j").await);
    assert_eq!(done.status, JobStatus::Completed);
    assert_eq!(done.result, Some(json_text(r#"{"sent":1}"#)));
    assert_eq!((done.completed_at, done.owner.clone()), (Some(it.now()), None));
    let expected = Attempt {
        attempt: 1,
        started_at: it.later(-2),
        ended_at: it.now(),
        end: AttemptEnd::Completed,
        error: None,
        trace: Some("the-trace".to_owned()),
    };
    assert_eq!(attempts(it, "j").await, [expected]);
}

async fn a_failure_with_attempts_left_is_queued_for_its_retry(it: Context<'_>) {
    let running = it.running("j").await;
    let queued = it.settle(&running, failed(Some(it.later(30)))).await;
    assert_eq!(queued, it.job("j").await);
    assert_eq!((queued.status, queued.failures), (JobStatus::Queued, 1));
    assert_eq!((queued.run_at, queued.owner.clone()), (it.later(30), None));
    assert_eq!(queued.error.expect("it is noted").message, "no answer");
    assert!(it.claim().await.is_empty());
    it.pass(30);
    assert_eq!(it.claim().await[0].attempt, 2);
}

async fn the_last_failure_ends_the_job(it: Context<'_>) {
    it.enqueue("j").await;
    for failure in 1..=3 {
        let running = it.claim().await.pop().expect("it is due");
        let after = it.settle(&running, failed(Some(it.now()))).await;
        assert_eq!(after.failures, failure);
        assert_eq!(after.status.ended(), failure == 3);
    }
    let dead = it.job("j").await;
    assert_eq!((dead.status, dead.completed_at), (JobStatus::Failed, Some(it.now())));
}

async fn a_failure_without_a_retry_ends_the_job_at_once(it: Context<'_>) {
    let running = it.running("j").await;
    let dead = it.settle(&running, failed(None)).await;
    assert_eq!((dead.status, dead.failures), (JobStatus::Failed, 1));
}

async fn a_job_handed_back_runs_again_and_no_failure_counts(it: Context<'_>) {
    let running = it.running("j").await;
    it.pass(3);
    let queued = it.settle(&running, Verdict::HandedBack).await;
    assert_eq!((queued.status, queued.failures), (JobStatus::Queued, 0));
    assert_eq!((queued.run_at, queued.owner.clone()), (it.now(), None));
    assert_eq!(it.claim().await[0].attempt, 2);
}

async fn each_attempt_is_recorded(it: Context<'_>) {
    it.enqueue("j").await;
    for verdict in [Verdict::HandedBack, failed(Some(it.now())), completed()] {
        let running = it.claim().await.pop().expect("it is due");
        it.settle(&running, verdict).await;
    }
    let attempts = attempts(it, "j").await;
    let ends: Vec<_> = attempts.iter().map(|attempt| (attempt.attempt, attempt.end)).collect();
    assert_eq!(
        ends,
        [
            (1, AttemptEnd::Interrupted),
            (2, AttemptEnd::Failed),
            (3, AttemptEnd::Completed)
        ]
    );
    let error = attempts[1].error.clone().expect("it failed");
    assert_eq!(error.stack.as_deref(), Some("at the mailer"));
    assert_eq!(attempts[0].error, None);
}

async fn an_attempt_that_is_not_the_running_one_is_fenced(it: Context<'_>) {
    let first = it.running("j").await;
    let fenced = Refusal::Fenced { id: "j".to_owned() };
    let ahead = Job {
        attempt: 2,
        ..first.clone()
    };
    assert_eq!(it.refusal(settle(&ahead, completed())).await, fenced);
    it.settle(&first, Verdict::HandedBack).await;
    assert_eq!(it.refusal(settle(&first, completed())).await, fenced);
    let second = it.claim().await.pop().expect("it is due");
    assert_eq!(it.refusal(settle(&first, completed())).await, fenced);
    it.settle(&second, completed()).await;
    assert_eq!(it.refusal(settle(&second, completed())).await, fenced);
}

async fn a_job_that_is_not_there_cannot_be_settled(it: Context<'_>) {
    let mut job = it.running("j").await;
    job.id = "other".to_owned();
    let missing = Refusal::NoSuchJob { id: "other".to_owned() };
    assert_eq!(it.refusal(settle(&job, completed())).await, missing);
}

async fn progress_shows_while_the_attempt_runs(it: Context<'_>) {
    let running = it.running("j").await;
    let before = it.heads();
    assert_eq!(it.one(progress(&running, "[1, 2]")).await, Outcome::Done);
    assert_eq!(it.job("j").await.progress, Some(json_text("[1, 2]")));
    assert_eq!(it.heads().job_updates, before.job_updates + 1);
    assert_eq!(it.heads().jobs, before.jobs);
}

async fn progress_of_an_old_attempt_is_fenced(it: Context<'_>) {
    let running = it.running("j").await;
    it.settle(&running, Verdict::HandedBack).await;
    let fenced = Refusal::Fenced { id: "j".to_owned() };
    assert_eq!(it.refusal(progress(&running, "1")).await, fenced);
    assert_eq!(it.job("j").await.progress, None);
}

async fn the_last_progress_is_given_to_the_next_attempt(it: Context<'_>) {
    let first = it.running("j").await;
    it.one(progress(&first, "1")).await;
    it.one(progress(&first, "2")).await;
    it.settle(&first, failed(Some(it.now()))).await;
    let second = it.claim().await.pop().expect("it is due");
    assert_eq!(second.progress, Some(json_text("2")));
    it.settle(&second, Verdict::HandedBack).await;
    let third = it.claim().await.pop().expect("it is due");
    assert_eq!(third.progress, Some(json_text("2")));
}

async fn a_job_may_end_and_its_successor_begin_in_one_batch(it: Context<'_>) {
    let running = it.running("j").await;
    let unless = Op::Check {
        namespace: put("sent", 1).namespace,
        key: "sent".to_owned(),
        condition: Condition::Absent,
    };
    let goes_on = || {
        vec![
            progress(&running, r#"{"continuedAs":"j+2"}"#),
            settle(&running, completed()).into(),
            unless.clone(),
            enqueue("j+2").into(),
            put("latest", 2).into(),
        ]
    };
    it.put("sent", 1).await;
    let (op, why) = it.refused(goes_on()).await;
    assert!(op == 2 && matches!(why, Refusal::Version { .. }), "{op}: {why}");
    assert_eq!(it.job("j").await, running);
    it.one(delete("sent")).await;
    it.all(goes_on()).await;
    let (ended, next) = (it.job("j").await, it.job("j+2").await);
    assert_eq!(ended.status, JobStatus::Completed);
    assert_eq!(ended.progress, Some(json_text(r#"{"continuedAs":"j+2"}"#)));
    assert_eq!((next.status, next.attempt), (JobStatus::Queued, 0));
    assert!(it.get("latest").await.is_some());
    // Whoever did not hear the answer learns that it is done.
    let fenced = Refusal::Fenced { id: "j".to_owned() };
    assert_eq!(it.refused(goes_on()).await, (0, fenced));
}

fn progress(job: &Job, text: &str) -> Op {
    Op::Progress {
        job: job.id.clone(),
        attempt: job.attempt,
        progress: json_text(text),
    }
}

async fn attempts(it: Context<'_>, id: &str) -> Vec<Attempt> {
    it.store.attempts(id).await.expect("a read succeeds")
}
