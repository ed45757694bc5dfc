//! What the kernel around a store relies on: heads, closing, and time to the millisecond.

use chrono::TimeDelta;

use super::cases;
use super::context::{Context, completed, delete, emit, enqueue, failed, job, put, schedule};
use crate::store::{Batch, Enqueue, Error, Heads, Op, Put};

cases![
    an_acknowledged_commit_is_in_the_heads,
    a_watcher_wakes_for_a_commit_that_can_be_seen_and_for_no_other,
    jobs_are_counted_when_one_may_be_ready,
    job_updates_are_counted_when_a_job_changes,
    moments_are_cut_to_the_millisecond_that_is_kept,
    a_closed_store_says_so,
    a_store_may_be_closed_twice,
    an_incarnation_that_never_came_does_not_live,
];

async fn an_acknowledged_commit_is_in_the_heads(it: Context<'_>) {
    assert_eq!(it.heads(), Heads::default());
    let entry = it.put("a", 1).await;
    assert_eq!((it.heads().seq, it.heads().change), (entry.revision, entry.revision));
    it.one(emit("e", "a")).await;
    assert_eq!(it.heads().event, it.heads().seq);
    assert_eq!(it.heads().change, entry.revision);
}

async fn a_watcher_wakes_for_a_commit_that_can_be_seen_and_for_no_other(it: Context<'_>) {
    let mut heads = it.store.heads();
    heads.mark_unchanged();
    it.one(delete("a")).await;
    it.all(Vec::new()).await;
    assert!(!heads.has_changed().expect("the store is open"));
    it.put("a", 1).await;
    assert!(heads.has_changed().expect("the store is open"));
}

async fn jobs_are_counted_when_one_may_be_ready(it: Context<'_>) {
    let ready = |before: &mut u64| {
        let now = it.heads().jobs;
        std::mem::replace(before, now) < now
    };
    let mut count = it.heads().jobs;
    let running = it.running("j").await;
    assert!(ready(&mut count), "a job was made and claimed");
    it.settle(&running, failed(Some(it.now()))).await;
    assert!(ready(&mut count), "it is to be tried again");
    let running = it.claim().await.pop().expect("it is due");
    assert!(!ready(&mut count), "a claim makes nothing ready");
    it.settle(&running, completed()).await;
    assert!(!ready(&mut count), "a result makes nothing ready");
    it.one(schedule("s", it.later(60))).await;
    assert!(ready(&mut count), "a schedule has a next tick");
    it.put("a", 1).await;
    assert!(!ready(&mut count), "state is no job");
}

async fn job_updates_are_counted_when_a_job_changes(it: Context<'_>) {
    let seen = |before: &mut u64| {
        let now = it.heads().job_updates;
        std::mem::replace(before, now) < now
    };
    let mut count = it.heads().job_updates;
    it.enqueue("j").await;
    assert!(seen(&mut count));
    let running = it.claim().await.pop().expect("it is due");
    assert!(seen(&mut count));
    assert!(it.claim().await.is_empty());
    assert!(!seen(&mut count), "nothing was claimed");
    it.settle(&running, completed()).await;
    assert!(seen(&mut count));
    it.one(emit("e", "a")).await;
    assert!(!seen(&mut count), "an event is no job");
}

async fn moments_are_cut_to_the_millisecond_that_is_kept(it: Context<'_>) {
    let sharp = TimeDelta::nanoseconds(123_999);
    let ops: Vec<Op> = vec![
        Put {
            expires_at: Some(it.later(60) + sharp),
            ..put("a", 1)
        }
        .into(),
        Enqueue {
            run_at: Some(it.later(60) + sharp),
            ..enqueue("j")
        }
        .into(),
    ];
    let at = it.now() + sharp;
    let outcomes = it.store.commit(Batch { at, ops }).await.expect("it is allowed");
    let entry = it.get("a").await.expect("it is there");
    assert_eq!((entry.updated_at, entry.expires_at), (it.now(), Some(it.later(60))));
    assert_eq!(super::context::written(outcomes[0].clone()), entry);
    assert_eq!(job(outcomes[1].clone()), it.job("j").await);
    assert_eq!(it.job("j").await.run_at, it.later(60));
}

async fn a_closed_store_says_so(it: Context<'_>) {
    it.put("a", 1).await;
    it.store.close().await;
    assert!(matches!(it.commit(vec![put("a", 2).into()]).await, Err(Error::Closed)));
    assert!(matches!(it.store.get("wire", "a").await, Err(Error::Closed)));
    assert!(matches!(it.store.stats().await, Err(Error::Closed)));
}

async fn a_store_may_be_closed_twice(it: Context<'_>) {
    futures_util::future::join(it.store.close(), it.store.close()).await;
    it.store.close().await;
}

async fn an_incarnation_that_never_came_does_not_live(it: Context<'_>) {
    it.put("a", 1).await;
    assert!(!it.store.lives("nobody").await.expect("a store reads"));
}
