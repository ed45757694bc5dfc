use futures_util::future::join;

use super::*;
use crate::clock::Clock;
use crate::store::conformance::{self, START};
use crate::store::embedded::{Embedded, Options};
use crate::store::memory::Memory;
use crate::store::{Condition, Put};
use crate::wire::Json;

fn faulty() -> Fault {
    Fault::new(Arc::new(Memory::new(Clock::system())))
}

fn batch() -> Batch {
    Batch::new(START).with(Put {
        namespace: "wire".to_owned(),
        key: "a".to_owned(),
        value: Json::parse("1").expect("JSON"),
        condition: Condition::Any,
        expires_at: None,
    })
}

#[tokio::test]
async fn with_no_knob_turned_it_keeps_every_promise() {
    conformance::run(async |clock| {
        let options = Options {
            path: None,
            clock,
            owner: "me".to_owned(),
            name: "fault".to_owned(),
        };
        Arc::new(Fault::new(Arc::new(Embedded::open(options).expect("it opens")))) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test]
async fn a_gate_falls_after_so_many_commits() {
    let store = faulty();
    store.hold_after(2);
    store.commit(batch()).await.expect("the first passes");
    store.commit(batch()).await.expect("the second passes");
    let held = async {
        store.waiting(1).await;
        store.release();
    };
    let (third, ()) = join(store.commit(batch()), held).await;
    third.expect("it passes when it is let go");
}

#[tokio::test]
async fn the_answer_of_one_later_commit_is_lost() {
    let store = faulty();
    store.lose_answer_after(1, Failure::Busy);
    store.commit(batch()).await.expect("the first is answered");
    assert!(store.commit(batch()).await.is_err());
    store.commit(batch()).await.expect("the third is answered");
    assert_eq!((store.counts().commits, store.counts().unanswered), (3, 1));
}

#[tokio::test]
async fn a_lost_commit_has_not_happened() {
    let store = faulty();
    store.lose_commits(2, Failure::Backend);
    for _ in 0..2 {
        assert!(matches!(store.commit(batch()).await, Err(Error::Backend { .. })));
    }
    assert_eq!(store.get("wire", "a").await.expect("a read succeeds"), None);
    store.commit(batch()).await.expect("the knob is spent");
    assert_eq!((store.counts().commits, store.counts().lost), (3, 2));
}

#[tokio::test]
async fn a_store_that_died_takes_nothing_more() {
    let store = faulty();
    store.die_after(1);
    store.commit(batch()).await.expect("one goes through");
    for _ in 0..2 {
        assert!(matches!(store.commit(batch()).await, Err(Error::Poisoned(_))));
    }
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_has_happened() {
    let store = faulty();
    store.lose_answers(1, Failure::Busy);
    assert!(matches!(store.commit(batch()).await, Err(Error::Busy)));
    assert!(store.get("wire", "a").await.expect("a read succeeds").is_some());
    assert_eq!(store.counts().unanswered, 1);
}

#[tokio::test]
async fn reads_fail_as_often_as_told() {
    let store = faulty();
    store.fail_reads(1, Failure::Backend);
    assert!(store.stats().await.is_err());
    assert!(store.stats().await.is_ok());
    assert_eq!((store.counts().reads, store.counts().failed_reads), (2, 1));
}

#[tokio::test]
async fn a_held_commit_waits_for_its_release() {
    let store = faulty();
    store.hold();
    let release = async {
        store.waiting(1).await;
        assert_eq!(store.get("wire", "a").await.expect("a read succeeds"), None);
        store.release();
    };
    let (answer, ()) = join(store.commit(batch()), release).await;
    answer.expect("it was let go");
    assert_eq!(store.counts().waiting, 0);
}
