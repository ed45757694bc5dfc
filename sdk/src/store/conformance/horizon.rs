//! The horizons that tell a reader whether pruning has eaten what it had not read.

use super::cases;
use super::context::{Context, completed, emit, emitted, put};
use crate::store::{Put, Retention, Stats};

cases![
    a_horizon_is_zero_until_something_is_dropped,
    the_horizon_of_events_is_the_last_one_dropped,
    the_horizon_of_changes_is_the_last_one_dropped,
    sequences_go_on_after_everything_was_dropped,
    sizes_count_what_lives,
];

async fn a_horizon_is_zero_until_something_is_dropped(it: Context<'_>) {
    it.put("a", 1).await;
    it.one(emit("e", "a")).await;
    it.prune(Retention::KEEP_ALL).await;
    let stats = stats(it).await;
    assert_eq!((stats.event_floor, stats.change_floor), (0, 0));
}

async fn the_horizon_of_events_is_the_last_one_dropped(it: Context<'_>) {
    it.one(emit("e1", "a")).await;
    let second = emitted(&it.one(emit("e2", "a")).await);
    it.one(emit("e3", "a")).await;
    let retention = Retention {
        events_max: 1,
        ..Retention::KEEP_ALL
    };
    it.prune(retention).await;
    assert_eq!(stats(it).await.event_floor, second);
}

async fn the_horizon_of_changes_is_the_last_one_dropped(it: Context<'_>) {
    let first = it.put("a", 1).await;
    it.put("a", 2).await;
    let retention = Retention {
        changes_max: 1,
        ..Retention::KEEP_ALL
    };
    it.prune(retention).await;
    assert_eq!(stats(it).await.change_floor, first.revision);
}

async fn sequences_go_on_after_everything_was_dropped(it: Context<'_>) {
    let last = emitted(&it.one(emit("e", "a")).await);
    let retention = Retention {
        events_max: 0,
        ..Retention::KEEP_ALL
    };
    it.prune(retention).await;
    assert!(emitted(&it.one(emit("e", "a")).await) > last);
}

async fn sizes_count_what_lives(it: Context<'_>) {
    assert_eq!(it.sizes().await, [0, 0, 0, 0]);
    it.put("a", 1).await;
    it.put("a", 2).await;
    let expiring = Put {
        namespace: "other".to_owned(),
        expires_at: Some(it.later(5)),
        ..put("b", 1)
    };
    it.one(expiring).await;
    it.one(emit("e", "a")).await;
    let running = it.running("j1").await;
    it.enqueue("j2").await;
    assert_eq!(it.sizes().await, [2, 1, 2, 0]);
    it.settle(&running, completed()).await;
    it.pass(5);
    assert_eq!(it.sizes().await, [1, 1, 1, 1]);
}

async fn stats(it: Context<'_>) -> Stats {
    it.store.stats().await.expect("a read succeeds")
}
