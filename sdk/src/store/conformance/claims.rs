//! Taking due jobs.

use super::cases;
use super::context::{Context, claim, claimed, enqueue};
use crate::store::{Claim, Enqueue};
use crate::wire::JobStatus;

cases![
    a_claimed_job_runs_for_its_owner,
    a_job_is_claimed_once,
    a_job_is_not_claimed_before_its_moment,
    a_claim_says_when_the_next_job_is_due,
    a_claim_takes_the_highest_priority_of_a_moment_then_the_longest_due_then_the_oldest,
    a_claim_takes_only_the_names_that_it_wants,
    a_claim_keeps_to_the_slots_of_each_name,
    a_claim_keeps_to_its_limit_across_names,
    a_name_wanted_twice_has_the_slots_of_both,
    a_claim_without_room_takes_nothing_and_still_says_what_is_due,
];

async fn a_claimed_job_runs_for_its_owner(it: Context<'_>) {
    it.enqueue("j").await;
    it.pass(5);
    let jobs = it.claim().await;
    let running = it.job("j").await;
    assert_eq!(jobs, std::slice::from_ref(&running));
    assert_eq!(running.status, JobStatus::Running);
    assert_eq!(running.attempt, 1);
    assert_eq!(running.started_at, Some(it.now()));
    assert_eq!(running.owner.as_deref(), Some("me"));
}

async fn a_job_is_claimed_once(it: Context<'_>) {
    it.enqueue("j").await;
    assert_eq!(it.claim().await.len(), 1);
    assert!(it.claim().await.is_empty());
}

async fn a_job_is_not_claimed_before_its_moment(it: Context<'_>) {
    it.one(due_in(it, "j", 10)).await;
    it.pass(9);
    assert!(it.claim().await.is_empty());
    it.pass(1);
    assert_eq!(it.claim().await.len(), 1);
}

async fn a_claim_says_when_the_next_job_is_due(it: Context<'_>) {
    it.one(Enqueue {
        priority: 5,
        ..due_in(it, "late", 30)
    })
    .await;
    it.one(due_in(it, "soon", 10)).await;
    it.one(due_in(it, "now", 0)).await;
    it.one(Enqueue {
        name: "other".to_owned(),
        ..due_in(it, "other", 1)
    })
    .await;
    let (jobs, next_due) = claimed(it.one(claim(&[("work", 5)], 5)).await);
    assert_eq!(jobs.len(), 1);
    assert_eq!(next_due, Some(it.later(10)));
    let (_, next_due) = claimed(it.one(claim(&[("work", 5), ("other", 5)], 5)).await);
    assert_eq!(next_due, Some(it.later(1)));
    let (_, next_due) = claimed(it.one(claim(&[("nothing", 5)], 5)).await);
    assert_eq!(next_due, None);
}

async fn a_claim_takes_the_highest_priority_of_a_moment_then_the_longest_due_then_the_oldest(it: Context<'_>) {
    for (id, priority, due) in [
        ("late", 0, 3),
        ("high", 9, 4),
        ("first", 0, 1),
        ("second", 0, 1),
        ("low", -9, 0),
    ] {
        let order = Enqueue {
            priority,
            ..due_in(it, id, due)
        };
        it.one(order).await;
    }
    it.pass(10);
    assert_eq!(ids(it, claim(&[("work", 9)], 2)).await, ["high", "first"]);
    assert_eq!(ids(it, claim(&[("work", 9)], 9)).await, ["second", "late", "low"]);
}

async fn a_claim_takes_only_the_names_that_it_wants(it: Context<'_>) {
    it.enqueue("j").await;
    named(it, "other", &["o"]).await;
    assert_eq!(ids(it, claim(&[("other", 9)], 9)).await, ["o"]);
    assert_eq!(it.job("j").await.status, JobStatus::Queued);
}

async fn a_claim_keeps_to_the_slots_of_each_name(it: Context<'_>) {
    named(it, "a", &["a1", "a2", "a3"]).await;
    named(it, "b", &["b1", "b2", "b3"]).await;
    assert_eq!(ids(it, claim(&[("a", 1), ("b", 2)], 9)).await, ["a1", "b1", "b2"]);
}

async fn a_claim_keeps_to_its_limit_across_names(it: Context<'_>) {
    named(it, "b", &["b1"]).await;
    named(it, "a", &["a1", "a2"]).await;
    assert_eq!(ids(it, claim(&[("a", 9), ("b", 9)], 2)).await, ["b1", "a1"]);
    assert_eq!(it.job("a2").await.status, JobStatus::Queued);
}

async fn a_name_wanted_twice_has_the_slots_of_both(it: Context<'_>) {
    named(it, "a", &["a1", "a2", "a3"]).await;
    assert_eq!(ids(it, claim(&[("a", 1), ("a", 1)], 9)).await, ["a1", "a2"]);
}

async fn a_claim_without_room_takes_nothing_and_still_says_what_is_due(it: Context<'_>) {
    it.enqueue("j").await;
    it.one(due_in(it, "later", 5)).await;
    for (slots, limit) in [(0, 9), (9, 0)] {
        let before = it.heads();
        let (jobs, next_due) = claimed(it.one(claim(&[("work", slots)], limit)).await);
        assert!(jobs.is_empty());
        assert_eq!(next_due, Some(it.later(5)));
        assert_eq!(it.heads(), before);
    }
}

fn due_in(it: Context<'_>, id: &str, seconds: i64) -> Enqueue {
    Enqueue {
        run_at: Some(it.later(seconds)),
        ..enqueue(id)
    }
}

async fn named(it: Context<'_>, name: &str, ids: &[&str]) {
    for id in ids {
        let order = Enqueue {
            name: name.to_owned(),
            ..enqueue(id)
        };
        it.one(order).await;
    }
}

async fn ids(it: Context<'_>, claim: Claim) -> Vec<String> {
    let (jobs, _) = claimed(it.one(claim).await);
    jobs.into_iter().map(|job| job.id).collect()
}
