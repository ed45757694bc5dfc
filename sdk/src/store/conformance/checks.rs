//! Conditions on keys that a batch does not write.

use super::cases;
use super::context::{Context, delete, enqueue, put};
use crate::store::{Condition, Op, Outcome, Put, Refusal};

cases![
    a_check_that_holds_writes_nothing,
    a_check_that_fails_refuses_the_batch,
    a_check_sees_what_the_batch_wrote_before_it,
    a_check_finds_an_expired_key_absent,
    a_check_keeps_to_its_namespace,
];

async fn a_check_that_holds_writes_nothing(it: Context<'_>) {
    let entry = it.put("a", 1).await;
    let before = it.heads();
    for (key, condition) in [
        ("a", Condition::Any),
        ("a", Condition::Present),
        ("a", Condition::Version(1)),
        ("a", Condition::Revision(entry.revision)),
        ("b", Condition::Any),
        ("b", Condition::Absent),
    ] {
        assert_eq!(
            it.one(check(key, condition)).await,
            Outcome::Done,
            "{key} {condition:?}"
        );
    }
    assert_eq!(it.heads(), before);
    assert_eq!(it.get("a").await, Some(entry));
    assert_eq!(it.get("b").await, None);
}

async fn a_check_that_fails_refuses_the_batch(it: Context<'_>) {
    it.put("a", 1).await;
    let before = it.heads();
    for (key, condition, current) in [
        ("a", Condition::Absent, 1),
        ("a", Condition::Version(2), 1),
        ("a", Condition::Revision(0), 1),
        ("b", Condition::Present, 0),
        ("b", Condition::Version(1), 0),
    ] {
        let ops = vec![put("c", 1).into(), enqueue("j").into(), check(key, condition)];
        let key = key.to_owned();
        assert_eq!(it.refused(ops).await, (2, Refusal::Version { key, current }));
    }
    assert_eq!(it.heads(), before);
    assert_eq!(it.get("c").await, None);
}

async fn a_check_sees_what_the_batch_wrote_before_it(it: Context<'_>) {
    let written = check("a", Condition::Version(1));
    let gone = check("a", Condition::Absent);
    it.all(vec![
        gone.clone(),
        put("a", 1).into(),
        written.clone(),
        delete("a").into(),
        gone,
    ])
    .await;
    assert_eq!(it.refused(vec![written, put("a", 1).into()]).await.0, 0);
}

async fn a_check_finds_an_expired_key_absent(it: Context<'_>) {
    it.one(Put {
        expires_at: Some(it.later(10)),
        ..put("a", 1)
    })
    .await;
    it.one(check("a", Condition::Present)).await;
    it.pass(10);
    it.one(check("a", Condition::Absent)).await;
}

async fn a_check_keeps_to_its_namespace(it: Context<'_>) {
    it.one(Put {
        namespace: "other".to_owned(),
        ..put("a", 1)
    })
    .await;
    it.one(check("a", Condition::Absent)).await;
}

fn check(key: &str, condition: Condition) -> Op {
    Op::Check {
        namespace: "wire".to_owned(),
        key: key.to_owned(),
        condition,
    }
}
