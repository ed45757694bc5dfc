//! What an order does to the living job that has its unique key.

use std::time::Duration;

use super::cases;
use super::context::{Context, completed, enqueue, failed, job, json_text, of_status};
use crate::store::{Enqueue, Job, Outcome, Refusal, Retention};
use crate::wire::{JobStatus, UniqueMode};

cases![
    replacing_gives_the_waiting_job_new_params_and_all_its_attempts,
    replacing_a_running_job_lets_it_go_and_makes_one_that_waits,
    a_running_job_keeps_its_key_where_the_new_id_is_taken,
    earliest_hastens_the_waiting_job_and_never_puts_it_off,
    earliest_leaves_the_running_job_alone,
    debouncing_puts_the_waiting_job_off_with_the_latest_params,
    debouncing_never_puts_a_job_off_past_its_deadline,
    a_debounced_job_has_to_begin_as_much_later,
    an_order_of_another_name_changes_nothing,
    a_changed_job_is_told_to_who_waits_for_jobs,
    a_throttle_key_gives_the_kept_job_though_it_has_ended,
];

fn order(id: &str, mode: UniqueMode, params: &str) -> Enqueue {
    Enqueue {
        params: Some(json_text(params)),
        unique_key: Some("key".to_owned()),
        unique_mode: mode,
        ..enqueue(id)
    }
}

fn later(order: Enqueue, it: Context<'_>, seconds: i64) -> Enqueue {
    Enqueue {
        run_at: Some(it.later(seconds)),
        ..order
    }
}

fn changed(outcome: Outcome) -> Job {
    match outcome {
        Outcome::Changed(job) => *job,
        other => panic!("not changed: {other:?}"),
    }
}

async fn replacing_gives_the_waiting_job_new_params_and_all_its_attempts(it: Context<'_>) {
    it.one(order("j1", UniqueMode::Replace, "1")).await;
    let running = it.claim().await.pop().expect("it is due");
    let waits = it.settle(&running, failed(Some(it.later(60)))).await;
    let met = changed(it.one(order("j2", UniqueMode::Replace, "2")).await);
    let expected = Job {
        params: Some(json_text("2")),
        failures: 0,
        ..waits
    };
    assert_eq!(met, expected);
    assert_eq!(it.job("j1").await, expected);
    assert_eq!(it.job_ids(of_status(JobStatus::Queued)).await, ["j1"]);
}

async fn replacing_a_running_job_lets_it_go_and_makes_one_that_waits(it: Context<'_>) {
    for mode in [UniqueMode::Replace, UniqueMode::Debounce] {
        it.one(order("j1", mode, "1")).await;
        let running = it.claim().await.pop().expect("it is due");
        let made = job(it.one(later(order("j2", mode, "2"), it, 60)).await);
        assert_eq!(
            (made.status, made.unique_key.as_deref()),
            (JobStatus::Queued, Some("key"))
        );
        let let_go = it.job("j1").await;
        assert_eq!((let_go.status, let_go.unique_key), (JobStatus::Running, None));
        assert_eq!(let_go.params, Some(json_text("1")), "it goes on with what it was given");
        // The next one meets the one that waits.
        assert_eq!(changed(it.one(order("j3", mode, "3")).await).id, "j2");
        it.settle(&running, completed()).await;
        it.cancel("j2").await;
        it.prune(Retention {
            jobs_max: 0,
            ..Retention::KEEP_ALL
        })
        .await;
    }
}

async fn a_running_job_keeps_its_key_where_the_new_id_is_taken(it: Context<'_>) {
    it.one(order("j1", UniqueMode::Replace, "1")).await;
    it.claim().await.pop().expect("it is due");
    it.enqueue("taken").await;
    let taken = Refusal::JobExists { id: "taken".to_owned() };
    assert_eq!(it.refusal(order("taken", UniqueMode::Replace, "2")).await, taken);
    assert_eq!(it.job("j1").await.unique_key.as_deref(), Some("key"));
}

async fn earliest_hastens_the_waiting_job_and_never_puts_it_off(it: Context<'_>) {
    it.one(later(order("j1", UniqueMode::Earliest, "1"), it, 60)).await;
    let met = changed(it.one(later(order("j2", UniqueMode::Earliest, "2"), it, 30)).await);
    assert_eq!((met.id.as_str(), met.run_at), ("j1", it.later(30)));
    assert_eq!(met.params, Some(json_text("1")), "only its moment changes");
    let unmoved = Outcome::Duplicate(Box::new(met));
    assert_eq!(
        it.one(later(order("j3", UniqueMode::Earliest, "3"), it, 45)).await,
        unmoved
    );
    assert!(it.claim().await.is_empty());
    assert_eq!(
        changed(it.one(order("j4", UniqueMode::Earliest, "4")).await).run_at,
        it.now()
    );
    assert_eq!(it.claim().await[0].id, "j1");
}

async fn earliest_leaves_the_running_job_alone(it: Context<'_>) {
    it.one(order("j1", UniqueMode::Earliest, "1")).await;
    let running = it.claim().await.pop().expect("it is due");
    let unmoved = Outcome::Duplicate(Box::new(running));
    assert_eq!(it.one(order("j2", UniqueMode::Earliest, "2")).await, unmoved);
}

async fn debouncing_puts_the_waiting_job_off_with_the_latest_params(it: Context<'_>) {
    it.one(later(order("j1", UniqueMode::Debounce, "1"), it, 10)).await;
    it.pass(8);
    let met = changed(it.one(later(order("j2", UniqueMode::Debounce, "2"), it, 10)).await);
    assert_eq!((met.id.as_str(), met.run_at), ("j1", it.later(10)));
    it.pass(8);
    assert!(it.claim().await.is_empty(), "it was put off");
    it.pass(2);
    assert_eq!(it.claim().await[0].params, Some(json_text("2")));
}

async fn debouncing_never_puts_a_job_off_past_its_deadline(it: Context<'_>) {
    let bounded = |id| Enqueue {
        max_elapsed: Some(Duration::from_secs(15)),
        ..later(order(id, UniqueMode::Debounce, "1"), it, 10)
    };
    let made = job(it.one(bounded("j1")).await);
    it.pass(8);
    assert_eq!(changed(it.one(bounded("j2")).await).run_at, made.run_at);
    it.pass(2);
    assert_eq!(it.claim().await[0].id, "j1");
}

async fn a_debounced_job_has_to_begin_as_much_later(it: Context<'_>) {
    let hasty = |id, seconds| Enqueue {
        start_within: Some(Duration::from_secs(5)),
        ..later(order(id, UniqueMode::Debounce, "1"), it, seconds)
    };
    assert_eq!(job(it.one(hasty("j1", 10)).await).start_by, Some(it.later(15)));
    assert_eq!(changed(it.one(hasty("j2", 30)).await).start_by, Some(it.later(35)));
    assert_eq!(it.job("j1").await.start_by, Some(it.later(35)));
}

async fn an_order_of_another_name_changes_nothing(it: Context<'_>) {
    let first = job(it.one(order("j1", UniqueMode::Replace, "1")).await);
    let other = Enqueue {
        name: "other".to_owned(),
        ..order("j2", UniqueMode::Replace, "2")
    };
    assert_eq!(it.one(other).await, Outcome::Duplicate(Box::new(first)));
}

async fn a_changed_job_is_told_to_who_waits_for_jobs(it: Context<'_>) {
    it.one(later(order("j1", UniqueMode::Earliest, "1"), it, 60)).await;
    let before = it.heads();
    it.one(later(order("j2", UniqueMode::Earliest, "2"), it, 30)).await;
    let after = it.heads();
    assert_eq!((after.seq, after.change), (before.seq, before.change));
    assert!(after.jobs > before.jobs && after.job_updates > before.job_updates);
}

async fn a_throttle_key_gives_the_kept_job_though_it_has_ended(it: Context<'_>) {
    let throttled = |id: &str, key: &str| Enqueue {
        throttle_key: Some(key.to_owned()),
        unique_mode: UniqueMode::Throttle,
        ..enqueue(id)
    };
    it.one(throttled("j1", "first window")).await;
    let running = it.claim().await.pop().expect("it is due");
    let ended = it.settle(&running, completed()).await;
    assert_eq!(
        it.one(throttled("j2", "first window")).await,
        Outcome::Duplicate(Box::new(ended))
    );
    assert_eq!(job(it.one(throttled("j3", "second window")).await).id, "j3");
}
