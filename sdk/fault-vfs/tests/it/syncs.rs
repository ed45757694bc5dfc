//! How often the disk is asked to sync: once a commit, once for many at the same time, and never for nothing.

use futures_util::future::join_all;
use serde_json::json;
use syscall_sdk::store::conformance::START;
use syscall_sdk::store::embedded::Embedded;
use syscall_sdk::store::{Batch, Condition, Put, Store};

use crate::life::World;

const LOG: &str = "store.db-wal";

fn put(key: u64) -> Batch {
    Batch::new(START).with(Put {
        namespace: "wire".to_owned(),
        key: format!("k/{key}"),
        value: json!(key).into(),
        condition: Condition::Any,
        expires_at: None,
    })
}

/// Syncs of the log so far.
fn syncs(world: &World) -> u64 {
    world.disk.syncs().get(LOG).copied().unwrap_or_default()
}

/// A store whose log has begun: its first sync is of its own head.
async fn open(world: &World) -> Embedded {
    let store = world.open("me").expect("it opens");
    store.commit(put(0)).await.expect("it is allowed");
    store
}

#[tokio::test]
async fn each_of_many_commits_one_after_another_is_synced_once() {
    let world = World::new(1);
    let store = open(&world).await;
    let (before, commits) = (syncs(&world), store.commits());
    for number in 0..100 {
        store.commit(put(number)).await.expect("it is allowed");
    }
    assert_eq!((syncs(&world) - before, store.commits() - commits), (100, 100));
}

#[tokio::test]
async fn commits_at_the_same_time_share_a_sync_and_none_goes_without() {
    let world = World::new(2);
    let store = open(&world).await;
    let (before, groups, batches) = (syncs(&world), store.commits(), store.batches());
    for _ in 0..20 {
        for answer in join_all((0..64).map(|number| store.commit(put(number)))).await {
            answer.expect("it is allowed");
        }
    }
    let (synced, groups) = (syncs(&world) - before, store.commits() - groups);
    assert_eq!((synced, store.batches() - batches), (groups, 20 * 64));
    assert!((20..=20 * 16).contains(&synced), "{synced} syncs of 1280 commits");
}

#[tokio::test]
async fn nothing_is_written_or_synced_for_reads_and_refusals() {
    let world = World::new(3);
    let store = open(&world).await;
    let before = world.disk.operations();
    for number in 0..50 {
        store.get("wire", "k/0").await.expect("a read succeeds");
        let mut twice = put(number);
        twice.ops.push(syscall_sdk::store::Op::Check {
            namespace: "wire".to_owned(),
            key: "absent".to_owned(),
            condition: Condition::Present,
        });
        store.commit(twice).await.expect_err("its condition does not hold");
    }
    assert_eq!(world.disk.operations(), before);
}

#[tokio::test]
async fn a_store_that_closes_syncs_its_log_and_its_file_once_and_opens_again_with_none() {
    let world = World::new(4);
    let store = open(&world).await;
    let before = world.disk.syncs();
    store.close().await;
    drop(store);
    let after = world.disk.syncs();
    assert_eq!(after["store.db"] - before.get("store.db").unwrap_or(&0), 1);
    let opened = world.disk.operations();
    drop(world.open("me").expect("it opens"));
    let syncs: u64 = world.disk.syncs().values().sum::<u64>() - after.values().sum::<u64>();
    assert!(
        syncs <= 2,
        "{syncs} syncs of {} operations",
        world.disk.operations() - opened
    );
}
