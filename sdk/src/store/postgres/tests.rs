//! What the conformance suite cannot ask of every store: replicas, leases, and a database that goes away.

mod away;
mod bytes;
mod keys;
mod replicas;

use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::json;

use super::cluster::{self, Space};
use super::*;
use crate::name::Prefix;
use crate::store::conformance::{self, START};
use crate::store::fault::Fault as Faulty;
use crate::store::prefix::Prefixed;
use crate::store::{Claim, Condition, Emit, Enqueue, JobFailure, Op, Put, Refusal, Settle, Verdict, Want};
use crate::wire::UniqueMode;

#[tokio::test]
async fn the_store_keeps_every_promise() {
    let space = Space::shared();
    conformance::run(async |clock| {
        let schema = space.schema();
        Arc::new(space.open(&schema, "me", &clock).await) as Arc<dyn Store>
    })
    .await;
    space.end().await;
}

#[tokio::test]
async fn behind_a_transaction_pooler_it_keeps_every_promise() {
    let space = Space::of(&pooled(&cluster::shared_url()));
    conformance::run(async |clock| {
        let schema = space.schema();
        Arc::new(space.open(&schema, "me", &clock).await) as Arc<dyn Store>
    })
    .await;
    space.end().await;
}

#[tokio::test]
async fn a_part_of_it_keeps_every_promise() {
    let space = Space::shared();
    conformance::run(async |clock| {
        let schema = space.schema();
        let whole = Arc::new(space.open(&schema, "me", &clock).await);
        Arc::new(Prefixed::new(whole, Prefix::new("a:").expect("a prefix"))) as Arc<dyn Store>
    })
    .await;
    space.end().await;
}

#[tokio::test]
async fn with_no_knob_of_the_faulty_store_turned_it_keeps_every_promise() {
    let space = Space::shared();
    conformance::run(async |clock| {
        let schema = space.schema();
        Arc::new(Faulty::new(Arc::new(space.open(&schema, "me", &clock).await))) as Arc<dyn Store>
    })
    .await;
    space.end().await;
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_closing_and_opening() {
    let (space, schema, clock) = place();
    let store = space.open(&schema, "me", &clock).await;
    store
        .commit(batch(vec![put("a"), emit("e"), enqueue("j")]))
        .await
        .expect("it is allowed");
    let heads = *store.heads().borrow();
    store.close().await;
    assert!(matches!(store.get("wire", "a").await, Err(Error::Closed)));
    let store = space.open(&schema, "me", &clock).await;
    assert_eq!(*store.heads().borrow(), heads);
    assert!(store.get("wire", "a").await.expect("a read succeeds").is_some());
    let again = store.commit(batch(vec![emit("e")])).await;
    assert!(matches!(
        again,
        Err(Error::Refused {
            why: Refusal::EventExists,
            ..
        })
    ));
    let next = store.commit(batch(vec![emit("e2")])).await.expect("it is allowed");
    assert_eq!(next, [Outcome::Emitted(heads.seq + 1)]);
    store.close().await;
    space.end().await;
}

#[tokio::test]
async fn closing_finishes_what_was_accepted() {
    let (space, schema, clock) = place();
    let store = space.open(&schema, "me", &clock).await;
    let commits = join_all((0..50).map(|number| store.commit(batch(vec![put(&format!("a/{number}"))]))));
    let (answers, ()) = futures_util::future::join(commits, store.close()).await;
    let acknowledged = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer, Ok(_) | Err(Error::Closed)))
    );
    let store = space.open(&schema, "me", &clock).await;
    assert_eq!(store.stats().await.expect("a read succeeds").keys, acknowledged as u64);
    store.close().await;
    space.end().await;
}

#[tokio::test]
async fn concurrent_commits_share_transactions() {
    let (space, schema, clock) = place();
    let store = space.open(&schema, "me", &clock).await;
    let before = store.commits();
    for _ in 0..10 {
        let commits = (0..64).map(|number| store.commit(batch(vec![put(&format!("a/{number}"))])));
        for answer in join_all(commits).await {
            answer.expect("it is allowed");
        }
    }
    assert_eq!(store.batches(), 640);
    // The first of a round may go alone; the others are in the queue before its commit is done.
    assert!(store.commits() - before <= 40, "{} transactions", store.commits());
    store.close().await;
    space.end().await;
}

#[tokio::test]
async fn a_refusal_in_a_group_takes_nothing_else_with_it() {
    let (space, schema, clock) = place();
    let store = space.open(&schema, "me", &clock).await;
    let commits = (0..64).map(|number| {
        let mut ops = vec![put(&format!("a/{number}")), emit(&format!("e{number}"))];
        if number % 2 == 1 {
            ops.push(emit("e0"));
        }
        store.commit(batch(ops))
    });
    for (number, answer) in join_all(commits).await.iter().enumerate() {
        assert_eq!(answer.is_ok(), number % 2 == 0, "{number}: {answer:?}");
    }
    let stats = store.stats().await.expect("a read succeeds");
    assert_eq!((stats.keys, stats.events, store.heads().borrow().seq), (32, 32, 64));
    store.close().await;
    space.end().await;
}

#[tokio::test]
async fn a_batch_that_the_database_cannot_hold_fails_alone() {
    let (space, schema, clock) = place();
    let store = space.open(&schema, "me", &clock).await;
    let commits = (0..8).map(|number| {
        let key = if number == 5 {
            "nul\0".to_owned()
        } else {
            format!("a/{number}")
        };
        store.commit(batch(vec![put(&key)]))
    });
    for (number, answer) in join_all(commits).await.iter().enumerate() {
        assert_eq!(answer.is_ok(), number != 5, "{number}: {answer:?}");
    }
    store.close().await;
    space.end().await;
}

#[tokio::test]
async fn a_failure_is_kept_whatever_bytes_it_says() {
    let (space, schema, clock) = place();
    let store = space.open(&schema, "me", &clock).await;
    store
        .commit(batch(vec![enqueue("j"), claim("me", 1)]))
        .await
        .expect("it is allowed");
    let error = JobFailure {
        message: "a NUL: \0".to_owned(),
        stack: Some("\0".to_owned()),
    };
    let settle = Settle {
        job: "j".to_owned(),
        attempt: 1,
        verdict: Verdict::Failed { error, retry_at: None },
        trace: None,
    };
    store.commit(batch(vec![settle.into()])).await.expect("it is allowed");
    let job = store.job("j").await.expect("a read succeeds").expect("it is there");
    assert_eq!(job.error.expect("it failed").message, "a NUL: \u{fffd}");
    store.close().await;
    space.end().await;
}

#[tokio::test]
async fn a_unique_key_goes_from_one_job_to_another_within_a_group() {
    let (space, schema, clock) = place();
    let store = space.open(&schema, "me", &clock).await;
    let unique = |id: &str| match enqueue(id) {
        Op::Enqueue(mut order) => {
            order.unique_key = Some("u".to_owned());
            Op::Enqueue(order)
        }
        other => other,
    };
    let cancel = |id: &str| Op::Cancel { id: id.to_owned() };
    let revive = |id: &str| Op::Revive { job: id.to_owned() };
    store
        .commit(batch(vec![unique("a"), cancel("a"), unique("b")]))
        .await
        .expect("it is allowed");
    store
        .commit(batch(vec![cancel("b"), revive("a")]))
        .await
        .expect("it is allowed");
    store
        .commit(batch(vec![cancel("a"), unique("c")]))
        .await
        .expect("it is allowed");
    let stats = store.stats().await.expect("a read succeeds");
    assert_eq!((stats.jobs_live, stats.jobs_ended), (1, 2));
    store.close().await;
    space.end().await;
}

#[tokio::test]
async fn a_unique_key_that_a_running_job_lets_go_is_taken_up_within_a_group() {
    let (space, schema, clock) = place();
    let store = space.open(&schema, "me", &clock).await;
    let unique = |id: &str| match enqueue(id) {
        Op::Enqueue(mut order) => {
            order.unique_key = Some("u".to_owned());
            order.unique_mode = UniqueMode::Replace;
            Op::Enqueue(order)
        }
        other => other,
    };
    let cancel = |id: &str| Op::Cancel { id: id.to_owned() };
    let claim = Op::from(Claim {
        owner: "me".to_owned(),
        wants: vec![Want {
            name: "work".to_owned(),
            slots: 1,
            rate: None,
        }],
        limit: 1,
        early: false,
    });
    store
        .commit(batch(vec![unique("dead"), cancel("dead"), unique("runs"), claim]))
        .await
        .expect("it is allowed");
    let revive = Op::Revive { job: "dead".to_owned() };
    store
        .commit(batch(vec![unique("new"), cancel("new"), revive]))
        .await
        .expect("it is allowed");
    for (id, key) in [("runs", None), ("new", Some("u")), ("dead", Some("u"))] {
        let job = store.job(id).await.expect("a read succeeds").expect("it is there");
        assert_eq!(job.unique_key.as_deref(), key, "{id}");
    }
    store.close().await;
    space.end().await;
}

#[tokio::test]
async fn a_commit_that_nobody_waits_for_tears_nothing() {
    let (space, schema, clock) = place();
    let store = space.open(&schema, "me", &clock).await;
    for number in 0..200 {
        let commit = store.commit(batch(vec![put(&format!("a/{number}")), emit(&format!("e{number}"))]));
        // Polled once, so that it is with the writer, and dropped.
        let _ = commit.now_or_never();
    }
    store.commit(batch(vec![put("last")])).await.expect("it is allowed");
    let stats = store.stats().await.expect("a read succeeds");
    assert_eq!(stats.keys, stats.events + 1);
    store.close().await;
    space.end().await;
}

#[tokio::test]
async fn a_schema_that_needs_a_newer_program_is_refused_and_one_that_does_not_is_used() {
    let (space, schema, clock) = place();
    space.open(&schema, "me", &clock).await.close().await;
    let options = || Options {
        schema: schema.clone(),
        clock: clock.clone(),
        owner: "me".to_owned(),
    };
    space
        .sql(&schema, "INSERT INTO {s}.migration (version, needs) VALUES (98, 1)")
        .await;
    Postgres::open(space.database(), options())
        .await
        .expect("the newer one only added")
        .close()
        .await;
    space
        .sql(&schema, "INSERT INTO {s}.migration (version, needs) VALUES (99, 98)")
        .await;
    let refused = Postgres::open(space.database(), options())
        .await
        .expect_err("it needs more");
    assert!(matches!(refused, Error::Unusable(_)));
    assert!(
        refused
            .to_string()
            .contains("is at version 99 and needs a program that knows version 98"),
        "{refused}"
    );
    space.end().await;
}

#[tokio::test]
async fn replicas_that_start_together_make_the_schema_once() {
    let (space, schema, clock) = place();
    let opened = join_all((0..6).map(|number| {
        let (space, schema, clock) = (&space, &schema, &clock);
        async move { space.open(schema, &format!("r{number}"), clock).await }
    }));
    for store in opened.await {
        store.commit(batch(vec![put("a")])).await.expect("it is allowed");
        store.close().await;
    }
    space.end().await;
}

fn place() -> (Space, String, Clock) {
    let space = Space::shared();
    let schema = space.schema();
    (space, schema, Clock::manual(START))
}

/// The URL as one of a transaction pooler.
fn pooled(url: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}pooler=transaction")
}

fn batch(ops: Vec<Op>) -> Batch {
    Batch { at: START, ops }
}

fn put(key: &str) -> Op {
    Op::Put(Put {
        namespace: "wire".to_owned(),
        key: key.to_owned(),
        value: json!(1).into(),
        condition: Condition::Any,
        expires_at: None,
    })
}

fn emit(id: &str) -> Op {
    Op::Emit(Emit {
        id: id.to_owned(),
        topic: "topic".to_owned(),
        data: None,
        trace: None,
    })
}

fn claim(owner: &str, slots: usize) -> Op {
    Op::Claim(Claim {
        owner: owner.to_owned(),
        wants: vec![Want {
            name: "work".to_owned(),
            slots,
            rate: None,
        }],
        limit: slots,
        early: false,
    })
}

fn enqueue(id: &str) -> Op {
    Op::from(Enqueue {
        max_attempts: 3,
        ..Enqueue::new(id, "work")
    })
}
