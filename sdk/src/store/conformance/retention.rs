//! What pruning drops and what it keeps.

use std::time::Duration;

use super::cases;
use super::context::{Context, completed, emit, events, put, schedule};
use crate::store::{Put, Retention};

cases![
    pruning_keeps_what_is_young_and_little,
    old_events_go_and_their_ids_are_free,
    events_above_the_count_go_oldest_first,
    old_changes_go_and_the_state_stays,
    changes_above_the_count_go_oldest_first,
    old_ended_jobs_go_with_their_attempts,
    ended_jobs_above_the_count_go_by_their_end,
    living_jobs_and_schedules_stay_however_old,
    old_cancelled_schedules_go,
    a_slice_bounds_what_one_pruning_drops,
];

async fn pruning_keeps_what_is_young_and_little(it: Context<'_>) {
    it.put("a", 1).await;
    it.one(emit("e", "a")).await;
    let running = it.running("j").await;
    it.settle(&running, completed()).await;
    let before = it.heads();
    it.pass(1_000_000);
    assert_eq!(it.prune(Retention::KEEP_ALL).await, 0);
    assert_eq!(it.heads(), before);
    assert_eq!(it.topics("*").await.len(), 1);
}

async fn old_events_go_and_their_ids_are_free(it: Context<'_>) {
    it.one(emit("old", "old")).await;
    it.pass(60);
    it.one(emit("young", "young")).await;
    let retention = Retention {
        event_age: Duration::from_secs(59),
        ..Retention::KEEP_ALL
    };
    assert_eq!(it.prune(retention).await, 1);
    assert_eq!(it.topics("*").await, ["young"]);
    it.one(emit("old", "again")).await;
    assert_eq!(it.topics("*").await, ["young", "again"]);
}

async fn events_above_the_count_go_oldest_first(it: Context<'_>) {
    for topic in ["a", "b", "c"] {
        it.one(emit(topic, topic)).await;
    }
    let retention = Retention {
        events_max: 2,
        ..Retention::KEEP_ALL
    };
    assert_eq!(it.prune(retention).await, 1);
    assert_eq!(it.prune(retention).await, 0);
    assert_eq!(it.topics("*").await, ["b", "c"]);
}

async fn old_changes_go_and_the_state_stays(it: Context<'_>) {
    let old = it.put("a", 1).await;
    it.pass(60);
    it.put("b", 1).await;
    let retention = Retention {
        change_age: Duration::from_secs(60),
        ..Retention::KEEP_ALL
    };
    assert_eq!(it.prune(retention).await, 0, "what is exactly so old stays");
    it.pass(1);
    assert_eq!(it.prune(retention).await, 1);
    assert_eq!(it.changes("", 0, 10).await.len(), 1);
    assert_eq!(it.get("a").await, Some(old));
}

async fn changes_above_the_count_go_oldest_first(it: Context<'_>) {
    for number in 0..4 {
        it.put("a", number).await;
    }
    let retention = Retention {
        changes_max: 1,
        ..Retention::KEEP_ALL
    };
    assert_eq!(it.prune(retention).await, 3);
    let left = it.changes("", 0, 10).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].entry, it.get("a").await);
}

async fn old_ended_jobs_go_with_their_attempts(it: Context<'_>) {
    let running = it.running("old").await;
    it.settle(&running, completed()).await;
    it.pass(60);
    let running = it.running("young").await;
    it.settle(&running, completed()).await;
    let retention = Retention {
        job_age: Duration::from_secs(59),
        ..Retention::KEEP_ALL
    };
    assert_eq!(it.prune(retention).await, 1);
    assert_eq!(it.store.job("old").await.expect("a read succeeds"), None);
    assert!(it.store.attempts("old").await.expect("a read succeeds").is_empty());
    assert_eq!(it.store.attempts("young").await.expect("a read succeeds").len(), 1);
}

async fn ended_jobs_above_the_count_go_by_their_end(it: Context<'_>) {
    for id in ["a", "b", "c"] {
        it.enqueue(id).await;
    }
    for id in ["b", "c", "a"] {
        it.pass(1);
        it.cancel(id).await;
    }
    let retention = Retention {
        jobs_max: 1,
        ..Retention::KEEP_ALL
    };
    assert_eq!(it.prune(retention).await, 2);
    it.job("a").await;
}

async fn living_jobs_and_schedules_stay_however_old(it: Context<'_>) {
    it.running("running").await;
    it.enqueue("queued").await;
    it.one(schedule("s", it.later(60))).await;
    it.pass(1_000_000);
    let retention = Retention {
        job_age: Duration::ZERO,
        jobs_max: 0,
        ..Retention::KEEP_ALL
    };
    assert_eq!(it.prune(retention).await, 0);
}

async fn old_cancelled_schedules_go(it: Context<'_>) {
    it.one(schedule("s", it.later(60))).await;
    it.cancel("s").await;
    it.pass(60);
    let retention = Retention {
        job_age: Duration::from_secs(59),
        ..Retention::KEEP_ALL
    };
    assert_eq!(it.prune(retention).await, 1);
    assert_eq!(it.store.schedule("s").await.expect("a read succeeds"), None);
}

async fn a_slice_bounds_what_one_pruning_drops(it: Context<'_>) {
    for number in 0..5 {
        let id = number.to_string();
        let expiring = Put {
            expires_at: Some(it.later(1)),
            ..put(&id, 1)
        };
        it.all(vec![expiring.into(), emit(&id, "a").into()]).await;
        it.enqueue(&id).await;
        it.cancel(&id).await;
    }
    it.pass(2);
    let slice = Retention {
        events_max: 0,
        jobs_max: 0,
        changes_max: 0,
        slice: 2,
        ..Retention::KEEP_ALL
    };
    // Two of each kind: entries, changes, events, jobs.
    assert_eq!(it.prune(slice).await, 8);
    assert_eq!(it.store.events(events("*")).await.expect("a read succeeds").len(), 3);
    while it.prune(slice).await > 0 {}
    let stats = it.store.stats().await.expect("a read succeeds");
    assert_eq!((stats.keys, stats.events, stats.jobs_ended), (0, 0, 0));
    assert!(it.changes("", 0, 10).await.is_empty());
}
