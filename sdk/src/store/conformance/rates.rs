//! Rates of names.

use std::time::Duration;

use super::cases;
use super::context::{Context, claim, claimed, completed, enqueue, failed};
use crate::policy::Rate;
use crate::store::{Claim, Concurrency, Enqueue, Job};

cases![
    jobs_of_a_name_start_evenly_at_its_rate,
    a_burst_starts_at_once_and_fills_up_again,
    a_claim_says_when_a_rate_has_room_again,
    a_rate_bounds_its_own_name_alone,
    every_attempt_counts_and_nothing_else_does,
];

async fn jobs_of_a_name_start_evenly_at_its_rate(it: Context<'_>) {
    many(it, "work", 4).await;
    let every_ten = Rate::new(6, Duration::from_secs(60));
    for second in 0..=30 {
        let (jobs, next_due) = take(it, every_ten).await;
        assert_eq!(jobs.len(), usize::from(second % 10 == 0), "after {second} s");
        assert!(next_due > Some(it.now()) && next_due <= Some(it.later(11)));
        it.pass(1);
    }
}

async fn a_burst_starts_at_once_and_fills_up_again(it: Context<'_>) {
    many(it, "work", 12).await;
    let rate = Rate::new(1, Duration::from_secs(10)).burst(3);
    let taken = async || take(it, rate).await.0.len();
    assert_eq!((taken().await, taken().await), (3, 0));
    it.pass(10);
    assert_eq!((taken().await, taken().await), (1, 0));
    it.pass(20);
    assert_eq!(taken().await, 2);
    // However long it rests, the burst is no more than it is.
    it.pass(10_000);
    assert_eq!((taken().await, taken().await), (3, 0));
}

async fn a_claim_says_when_a_rate_has_room_again(it: Context<'_>) {
    many(it, "work", 2).await;
    let rate = Rate::new(1, Duration::from_millis(1_500));
    assert_eq!(take(it, rate).await.0.len(), 1);
    let (jobs, opens_at) = take(it, rate).await;
    let opens_at = opens_at.expect("it opens again");
    let wait = (opens_at - it.now()).to_std().expect("it is later");
    assert!(
        jobs.is_empty() && (1_500..=1_501).contains(&wait.as_millis()),
        "{wait:?}"
    );
    it.clock.advance(wait);
    assert_eq!(take(it, rate).await.0.len(), 1);
    let due = Enqueue {
        run_at: Some(it.now() + Duration::from_millis(1)),
        ..enqueue("later")
    };
    it.one(due).await;
    assert_eq!(take(it, rate).await.1, Some(it.now() + Duration::from_millis(1)));
}

async fn a_rate_bounds_its_own_name_alone(it: Context<'_>) {
    many(it, "work", 2).await;
    many(it, "other", 2).await;
    let mut both = of_rate(Rate::new(1, Duration::from_secs(10)));
    both.wants.push(claim(&[("other", 9)], 9).wants.remove(0));
    let (jobs, _) = claimed(it.one(both).await);
    assert_eq!(ids(&jobs), ["work-0", "other-0", "other-1"]);
    // Who goes by no rate is not held up by what is kept of one.
    assert_eq!(ids(&it.claim().await), ["work-1"]);
}

async fn every_attempt_counts_and_nothing_else_does(it: Context<'_>) {
    let rate = Rate::new(1, Duration::from_secs(10)).burst(2);
    let keyed = |id: &str| Enqueue {
        concurrency: Some(Concurrency {
            key: "k".to_owned(),
            limit: 1,
        }),
        ..enqueue(id)
    };
    // Two that are set aside take nothing from the rate.
    for id in ["a", "b", "c"] {
        it.one(keyed(id)).await;
    }
    it.one(enqueue("free")).await;
    let (jobs, _) = take(it, rate).await;
    assert_eq!(ids(&jobs), ["a", "free"]);
    it.settle(&jobs[0], completed()).await;
    it.settle(&jobs[1], failed(Some(it.now()))).await;
    assert!(take(it, rate).await.0.is_empty());
    it.pass(20);
    assert_eq!(ids(&take(it, rate).await.0), ["b", "free"]);
}

async fn take(it: Context<'_>, rate: Rate) -> (Vec<Job>, Option<chrono::DateTime<chrono::Utc>>) {
    claimed(it.one(of_rate(rate)).await)
}

fn of_rate(rate: Rate) -> Claim {
    let mut claim = claim(&[("work", 9)], 9);
    claim.wants[0].rate = Some(rate);
    claim
}

async fn many(it: Context<'_>, name: &str, count: usize) {
    for number in 0..count {
        let order = Enqueue {
            name: name.to_owned(),
            ..enqueue(&format!("{name}-{number}"))
        };
        it.one(order).await;
    }
}

fn ids(jobs: &[Job]) -> Vec<&str> {
    jobs.iter().map(|job| job.id.as_str()).collect()
}
