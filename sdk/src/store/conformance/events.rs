//! The log of events.

use chrono::TimeDelta;

use super::cases;
use super::context::{Context, emit, emitted, events, json_text};
use crate::store::{Direction, Emit, Event, EventQuery, Refusal};

cases![
    an_event_is_read_back_as_it_was_emitted,
    events_come_in_commit_order,
    events_read_backward_come_newest_first,
    a_reader_resumes_after_a_sequence_without_loss_or_repeat,
    a_page_backward_continues_before_a_sequence,
    a_filter_by_name_finds_only_that_name,
    a_filter_by_prefix_finds_every_name_under_it,
    a_moment_bounds_what_is_read,
    an_event_id_is_kept_once,
    an_event_is_found_by_its_id,
];

async fn an_event_is_read_back_as_it_was_emitted(it: Context<'_>) {
    let event = Emit {
        data: Some(json_text(r#"{"id": 7}"#)),
        trace: Some("00-trace".to_owned()),
        ..emit("e1", "user:created")
    };
    let seq = emitted(&it.one(event).await);
    let expected = Event {
        seq,
        id: "e1".to_owned(),
        topic: "user:created".to_owned(),
        data: Some(json_text(r#"{"id": 7}"#)),
        at: it.now(),
        trace: Some("00-trace".to_owned()),
    };
    assert_eq!(read(it, events("*")).await, [expected]);
    assert_eq!(it.heads().event, seq);
}

async fn events_come_in_commit_order(it: Context<'_>) {
    five(it).await;
    let read = read(it, events("*")).await;
    assert!(read.is_sorted_by(|one, next| one.seq < next.seq));
    let ids: Vec<&str> = read.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids, ["e0", "e1", "e2", "e3", "e4"]);
}

async fn events_read_backward_come_newest_first(it: Context<'_>) {
    five(it).await;
    let query = EventQuery {
        direction: Direction::Backward,
        limit: 2,
        ..events("*")
    };
    assert_eq!(ids(it, query).await, ["e4", "e3"]);
}

async fn a_reader_resumes_after_a_sequence_without_loss_or_repeat(it: Context<'_>) {
    five(it).await;
    let (mut seen, mut after) = (Vec::new(), 0);
    loop {
        let query = EventQuery {
            after,
            limit: 2,
            ..events("*")
        };
        let page = read(it, query).await;
        let Some(last) = page.last() else { break };
        after = last.seq;
        seen.extend(page.into_iter().map(|event| event.id));
    }
    assert_eq!(seen, ["e0", "e1", "e2", "e3", "e4"]);
    let beyond = EventQuery {
        after: u64::MAX,
        ..events("*")
    };
    assert!(read(it, beyond).await.is_empty());
}

async fn a_page_backward_continues_before_a_sequence(it: Context<'_>) {
    let seqs = five(it).await;
    let query = EventQuery {
        before: Some(seqs[3]),
        after: seqs[0],
        direction: Direction::Backward,
        ..events("*")
    };
    assert_eq!(ids(it, query).await, ["e2", "e1"]);
}

async fn a_filter_by_name_finds_only_that_name(it: Context<'_>) {
    several(it).await;
    assert_eq!(it.topics("user:created").await, ["user:created"]);
    assert!(it.topics("user:").await.is_empty());
}

async fn a_filter_by_prefix_finds_every_name_under_it(it: Context<'_>) {
    several(it).await;
    assert_eq!(it.topics("user:*").await, ["user:created", "user:größer"]);
    assert_eq!(it.topics("user:g*").await, ["user:größer"]);
    assert_eq!(it.topics("%*").await, ["%_"]);
    assert_eq!(it.topics("*").await.len(), 5);
}

async fn a_moment_bounds_what_is_read(it: Context<'_>) {
    it.one(emit("e0", "a")).await;
    let first = it.now();
    it.pass(1);
    it.one(emit("e1", "a")).await;
    let query = |since| EventQuery {
        since: Some(since),
        ..events("*")
    };
    assert_eq!(ids(it, query(first)).await, ["e1"]);
    assert_eq!(ids(it, query(first - TimeDelta::milliseconds(1))).await, ["e0", "e1"]);
    assert!(ids(it, query(it.now())).await.is_empty());
}

async fn an_event_id_is_kept_once(it: Context<'_>) {
    it.one(emit("e0", "a")).await;
    assert_eq!(it.refusal(emit("e0", "b")).await, Refusal::EventExists);
    let twice = vec![emit("e1", "a").into(), emit("e1", "a").into()];
    assert_eq!(it.refused(twice).await, (1, Refusal::EventExists));
    assert_eq!(ids(it, events("*")).await, ["e0"]);
}

async fn five(it: Context<'_>) -> Vec<u64> {
    let ops = (0..5).map(|number| emit(&format!("e{number}"), "a").into());
    it.all(ops.collect()).await.iter().map(emitted).collect()
}

async fn several(it: Context<'_>) {
    for topic in ["user:created", "users", "user", "user:größer", "%_"] {
        it.one(emit(topic, topic)).await;
    }
}

async fn read(it: Context<'_>, query: EventQuery) -> Vec<Event> {
    it.store.events(query).await.expect("a read succeeds")
}

async fn ids(it: Context<'_>, query: EventQuery) -> Vec<String> {
    read(it, query).await.into_iter().map(|event| event.id).collect()
}

async fn an_event_is_found_by_its_id(it: Context<'_>) {
    five(it).await;
    let found = it.store.event("e3").await.expect("a store reads");
    let read = read(it, events("*")).await;
    assert_eq!(found.as_ref(), read.get(3));
    assert_eq!(it.store.event("e9").await.expect("a store reads"), None);
}
