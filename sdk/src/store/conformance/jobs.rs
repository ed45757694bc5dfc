//! Creating jobs and reading them.

use std::time::Duration;

use chrono::TimeDelta;

use super::cases;
use super::context::{Context, completed, delete, enqueue, job, json_text, of_status, schedule};
use crate::policy::Backoff;
use crate::store::{Concurrency, Enqueue, Job, JobQuery, Outcome, Refusal};
use crate::wire::JobStatus;

cases![
    a_job_is_read_back_as_it_was_ordered,
    a_job_without_a_moment_is_due_at_once,
    a_job_id_is_taken_once_by_jobs_and_schedules_together,
    a_unique_key_gives_the_living_job,
    a_unique_key_is_free_again_when_its_job_has_ended,
    an_order_with_a_living_key_and_a_taken_id_is_a_duplicate,
    jobs_come_newest_first_and_page_by_sequence,
    jobs_are_filtered_by_status_name_and_schedule,
    what_is_not_there_is_none,
];

async fn a_job_is_read_back_as_it_was_ordered(it: Context<'_>) {
    let order = Enqueue {
        params: Some(json_text(r#"{ "to": "a" }"#)),
        priority: -3,
        run_at: Some(it.later(60)),
        max_attempts: 7,
        backoff: Backoff {
            base: 5,
            factor: 1.5,
            cap: u64::MAX,
        },
        timeout: Some(Duration::from_millis(1_500)),
        max_elapsed: Some(Duration::from_secs(90)),
        start_within: Some(Duration::from_millis(2_500)),
        heartbeat: Some(Duration::from_millis(700)),
        unique_key: Some("k".to_owned()),
        concurrency: Some(Concurrency {
            key: "c".to_owned(),
            limit: 7,
        }),
        throttle_key: Some("t".to_owned()),
        schedule_id: Some("s".to_owned()),
        trace: Some("00-trace".to_owned()),
        ..enqueue("j")
    };
    let made = job(it.one(order.clone()).await);
    assert_eq!(made.seq, it.heads().seq);
    let expected = Job {
        seq: made.seq,
        id: "j".to_owned(),
        name: "work".to_owned(),
        params: order.params,
        status: JobStatus::Queued,
        priority: -3,
        created_at: it.now(),
        run_at: it.later(60),
        started_at: None,
        completed_at: None,
        attempt: 0,
        failures: 0,
        max_attempts: 7,
        backoff: order.backoff,
        timeout: order.timeout,
        deadline: Some(it.later(90)),
        start_by: Some(it.later(60) + TimeDelta::milliseconds(2_500)),
        heartbeat: order.heartbeat,
        unique_key: order.unique_key,
        concurrency: order.concurrency,
        turn: None,
        throttle_key: order.throttle_key,
        attempt_bytes: 0,
        redrive_of: None,
        redriven_as: None,
        schedule_id: order.schedule_id,
        progress: None,
        result: None,
        error: None,
        trace: order.trace,
        owner: None,
        cancel_acknowledged_at: None,
    };
    assert_eq!(made, expected);
    assert_eq!(it.job("j").await, expected);
}

async fn a_job_without_a_moment_is_due_at_once(it: Context<'_>) {
    assert_eq!(it.enqueue("j").await.run_at, it.now());
    assert_eq!(it.claim().await.len(), 1);
}

async fn a_job_id_is_taken_once_by_jobs_and_schedules_together(it: Context<'_>) {
    let taken = |id: &str| Refusal::JobExists { id: id.to_owned() };
    it.enqueue("j").await;
    it.one(schedule("s", it.later(60))).await;
    assert_eq!(it.refusal(enqueue("j")).await, taken("j"));
    assert_eq!(it.refusal(enqueue("s")).await, taken("s"));
    assert_eq!(it.refusal(schedule("j", it.later(60))).await, taken("j"));
    assert_eq!(it.refusal(schedule("s", it.later(60))).await, taken("s"));
}

async fn a_unique_key_gives_the_living_job(it: Context<'_>) {
    let first = job(it.one(unique("j1")).await);
    let before = it.heads();
    assert_eq!(it.one(unique("j2")).await, Outcome::Duplicate(Box::new(first)));
    assert_eq!(it.heads(), before);
    let running = it.claim().await.pop().expect("it is due");
    assert_eq!(it.one(unique("j3")).await, Outcome::Duplicate(Box::new(running)));
    assert_eq!(it.store.job("j2").await.expect("a read succeeds"), None);
}

async fn a_unique_key_is_free_again_when_its_job_has_ended(it: Context<'_>) {
    it.one(unique("j1")).await;
    let running = it.claim().await.pop().expect("it is due");
    it.settle(&running, completed()).await;
    assert_eq!(job(it.one(unique("j2")).await).id, "j2");
    it.cancel("j2").await;
    assert_eq!(job(it.one(unique("j3")).await).id, "j3");
}

async fn an_order_with_a_living_key_and_a_taken_id_is_a_duplicate(it: Context<'_>) {
    let first = job(it.one(unique("j")).await);
    assert_eq!(it.one(unique("j")).await, Outcome::Duplicate(Box::new(first)));
}

async fn jobs_come_newest_first_and_page_by_sequence(it: Context<'_>) {
    for id in ["a", "b", "c", "d", "e"] {
        it.enqueue(id).await;
        it.one(delete("no such key")).await;
    }
    let page = |before| JobQuery {
        before,
        limit: 2,
        ..JobQuery::default()
    };
    assert_eq!(it.job_ids(page(None)).await, ["e", "d"]);
    let before = Some(it.job("d").await.seq);
    assert_eq!(it.job_ids(page(before)).await, ["c", "b"]);
    let before = Some(it.job("b").await.seq);
    assert_eq!(it.job_ids(page(before)).await, ["a"]);
    assert_eq!(it.job_ids(page(Some(u64::MAX))).await, ["e", "d"]);
}

async fn jobs_are_filtered_by_status_name_and_schedule(it: Context<'_>) {
    it.running("running").await;
    it.enqueue("queued").await;
    let other = Enqueue {
        name: "other".to_owned(),
        schedule_id: Some("s".to_owned()),
        ..enqueue("other")
    };
    it.one(other).await;
    assert_eq!(it.job_ids(of_status(JobStatus::Running)).await, ["running"]);
    assert_eq!(it.job_ids(of_status(JobStatus::Queued)).await, ["other", "queued"]);
    assert!(it.job_ids(of_status(JobStatus::Pending)).await.is_empty());
    let named = JobQuery {
        name: Some("work".to_owned()),
        ..of_status(JobStatus::Queued)
    };
    assert_eq!(it.job_ids(named).await, ["queued"]);
    let scheduled = JobQuery {
        schedule_id: Some("s".to_owned()),
        limit: 10,
        ..JobQuery::default()
    };
    assert_eq!(it.job_ids(scheduled).await, ["other"]);
}

async fn what_is_not_there_is_none(it: Context<'_>) {
    assert_eq!(it.get("a").await, None);
    assert_eq!(it.store.job("j").await.expect("a read succeeds"), None);
    assert_eq!(it.store.schedule("s").await.expect("a read succeeds"), None);
    assert!(it.store.attempts("j").await.expect("a read succeeds").is_empty());
}

fn unique(id: &str) -> Enqueue {
    Enqueue {
        unique_key: Some("the key".to_owned()),
        ..enqueue(id)
    }
}
