//! Schedules and their ticks.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::cases;
use super::context::{Context, enqueue, json_text, schedule};
use crate::policy::Backoff;
use crate::store::{NewSchedule, Op, Outcome, Refusal, Schedule};
use crate::wire::{CatchUp, JobStatus, Overlap};

cases![
    a_schedule_is_read_back_as_it_was_made,
    schedules_come_by_creation,
    a_tick_moves_a_schedule_on,
    each_tick_is_taken_once,
    a_tick_and_its_job_happen_together,
    a_schedule_may_have_no_next_tick,
    a_cancelled_schedule_ticks_no_more_and_is_not_listed,
    a_schedule_that_is_not_there_cannot_tick,
];

async fn a_schedule_is_read_back_as_it_was_made(it: Context<'_>) {
    let order = NewSchedule {
        params: Some(json_text("{ }")),
        catch_up: CatchUp::All,
        overlap: Overlap::Buffer,
        priority: 4,
        max_attempts: 9,
        backoff: Backoff {
            base: 7,
            factor: 0.5,
            cap: 70,
        },
        timeout: Some(Duration::from_secs(3)),
        max_elapsed: Some(Duration::from_secs(90)),
        start_within: Some(Duration::from_secs(30)),
        heartbeat: Some(Duration::from_secs(5)),
        ..schedule("s", it.later(60))
    };
    let made = scheduled(it.one(order.clone()).await);
    let expected = Schedule {
        seq: it.heads().seq,
        id: "s".to_owned(),
        name: "work".to_owned(),
        params: order.params,
        cron: "0 * * * *".to_owned(),
        timezone: "Europe/Berlin".to_owned(),
        catch_up: CatchUp::All,
        overlap: Overlap::Buffer,
        created_at: it.now(),
        next_run: Some(it.later(60)),
        last_run: None,
        cancelled_at: None,
        priority: 4,
        max_attempts: 9,
        backoff: order.backoff,
        timeout: order.timeout,
        max_elapsed: order.max_elapsed,
        start_within: order.start_within,
        heartbeat: order.heartbeat,
    };
    assert_eq!(made, expected);
    assert_eq!(read(it, "s").await, expected);
}

async fn schedules_come_by_creation(it: Context<'_>) {
    for id in ["b", "a", "c"] {
        it.one(schedule(id, it.later(60))).await;
    }
    assert_eq!(listed(it).await, ["b", "a", "c"]);
}

async fn a_tick_moves_a_schedule_on(it: Context<'_>) {
    let (first, second) = (it.later(60), it.later(120));
    it.one(schedule("s", first)).await;
    it.pass(60);
    let moved = scheduled(it.one(tick(first, Some(second))).await);
    assert_eq!(moved, read(it, "s").await);
    assert_eq!((moved.last_run, moved.next_run), (Some(first), Some(second)));
}

async fn each_tick_is_taken_once(it: Context<'_>) {
    let (first, second) = (it.later(60), it.later(120));
    it.one(schedule("s", first)).await;
    it.one(tick(first, Some(second))).await;
    let refused = Refusal::Version {
        key: "s".to_owned(),
        current: second.timestamp_millis().cast_unsigned(),
    };
    assert_eq!(it.refusal(tick(first, Some(second))).await, refused);
}

async fn a_tick_and_its_job_happen_together(it: Context<'_>) {
    let (first, second) = (it.later(60), it.later(120));
    it.one(schedule("s", first)).await;
    it.all(vec![enqueue("s-1").into(), tick(first, Some(second))]).await;
    let (op, _) = it.refused(vec![enqueue("s-2").into(), tick(first, Some(second))]).await;
    assert_eq!(op, 1);
    assert_eq!(it.store.job("s-2").await.expect("a read succeeds"), None);
}

async fn a_schedule_may_have_no_next_tick(it: Context<'_>) {
    let first = it.later(60);
    it.one(schedule("s", first)).await;
    it.one(tick(first, None)).await;
    assert_eq!(read(it, "s").await.next_run, None);
    assert_eq!(listed(it).await, ["s"]);
    let refused = Refusal::Version {
        key: "s".to_owned(),
        current: 0,
    };
    assert_eq!(it.refusal(tick(first, None)).await, refused);
}

async fn a_cancelled_schedule_ticks_no_more_and_is_not_listed(it: Context<'_>) {
    let first = it.later(60);
    it.one(schedule("s", first)).await;
    it.pass(1);
    let cancelled = scheduled(it.cancel("s").await);
    assert_eq!((cancelled.cancelled_at, cancelled.next_run), (Some(it.now()), None));
    assert_eq!(cancelled, read(it, "s").await);
    assert!(listed(it).await.is_empty());
    assert!(matches!(it.refusal(tick(first, None)).await, Refusal::Version { .. }));
    let ended = Refusal::Status {
        id: "s".to_owned(),
        status: JobStatus::Cancelled,
    };
    assert_eq!(it.refusal(Op::Cancel { id: "s".to_owned() }).await, ended);
}

async fn a_schedule_that_is_not_there_cannot_tick(it: Context<'_>) {
    it.enqueue("j").await;
    let missing = Refusal::NoSuchJob { id: "s".to_owned() };
    assert_eq!(it.refusal(tick(it.now(), None)).await, missing);
}

fn tick(from: DateTime<Utc>, next: Option<DateTime<Utc>>) -> Op {
    Op::Tick {
        schedule: "s".to_owned(),
        from,
        next,
    }
}

fn scheduled(outcome: Outcome) -> Schedule {
    match outcome {
        Outcome::Schedule(schedule) => *schedule,
        other => panic!("no schedule: {other:?}"),
    }
}

async fn read(it: Context<'_>, id: &str) -> Schedule {
    let schedule = it.store.schedule(id).await.expect("a read succeeds");
    schedule.expect("it is there")
}

async fn listed(it: Context<'_>) -> Vec<String> {
    let schedules = it.store.schedules().await.expect("a read succeeds");
    schedules.into_iter().map(|schedule| schedule.id).collect()
}
