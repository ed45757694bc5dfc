//! What is remembered of idempotent requests.

use super::cases;
use super::context::{Context, put, remember};
use crate::store::{Answer, Op, Outcome, Refusal, Remember, Remembered, Retention};

cases![
    a_request_is_remembered_while_it_runs_and_when_it_is_answered,
    a_remembered_request_refuses_a_second_one_with_what_is_remembered,
    only_its_owner_replaces_what_is_remembered,
    the_same_key_in_another_scope_is_another_request,
    a_forgotten_request_may_be_made_again,
    an_expired_request_may_be_made_again,
    a_refused_request_changes_nothing_else,
    pruning_drops_expired_requests_alone,
    what_is_remembered_beside_a_pruning_that_drops_nothing_is_kept,
];

async fn what_is_remembered_beside_a_pruning_that_drops_nothing_is_kept(it: Context<'_>) {
    let request = remember("k", "me", it.later(60));
    let outcomes = it.all(vec![request.into(), Retention::KEEP_ALL.into()]).await;
    assert_eq!(outcomes, [Outcome::Done, Outcome::Pruned(0)]);
    assert!(read(it, "k").await.is_some());
}

async fn a_request_is_remembered_while_it_runs_and_when_it_is_answered(it: Context<'_>) {
    let request = remember("k", "me", it.later(60));
    assert_eq!(it.one(request.clone()).await, Outcome::Done);
    let expected = Remembered {
        fingerprint: "what was asked".to_owned(),
        answer: None,
        owner: "me".to_owned(),
        expires_at: it.later(60),
    };
    assert_eq!(read(it, "k").await, Some(expected.clone()));
    let answer = answer();
    let answered = Remember {
        answer: Some(answer.clone()),
        replace: true,
        ..request
    };
    it.one(answered).await;
    let expected = Remembered {
        answer: Some(answer),
        ..expected
    };
    assert_eq!(read(it, "k").await, Some(expected));
}

async fn a_remembered_request_refuses_a_second_one_with_what_is_remembered(it: Context<'_>) {
    let request = Remember {
        answer: Some(answer()),
        ..remember("k", "me", it.later(60))
    };
    it.one(request.clone()).await;
    let kept = read(it, "k").await.expect("it is remembered");
    assert_eq!(it.refusal(request).await, Refusal::Remembered(Box::new(kept)));
}

async fn only_its_owner_replaces_what_is_remembered(it: Context<'_>) {
    it.one(remember("k", "me", it.later(60))).await;
    let other = Remember {
        replace: true,
        ..remember("k", "another", it.later(60))
    };
    assert!(matches!(it.refusal(other.clone()).await, Refusal::Remembered(_)));
    let elsewhere = Remember {
        key: "nothing yet".to_owned(),
        ..other
    };
    it.one(elsewhere).await;
}

async fn the_same_key_in_another_scope_is_another_request(it: Context<'_>) {
    it.one(remember("k", "me", it.later(60))).await;
    let other = Remember {
        scope: "POST /users".to_owned(),
        ..remember("k", "me", it.later(60))
    };
    it.one(other).await;
}

async fn a_forgotten_request_may_be_made_again(it: Context<'_>) {
    it.one(remember("k", "me", it.later(60))).await;
    let forget = Op::Forget {
        scope: "POST /orders".to_owned(),
        key: "k".to_owned(),
    };
    assert_eq!(it.one(forget.clone()).await, Outcome::Done);
    assert_eq!(it.one(forget).await, Outcome::Done);
    assert_eq!(read(it, "k").await, None);
    it.one(remember("k", "another", it.later(60))).await;
}

async fn an_expired_request_may_be_made_again(it: Context<'_>) {
    it.one(remember("k", "me", it.later(10))).await;
    it.pass(10);
    assert_eq!(read(it, "k").await, None);
    it.one(remember("k", "another", it.later(10))).await;
    assert_eq!(read(it, "k").await.expect("it is remembered").owner, "another");
}

async fn a_refused_request_changes_nothing_else(it: Context<'_>) {
    it.one(remember("k", "me", it.later(60))).await;
    let again = vec![put("a", 1).into(), remember("k", "me", it.later(60)).into()];
    let (op, _) = it.refused(again).await;
    assert_eq!(op, 1);
    assert_eq!(it.get("a").await, None);
}

async fn pruning_drops_expired_requests_alone(it: Context<'_>) {
    for (key, seconds) in [("a", 5), ("b", 6), ("c", 7)] {
        it.one(remember(key, "me", it.later(seconds))).await;
    }
    it.pass(6);
    assert_eq!(it.prune(Retention::KEEP_ALL).await, 2);
    assert_eq!(it.prune(Retention::KEEP_ALL).await, 0);
    assert!(read(it, "c").await.is_some());
}

fn answer() -> Answer {
    Answer {
        status: 201,
        body: r#"{"id": 1}"#.to_owned(),
    }
}

async fn read(it: Context<'_>, key: &str) -> Option<Remembered> {
    let kept = it.store.remembered("POST /orders", key).await;
    kept.expect("a read succeeds")
}
