//! A disk that fails and one that is full.

use fault_vfs::{Damage, Rng};
use serde_json::json;
use syscall_sdk::store::conformance::START;
use syscall_sdk::store::{Batch, Condition, Error, Put, Store};

use crate::life::World;

fn put(key: u64) -> Batch {
    Batch::new(START).with(Put {
        namespace: "wire".to_owned(),
        key: format!("k/{key}"),
        value: json!("x".repeat(3_000)).into(),
        condition: Condition::Any,
        expires_at: None,
    })
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_acknowledged_and_nothing_acknowledged_is_lost() {
    for seed in 0..60 {
        let world = World::new(seed);
        let store = world.open("me").expect("it opens");
        world.disk.fail_sync(2 + seed % 15);
        let mut acknowledged = Vec::new();
        let mut refused = 0;
        for number in 0..30 {
            match store.commit(put(number)).await {
                Ok(_) => acknowledged.push(number),
                Err(Error::Poisoned(_)) => refused += 1,
                Err(other) => panic!("seed {seed}: {other:?}"),
            }
        }
        assert_eq!(
            acknowledged.len() + refused,
            30,
            "seed {seed}: nothing after the first refusal"
        );
        assert!(refused > 0 && acknowledged.iter().copied().eq(0..acknowledged.len() as u64));
        drop(store);
        world.disk.cut();
        world.disk.restore(Damage::Sectors).expect("the folder is there");
        let store = world.open("me").expect("it opens");
        for number in acknowledged {
            let kept = store
                .get("wire", &format!("k/{number}"))
                .await
                .expect("a read succeeds");
            assert!(kept.is_some(), "seed {seed}: {number} was acknowledged");
        }
    }
}

#[tokio::test]
async fn a_full_disk_takes_back_whole_batches_and_goes_on() {
    let mut rng = Rng::new(7);
    for seed in 0..40 {
        let world = World::new(seed);
        let store = world.open("me").expect("it opens");
        world.disk.fail_writes(1 + rng.below(40), 1 + rng.below(6));
        let (mut acknowledged, mut full) = (Vec::new(), 0);
        for number in 0..30 {
            match store.commit(put(number)).await {
                Ok(_) => acknowledged.push(number),
                Err(Error::Full(_)) => full += 1,
                Err(other) => panic!("seed {seed}: {other:?}"),
            }
        }
        assert!(full > 0 && acknowledged.last() == Some(&29), "seed {seed}");
        drop(store);
        world.disk.cut();
        world.disk.restore(Damage::Sectors).expect("the folder is there");
        let store = world.open("me").expect("it opens");
        for number in 0..30 {
            let kept = store
                .get("wire", &format!("k/{number}"))
                .await
                .expect("a read succeeds");
            assert_eq!(kept.is_some(), acknowledged.contains(&number), "seed {seed}: {number}");
        }
    }
}
