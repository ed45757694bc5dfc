//! Whose turn it is: priorities that age, and keys that let only so many run.

use super::cases;
use super::context::{Context, claim, claimed, completed, enqueue, failed, of_status, settle};
use crate::store::turn::{AGEING_STEP, BLOCKED_MAX};
use crate::store::{Concurrency, Enqueue, Job, Op, Verdict};
use crate::wire::JobStatus;

cases![
    a_step_of_priority_is_worth_as_much_as_its_wait,
    a_low_job_runs_in_the_end_however_many_high_ones_come,
    only_as_many_of_a_key_run_as_it_allows,
    a_full_key_hides_nobody_behind_it,
    a_key_is_one_for_jobs_of_all_names,
    every_end_of_an_attempt_lets_the_next_of_its_key_run,
    who_waits_for_a_key_runs_by_turn,
    an_end_that_promotes_rings_for_who_takes_jobs,
    a_place_that_a_cancelled_job_was_queued_for_goes_to_the_next,
    a_job_that_waits_for_its_turn_is_cancelled_like_any_other,
    a_wake_lets_nobody_past_a_full_key,
    a_parked_job_gives_up_its_place_and_waits_to_be_woken,
    a_claim_sets_aside_only_so_many_and_says_that_there_may_be_more,
    a_job_that_was_cancelled_while_it_waited_is_revived,
];

async fn a_step_of_priority_is_worth_as_much_as_its_wait(it: Context<'_>) {
    let step = AGEING_STEP.as_secs();
    it.enqueue("first").await;
    it.pass(step - 1);
    it.one(of_priority("overtakes", 1)).await;
    it.pass(1);
    it.one(of_priority("as-late", 1)).await;
    it.pass(1);
    it.one(of_priority("too-late", 1)).await;
    assert_eq!(ids(&it.claim().await), ["overtakes", "first", "as-late", "too-late"]);
}

async fn a_low_job_runs_in_the_end_however_many_high_ones_come(it: Context<'_>) {
    it.enqueue("low").await;
    // One place, and always a high one for it, a quarter of a step after the last.
    let quarter = AGEING_STEP.as_secs() / 4;
    for round in 0..=8 {
        it.one(of_priority(&format!("high-{round}"), 2)).await;
        let (jobs, _) = claimed(it.one(claim(&[("work", 1)], 1)).await);
        it.settle(&jobs[0], completed()).await;
        if jobs[0].id == "low" {
            // Two steps are eight quarters.
            assert_eq!(round, 8, "it waits as long as its priority says, and no shorter");
            return;
        }
        it.pass(quarter);
    }
    panic!("the low job was never taken");
}

async fn only_as_many_of_a_key_run_as_it_allows(it: Context<'_>) {
    for id in ["a", "b", "c", "d"] {
        it.one(of_key(id, "k", 2)).await;
    }
    assert_eq!(it.job("a").await.status, JobStatus::Queued);
    assert_eq!(ids(&it.claim().await), ["a", "b"]);
    for id in ["c", "d"] {
        let waits = it.job(id).await;
        assert_eq!((waits.status, waits.turn), (JobStatus::Pending, Some(it.now())));
    }
    assert_eq!(it.job_ids(of_status(JobStatus::Pending)).await, ["d", "c"]);
    assert!(it.claim().await.is_empty());
}

async fn a_full_key_hides_nobody_behind_it(it: Context<'_>) {
    for number in 0..5 {
        it.one(of_key(&format!("k{number}"), "k", 1)).await;
    }
    it.enqueue("free").await;
    it.one(of_key("other", "l", 1)).await;
    let before = it.heads();
    let (jobs, next_due) = claimed(it.one(claim(&[("work", 3)], 3)).await);
    assert_eq!((ids(&jobs), next_due), (vec!["k0", "free", "other"], None));
    assert!(it.heads().job_updates > before.job_updates);
}

async fn a_key_is_one_for_jobs_of_all_names(it: Context<'_>) {
    let named = |id: &str, name: &str| Enqueue {
        name: name.to_owned(),
        ..of_key(id, "k", 1)
    };
    for (id, name) in [("a", "one"), ("b", "two"), ("c", "two"), ("d", "three")] {
        it.one(named(id, name)).await;
    }
    let all = [("one", 9), ("two", 9), ("three", 9)];
    let (jobs, _) = claimed(it.one(claim(&all, 9)).await);
    assert_eq!(ids(&jobs), ["a"]);
    it.settle(&jobs[0], completed()).await;
    // Who takes only the last name is not held up by one that nobody takes.
    let (jobs, _) = claimed(it.one(claim(&[("three", 9)], 9)).await);
    assert_eq!(ids(&jobs), ["d"]);
    let (others, _) = claimed(it.one(claim(&all, 9)).await);
    assert!(others.is_empty());
    it.settle(&jobs[0], completed()).await;
    let (jobs, _) = claimed(it.one(claim(&all, 9)).await);
    assert_eq!(ids(&jobs), ["b"]);
}

async fn every_end_of_an_attempt_lets_the_next_of_its_key_run(it: Context<'_>) {
    let verdicts = [
        completed(),
        failed(None),
        failed(Some(it.later(3_600))),
        Verdict::Parked {
            until: Some(it.later(3_600)),
        },
        Verdict::Parked { until: None },
    ];
    it.one(of_key("0", "k", 1)).await;
    let mut running = it.claim().await.remove(0);
    for (number, verdict) in (1..).zip(verdicts) {
        let id = number.to_string();
        it.one(of_key(&id, "k", 1)).await;
        assert!(it.claim().await.is_empty());
        it.settle(&running, verdict).await;
        running = it.claim().await.remove(0);
        assert_eq!(running.id, id);
    }
    it.one(of_key("after-cancel", "k", 1)).await;
    assert!(it.claim().await.is_empty());
    it.cancel(&running.id).await;
    running = it.claim().await.remove(0);
    assert_eq!(running.id, "after-cancel");
    it.one(of_key("after-hand-back", "k", 1)).await;
    assert!(it.claim().await.is_empty());
    it.pass(1);
    it.settle(&running, Verdict::HandedBack).await;
    assert_eq!(ids(&it.claim().await), ["after-hand-back"]);
}

async fn who_waits_for_a_key_runs_by_turn(it: Context<'_>) {
    it.one(of_key("first", "k", 1)).await;
    let mut running = it.claim().await.remove(0);
    for (id, priority) in [("low", -1), ("plain", 0), ("high", 2), ("twin", 2)] {
        let order = Enqueue {
            priority,
            ..of_key(id, "k", 1)
        };
        it.one(order).await;
        assert!(it.claim().await.is_empty());
    }
    for next in ["high", "twin", "plain", "low"] {
        it.settle(&running, completed()).await;
        running = it.claim().await.remove(0);
        assert_eq!((running.id.as_str(), running.turn), (next, None));
    }
}

async fn an_end_that_promotes_rings_for_who_takes_jobs(it: Context<'_>) {
    let running = keyed_pair(it).await;
    let before = it.heads();
    it.settle(&running, completed()).await;
    assert!(it.heads().jobs > before.jobs);
    let next = it.job("next").await;
    assert_eq!((next.status, next.turn), (JobStatus::Queued, None));
}

async fn a_place_that_a_cancelled_job_was_queued_for_goes_to_the_next(it: Context<'_>) {
    let running = keyed_pair(it).await;
    it.one(of_key("last", "k", 1)).await;
    assert!(it.claim().await.is_empty());
    it.settle(&running, completed()).await;
    let before = it.heads();
    it.cancel("next").await;
    assert!(it.heads().jobs > before.jobs);
    assert_eq!(ids(&it.claim().await), ["last"]);
}

async fn a_job_that_waits_for_its_turn_is_cancelled_like_any_other(it: Context<'_>) {
    let running = keyed_pair(it).await;
    it.cancel("next").await;
    let cancelled = it.job("next").await;
    assert_eq!((cancelled.status, cancelled.turn), (JobStatus::Cancelled, None));
    assert!(it.store.attempts("next").await.expect("a read succeeds").is_empty());
    it.settle(&running, completed()).await;
    assert!(it.claim().await.is_empty());
    assert_eq!(it.sizes().await, [0, 0, 0, 2]);
}

async fn a_wake_lets_nobody_past_a_full_key(it: Context<'_>) {
    keyed_pair(it).await;
    let waits = it.job("next").await;
    it.one(Op::Wake { job: "next".to_owned() }).await;
    assert_eq!(it.job("next").await, waits);
    assert!(it.claim().await.is_empty());
}

async fn a_parked_job_gives_up_its_place_and_waits_to_be_woken(it: Context<'_>) {
    let running = keyed_pair(it).await;
    it.settle(&running, Verdict::Parked { until: None }).await;
    let parked = it.job("running").await;
    assert_eq!((parked.status, parked.turn), (JobStatus::Pending, None));
    let next = it.claim().await.remove(0);
    it.one(Op::Wake {
        job: "running".to_owned(),
    })
    .await;
    assert!(it.claim().await.is_empty());
    it.settle(&next, completed()).await;
    assert_eq!(ids(&it.claim().await), ["running"]);
}

async fn a_claim_sets_aside_only_so_many_and_says_that_there_may_be_more(it: Context<'_>) {
    let most = BLOCKED_MAX;
    it.one(of_key("running", "k", 1)).await;
    it.claim().await;
    let orders = (0..=most).map(|number| of_key(&format!("k{number}"), "k", 1).into());
    it.all(orders.collect()).await;
    it.pass(1);
    it.enqueue("free").await;
    let (jobs, next_due) = claimed(it.one(claim(&[("work", 1)], 1)).await);
    assert_eq!((jobs.len(), next_due), (0, Some(it.now())));
    assert_eq!(it.job_ids(of_status(JobStatus::Pending)).await.len(), most);
    let (jobs, next_due) = claimed(it.one(claim(&[("work", 1)], 1)).await);
    assert_eq!((ids(&jobs), next_due), (vec!["free"], None));
}

async fn a_job_that_was_cancelled_while_it_waited_is_revived(it: Context<'_>) {
    let running = keyed_pair(it).await;
    it.cancel("next").await;
    it.one(Op::Revive { job: "next".to_owned() }).await;
    assert!(it.claim().await.is_empty());
    assert_eq!(it.job("next").await.status, JobStatus::Pending);
    it.one(settle(&running, completed())).await;
    assert_eq!(ids(&it.claim().await), ["next"]);
}

/// One job that runs with the key `k`, and `next`, which waits for it.
async fn keyed_pair(it: Context<'_>) -> Job {
    for id in ["running", "next"] {
        it.one(of_key(id, "k", 1)).await;
    }
    let running = it.claim().await;
    assert_eq!(ids(&running), ["running"]);
    running.into_iter().next().expect("it runs")
}

fn of_priority(id: &str, priority: i32) -> Enqueue {
    Enqueue {
        priority,
        ..enqueue(id)
    }
}

fn of_key(id: &str, key: &str, limit: u32) -> Enqueue {
    Enqueue {
        concurrency: Some(Concurrency {
            key: key.to_owned(),
            limit,
        }),
        ..enqueue(id)
    }
}

fn ids(jobs: &[Job]) -> Vec<&str> {
    jobs.iter().map(|job| job.id.as_str()).collect()
}
