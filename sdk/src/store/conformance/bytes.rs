//! Bytes: what is counted of what is kept, and what goes where it is too much.

use serde_json::json;

use super::cases;
use super::context::{Context, completed, delete, emit, emitted, enqueue, failed, put};
use crate::store::{Emit, Enqueue, JobFailure, Kept, Op, Put, Redrive, Retention, Verdict};

cases![
    an_empty_store_keeps_no_bytes,
    an_event_counts_for_its_texts,
    a_change_counts_for_its_key_and_value_and_a_delete_for_its_key,
    a_job_counts_when_it_has_ended_and_no_more_when_it_lives_again,
    an_ended_job_counts_for_its_attempts,
    a_redriven_job_counts_for_the_name_of_the_new_one,
    what_was_refused_counts_for_nothing,
    events_above_the_bytes_go_oldest_first_and_move_the_horizon,
    changes_above_the_bytes_go_oldest_first_and_the_state_stays,
    ended_jobs_above_the_bytes_go_by_their_end_with_their_attempts,
    living_jobs_stay_however_heavy,
    a_slice_that_is_too_short_goes_on_in_the_next,
    what_is_within_the_bytes_stays,
    bytes_and_counts_bound_together,
];

async fn an_empty_store_keeps_no_bytes(it: Context<'_>) {
    assert_eq!(it.kept().await, Kept::default());
    it.put("a", 1).await;
    it.one(emit("e", "a")).await;
    it.enqueue("j").await;
    it.cancel("j").await;
    while it.prune(none(1_000)).await > 0 {}
    assert_eq!(it.kept().await, Kept::default());
}

async fn an_event_counts_for_its_texts(it: Context<'_>) {
    let bare = it.adds_events(emit("e1", "a")).await;
    let long = Emit {
        topic: "a-topic".to_owned(),
        data: Some(json!("é").into()),
        trace: Some("trace".to_owned()),
        ..emit("e2", "")
    };
    // Two quotes and two bytes of one letter.
    assert_eq!(it.adds_events(long).await, bare + 6 + 4 + 5);
}

async fn a_change_counts_for_its_key_and_value_and_a_delete_for_its_key(it: Context<'_>) {
    let first = it.adds_changes(put("k", 1)).await;
    let second = Put {
        value: json!("four").into(),
        ..put("kk", 0)
    };
    assert_eq!(it.adds_changes(second).await, first + 1 + 5);
    assert_eq!(it.adds_changes(delete("k")).await, first - 1);
    assert_eq!(it.adds_changes(delete("k")).await, 0);
}

async fn a_job_counts_when_it_has_ended_and_no_more_when_it_lives_again(it: Context<'_>) {
    let order = Enqueue {
        params: Some(json!([1, 2]).into()),
        ..enqueue("j")
    };
    it.one(order).await;
    assert_eq!(it.kept().await.jobs, 0);
    it.cancel("j").await;
    let first = it.kept().await.jobs;
    it.one(Op::Revive { job: "j".to_owned() }).await;
    assert_eq!(it.kept().await.jobs, 0);
    it.cancel("j").await;
    assert_eq!(it.kept().await.jobs, first);
    it.enqueue("k").await;
    it.cancel("k").await;
    assert_eq!(it.kept().await.jobs, first + first - "[1,2]".len() as u64);
}

async fn an_ended_job_counts_for_its_attempts(it: Context<'_>) {
    it.enqueue("j").await;
    it.cancel("j").await;
    let bare = it.kept().await.jobs;
    it.running("i").await;
    it.cancel("i").await;
    let before = it.kept().await.jobs;
    let empty = before - bare - bare;
    assert!(empty > 0, "an attempt that says nothing has its weight");
    let mut running = it.running("k").await;
    it.settle(&running, failed(Some(it.now()))).await;
    assert_eq!(it.kept().await.jobs, before, "it lives");
    running = it.claim().await.pop().expect("it is due");
    it.settle(&running, Verdict::HandedBack).await;
    running = it.claim().await.pop().expect("it is due");
    let error = JobFailure {
        message: "no\0".to_owned(),
        stack: None,
    };
    let dead = it.settle(&running, Verdict::Failed { error, retry_at: None }).await;
    let attempts = it.store.attempts("k").await.expect("a read succeeds");
    let of = |failure: &Option<JobFailure>| {
        let texts = failure
            .iter()
            .flat_map(|error| [Some(&error.message), error.stack.as_ref()]);
        texts.flatten().map(String::len).sum::<usize>()
    };
    let texts = |trace: &Option<String>| trace.as_ref().map_or(0, String::len);
    let written: usize = attempts.iter().map(|row| of(&row.error) + texts(&row.trace)).sum();
    assert_eq!(
        dead.error.as_ref().map(|error| error.message.as_str()),
        Some("no\u{fffd}")
    );
    let expected = bare + 3 * empty + (written + of(&dead.error)) as u64;
    assert_eq!(it.kept().await.jobs, before + expected);
}

async fn a_redriven_job_counts_for_the_name_of_the_new_one(it: Context<'_>) {
    it.enqueue("old").await;
    it.cancel("old").await;
    let before = it.kept().await.jobs;
    let redrive = Redrive {
        job: "old".to_owned(),
        id: "new".to_owned(),
        params: None,
        max_attempts: None,
        run_at: None,
        trace: None,
    };
    it.one(redrive).await;
    let named = it.job("old").await.redriven_as.expect("it was made anew").len();
    assert!(it.kept().await.jobs >= before + named as u64);
}

async fn what_was_refused_counts_for_nothing(it: Context<'_>) {
    it.one(emit("e", "a")).await;
    it.enqueue("j").await;
    let before = it.kept().await;
    let cancel = Op::Cancel { id: "j".to_owned() };
    let ops = vec![
        put("k", 1).into(),
        emit("f", "a").into(),
        cancel,
        emit("e", "again").into(),
    ];
    assert_eq!(it.refused(ops).await.0, 3);
    assert_eq!(it.kept().await, before);
}

async fn events_above_the_bytes_go_oldest_first_and_move_the_horizon(it: Context<'_>) {
    let one = it.adds_events(emit("a", "t")).await;
    let second = emitted(&it.one(emit("b", "t")).await);
    for id in ["c", "d"] {
        it.one(emit(id, "t")).await;
    }
    let retention = Retention {
        event_bytes_max: 3 * one - 1,
        ..Retention::KEEP_ALL
    };
    assert_eq!(it.prune(retention).await, 2);
    assert_eq!(it.prune(retention).await, 0);
    let stats = it.store.stats().await.expect("a read succeeds");
    assert_eq!(
        (stats.events, stats.kept.events, stats.event_floor),
        (2, 2 * one, second)
    );
}

async fn changes_above_the_bytes_go_oldest_first_and_the_state_stays(it: Context<'_>) {
    let one = it.adds_changes(put("a", 1)).await;
    let last = it.put("a", 2).await;
    let retention = Retention {
        change_bytes_max: one,
        ..Retention::KEEP_ALL
    };
    assert_eq!(it.prune(retention).await, 1);
    assert_eq!(it.changes("", 0, 10).await.len(), 1);
    let stats = it.store.stats().await.expect("a read succeeds");
    assert_eq!((stats.kept.changes, stats.change_floor + 1), (one, last.revision));
    let nothing = Retention {
        change_bytes_max: 0,
        ..Retention::KEEP_ALL
    };
    assert_eq!(it.prune(nothing).await, 1);
    assert_eq!(it.get("a").await, Some(last));
}

async fn ended_jobs_above_the_bytes_go_by_their_end_with_their_attempts(it: Context<'_>) {
    for id in ["a", "b"] {
        let running = it.running(id).await;
        it.settle(&running, completed()).await;
        it.pass(1);
    }
    let both = it.kept().await.jobs;
    let retention = Retention {
        job_bytes_max: both - 1,
        ..Retention::KEEP_ALL
    };
    assert_eq!(it.prune(retention).await, 1);
    assert_eq!(it.kept().await.jobs, both / 2);
    assert_eq!(it.store.job("a").await.expect("a read succeeds"), None);
    assert!(it.store.attempts("a").await.expect("a read succeeds").is_empty());
    it.job("b").await;
}

async fn living_jobs_stay_however_heavy(it: Context<'_>) {
    let heavy = Enqueue {
        params: Some(json!("x".repeat(1_000)).into()),
        ..enqueue("queued")
    };
    it.one(heavy).await;
    it.running("running").await;
    assert_eq!(it.prune(none(1_000)).await, 0);
}

async fn a_slice_that_is_too_short_goes_on_in_the_next(it: Context<'_>) {
    for number in 0..5 {
        it.one(emit(&number.to_string(), "t")).await;
    }
    assert_eq!(it.prune(none(2)).await, 2);
    assert_eq!(it.prune(none(2)).await, 2);
    assert_eq!(it.prune(none(2)).await, 1);
    assert_eq!(it.kept().await, Kept::default());
}

async fn what_is_within_the_bytes_stays(it: Context<'_>) {
    it.put("a", 1).await;
    it.one(emit("e", "a")).await;
    it.enqueue("j").await;
    it.cancel("j").await;
    let kept = it.kept().await;
    let exactly = Retention {
        event_bytes_max: kept.events,
        change_bytes_max: kept.changes,
        job_bytes_max: kept.jobs,
        ..Retention::KEEP_ALL
    };
    assert_eq!(it.prune(exactly).await, 0);
}

async fn bytes_and_counts_bound_together(it: Context<'_>) {
    let heavy = Emit {
        data: Some(json!("x".repeat(1_000)).into()),
        ..emit("heavy", "t")
    };
    let most = it.adds_events(heavy).await;
    for id in ["b", "c", "d"] {
        it.one(emit(id, "t")).await;
    }
    let by_bytes = Retention {
        event_bytes_max: most,
        events_max: 3,
        ..Retention::KEEP_ALL
    };
    assert_eq!(it.prune(by_bytes).await, 1, "the heavy one is above both");
    let by_count = Retention {
        events_max: 1,
        ..by_bytes
    };
    assert_eq!(it.prune(by_count).await, 2);
}

/// Keeps no bytes, so many rows at once.
fn none(slice: u64) -> Retention {
    Retention {
        event_bytes_max: 0,
        change_bytes_max: 0,
        job_bytes_max: 0,
        slice,
        ..Retention::KEEP_ALL
    }
}

impl Context<'_> {
    async fn kept(&self) -> Kept {
        self.store.stats().await.expect("a read succeeds").kept
    }

    async fn adds_events(&self, emit: Emit) -> u64 {
        let before = self.kept().await.events;
        self.one(emit).await;
        self.kept().await.events - before
    }

    async fn adds_changes(&self, op: impl Into<Op>) -> u64 {
        let before = self.kept().await.changes;
        self.one(op).await;
        self.kept().await.changes - before
    }
}
