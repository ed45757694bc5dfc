//! All or nothing.

use futures_util::future::join_all;

use super::cases;
use super::context::{
    Context, claim, claimed, completed, delete, emit, emitted, enqueue, events, failed, job, put, remember, settle,
    written,
};
use crate::store::{Condition, Op, Outcome, Put, Refusal};

cases![
    a_batch_of_state_event_and_job_happens_whole,
    a_batch_with_one_refused_op_changes_nothing,
    a_refused_batch_leaves_no_trace_on_a_running_job,
    operations_of_a_batch_see_those_before_them,
    a_batch_may_put_a_key_twice,
    a_job_may_be_settled_and_the_next_one_claimed_in_one_batch,
    an_empty_batch_does_nothing,
    of_concurrent_creators_one_wins,
    concurrent_counters_lose_no_update,
];

async fn a_batch_of_state_event_and_job_happens_whole(it: Context<'_>) {
    let ops = vec![put("a", 1).into(), emit("e", "a").into(), enqueue("j").into()];
    let outcomes = it.all(ops).await;
    let entry = written(outcomes[0].clone());
    let event = emitted(&outcomes[1]);
    let job = job(outcomes[2].clone());
    assert!(entry.revision < event && event < job.seq);
    assert_eq!(it.get("a").await, Some(entry));
    assert_eq!(it.topics("*").await, ["a"]);
    assert_eq!(it.job("j").await, job);
    let heads = it.heads();
    assert_eq!((heads.seq, heads.event), (job.seq, event));
}

async fn a_batch_with_one_refused_op_changes_nothing(it: Context<'_>) {
    it.put("kept", 1).await;
    let (before, sizes) = (it.heads(), it.sizes().await);
    let never = Put {
        condition: Condition::Absent,
        ..put("kept", 2)
    };
    let ops = vec![
        put("a", 1).into(),
        delete("kept").into(),
        put("kept", 3).into(),
        emit("e", "a").into(),
        enqueue("j").into(),
        remember("k", "me", it.later(60)).into(),
        never.into(),
        put("b", 1).into(),
    ];
    let (op, why) = it.refused(ops).await;
    assert_eq!(op, 6);
    assert!(matches!(why, Refusal::Version { .. }));
    assert_eq!(it.heads(), before);
    assert_eq!(it.sizes().await, sizes);
    assert_eq!(it.keys("", None, 10).await, ["kept"]);
    assert_eq!(it.get("kept").await.expect("it is kept").value.text(), "1");
    assert_eq!(it.changes("", 0, 10).await.len(), 1);
    assert!(it.topics("*").await.is_empty());
    assert_eq!(it.store.job("j").await.expect("a read succeeds"), None);
    let kept = it.store.remembered("POST /orders", "k").await;
    assert_eq!(kept.expect("a read succeeds"), None);
    // The ids were not used up either.
    it.all(vec![emit("e", "a").into(), enqueue("j").into()]).await;
}

async fn a_refused_batch_leaves_no_trace_on_a_running_job(it: Context<'_>) {
    let running = it.running("j").await;
    it.one(emit("e", "a")).await;
    let ops = vec![settle(&running, failed(None)).into(), emit("e", "a").into()];
    assert_eq!(it.refused(ops).await, (1, Refusal::EventExists));
    assert_eq!(it.job("j").await, running);
    assert!(it.store.attempts("j").await.expect("a read succeeds").is_empty());
    it.settle(&running, completed()).await;
}

async fn operations_of_a_batch_see_those_before_them(it: Context<'_>) {
    let create = Put {
        condition: Condition::Absent,
        ..put("a", 1)
    };
    let update = Put {
        condition: Condition::Version(1),
        ..put("a", 2)
    };
    let ops: Vec<Op> = vec![
        create.clone().into(),
        update.into(),
        delete("a").into(),
        create.into(),
        enqueue("j").into(),
        claim(&[("work", 1)], 1).into(),
    ];
    let outcomes = it.all(ops).await;
    assert_eq!(outcomes[2], Outcome::Deleted(true));
    assert_eq!(written(outcomes[3].clone()).version, 1);
    assert_eq!(claimed(outcomes[5].clone()).0.len(), 1);
}

async fn a_batch_may_put_a_key_twice(it: Context<'_>) {
    it.all(vec![put("a", 1).into(), put("a", 2).into()]).await;
    assert_eq!(it.get("a").await.expect("it is there").version, 2);
    assert_eq!(it.changes("", 0, 10).await.len(), 2);
}

async fn a_job_may_be_settled_and_the_next_one_claimed_in_one_batch(it: Context<'_>) {
    let running = it.running("j1").await;
    it.enqueue("j2").await;
    let ops = vec![settle(&running, completed()).into(), claim(&[("work", 1)], 1).into()];
    let outcomes = it.all(ops).await;
    assert_eq!(claimed(outcomes[1].clone()).0[0].id, "j2");
}

async fn an_empty_batch_does_nothing(it: Context<'_>) {
    let before = it.heads();
    assert!(it.all(Vec::new()).await.is_empty());
    assert_eq!(it.heads(), before);
}

async fn of_concurrent_creators_one_wins(it: Context<'_>) {
    let create = |number| Put {
        condition: Condition::Absent,
        ..put("a", number)
    };
    let tries = join_all((0..20).map(|number| it.commit(vec![create(number).into(), emit("e", "a").into()]))).await;
    assert_eq!(tries.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(it.get("a").await.expect("it is there").version, 1);
    assert_eq!(it.store.events(events("*")).await.expect("a read succeeds").len(), 1);
}

async fn concurrent_counters_lose_no_update(it: Context<'_>) {
    let add = async || {
        loop {
            let current = it.get("n").await;
            let count: i64 = current.as_ref().map_or(0, |entry| entry.value.to().expect("a number"));
            let condition = current.map_or(Condition::Absent, |entry| Condition::Revision(entry.revision));
            let next = Put {
                condition,
                ..put("n", count + 1)
            };
            if it.commit(vec![next.into()]).await.is_ok() {
                return;
            }
        }
    };
    join_all((0..8).map(|_| add())).await;
    assert_eq!(it.get("n").await.expect("it is there").value.text(), "8");
}
