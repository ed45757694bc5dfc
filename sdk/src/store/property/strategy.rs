//! Batches at random, over few names, so that they meet.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::Step;
use crate::policy::{Backoff, Rate};
use crate::store::conformance::START;
use crate::store::{
    Answer, Claim, Concurrency, Condition, Delete, Emit, Enqueue, JobFailure, NewSchedule, Op, Put, Redrive, Remember,
    Retention, Settle, Verdict, Want,
};
use crate::wire::{CatchUp, Json, Overlap, UniqueMode};

pub(super) const NAMESPACES: [&str; 2] = ["one", "two"];
pub(super) const KEYS: [&str; 5] = ["k", "k/1", "k/2", "k0", "k:1"];
pub(super) const NAMES: [&str; 2] = ["send", "sweep"];
/// Of jobs; the last is also a schedule's.
pub(super) const IDS: [&str; 10] = ["j0", "j1", "j2", "j3", "j4", "j5", "j6", "j7", "j8", "s0"];
pub(super) const SCHEDULES: [&str; 3] = ["s0", "s1", "j0"];

pub(in crate::store) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0u64..1_500, vec(op(), 1..6)).prop_map(|(wait, ops)| Step {
        wait: Duration::from_millis(wait),
        ops,
    });
    vec(step, 1..30)
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => put(),
        2 => (name(&NAMESPACES), name(&KEYS), condition()).prop_map(|(namespace, key, condition)| {
            Op::Delete(Delete { namespace, key, condition })
        }),
        1 => (name(&NAMESPACES), name(&KEYS), condition()).prop_map(|(namespace, key, condition)| {
            Op::Check { namespace, key, condition }
        }),
        3 => ((0u8..40).prop_map(|id| format!("e{id}")), select(vec!["user:a", "user:b", "users", "x"]), option::of(json()))
            .prop_map(|(id, topic, data)| Op::Emit(Emit { id, topic: topic.to_owned(), data, trace: None })),
        // Often, so that a claim finds several due jobs to put in order.
        12 => enqueue(),
        4 => claim(),
        4 => settle(),
        1 => (name(&IDS), attempt(), json()).prop_map(|(job, attempt, progress)| Op::Progress { job, attempt, progress }),
        2 => name(&["j0", "j1", "j2", "s0", "s1"]).prop_map(|id| Op::Cancel { id }),
        1 => (name(&IDS), attempt()).prop_map(|(job, attempt)| Op::AcknowledgeCancel { job, attempt }),
        2 => name(&IDS).prop_map(|job| Op::Revive { job }),
        2 => redrive(),
        2 => name(&IDS).prop_map(|job| Op::Expire { job }),
        2 => name(&IDS).prop_map(|job| Op::Wake { job }),
        1 => schedule(),
        2 => (name(&SCHEDULES), moment(), option::of(moment()))
            .prop_map(|(schedule, from, next)| Op::Tick { schedule, from, next }),
        2 => remember(),
        1 => name(&KEYS).prop_map(|key| Op::Forget { scope: "scope".to_owned(), key }),
        1 => prune(),
    ]
}

fn put() -> impl Strategy<Value = Op> {
    let parts = (
        name(&NAMESPACES),
        name(&KEYS),
        json(),
        condition(),
        option::of(moment()),
    );
    parts.prop_map(|(namespace, key, value, condition, expires_at)| {
        Op::Put(Put {
            namespace,
            key,
            value,
            condition,
            expires_at,
        })
    })
}

fn enqueue() -> impl Strategy<Value = Op> {
    let modes = vec![
        UniqueMode::Ignore,
        UniqueMode::Replace,
        UniqueMode::Earliest,
        UniqueMode::Debounce,
    ];
    let unique = (
        option::of(select(vec!["u", "v"]).prop_map(str::to_owned)),
        select(modes),
    );
    let throttled = prop_oneof![4 => Just(None), 1 => select(vec!["t", "w"]).prop_map(|key| Some(key.to_owned()))];
    let start_within =
        prop_oneof![2 => Just(None), 1 => (0..4_000_500u64).prop_map(|us| Some(Duration::from_micros(us)))];
    let parts = (
        name(&IDS),
        name(&NAMES),
        -1..=1i32,
        option::of(moment()),
        0..3u32,
        (unique, throttled),
        (option::of(json()), start_within),
    );
    // Few keys, mostly of one limit, so that jobs of both names wait for their turn.
    let key = option::of((select(vec!["k", "l"]), select(vec![1, 1, 2]))).prop_map(|key| {
        key.map(|(key, limit)| Concurrency {
            key: key.to_owned(),
            limit,
        })
    });
    (parts, key).prop_map(
        |((id, name, priority, run_at, max_attempts, (unique, throttle_key), (params, start_within)), concurrency)| {
            let (unique_key, unique_mode) = unique;
            Op::Enqueue(Box::new(Enqueue {
                concurrency,
                schedule_id: (priority == 0).then(|| "s0".to_owned()),
                id,
                name,
                params,
                priority,
                run_at,
                max_attempts,
                backoff: Backoff::default(),
                timeout: Some(Duration::from_micros(1_500)),
                max_elapsed: (priority > 0).then_some(Duration::from_micros(2_500)),
                start_within,
                heartbeat: (priority < 0).then_some(Duration::from_micros(3_500)),
                unique_key,
                unique_mode,
                throttle_key,
                trace: None,
            }))
        },
    )
}

fn redrive() -> impl Strategy<Value = Op> {
    let parts = (
        name(&IDS),
        name(&IDS),
        option::of(json()),
        option::of(1..3u32),
        option::of(moment()),
    );
    parts.prop_map(|(job, id, params, max_attempts, run_at)| {
        Op::Redrive(Box::new(Redrive {
            job,
            id,
            params,
            max_attempts,
            run_at,
            trace: None,
        }))
    })
}

fn claim() -> impl Strategy<Value = Op> {
    // One a second, two at once: about what the steps ask for.
    let rate = select(vec![None, None, Some(Rate::new(2, Duration::from_secs(2)).burst(2))]);
    let want = (name(&NAMES), 0..3usize, rate).prop_map(|(name, slots, rate)| Want { name, slots, rate });
    (vec(want, 0..4), 0..6usize, any::<bool>()).prop_map(|(wants, limit, early)| {
        Op::Claim(Claim {
            owner: "me".to_owned(),
            wants,
            limit,
            early,
        })
    })
}

fn settle() -> impl Strategy<Value = Op> {
    let error = JobFailure {
        message: "n\0o".to_owned(),
        stack: Some("é\0".to_owned()),
    };
    let verdict = prop_oneof![
        option::of(json()).prop_map(|result| Verdict::Completed { result }),
        option::of(moment()).prop_map(move |retry_at| Verdict::Failed {
            error: error.clone(),
            retry_at
        }),
        Just(Verdict::HandedBack),
        option::of(moment()).prop_map(|until| Verdict::Parked { until }),
    ];
    (name(&IDS), attempt(), verdict).prop_map(|(job, attempt, verdict)| {
        Op::Settle(Settle {
            job,
            attempt,
            verdict,
            trace: Some("trace".to_owned()),
        })
    })
}

fn schedule() -> impl Strategy<Value = Op> {
    (name(&SCHEDULES), option::of(moment())).prop_map(|(id, next_run)| {
        Op::Schedule(Box::new(NewSchedule {
            id,
            name: "sweep".to_owned(),
            params: None,
            cron: "* * * * *".to_owned(),
            timezone: "UTC".to_owned(),
            catch_up: CatchUp::All,
            overlap: Overlap::Buffer,
            next_run,
            priority: 0,
            max_attempts: 1,
            backoff: Backoff::default(),
            timeout: None,
            max_elapsed: None,
            start_within: next_run.map(|_| Duration::from_millis(7)),
            heartbeat: next_run.map(|_| Duration::from_millis(9)),
        }))
    })
}

fn remember() -> impl Strategy<Value = Op> {
    let answer = option::of((200..300u16, "[a-z]{0,3}").prop_map(|(status, body)| Answer { status, body }));
    let parts = (name(&KEYS), name(&["me", "you"]), answer, any::<bool>(), moment());
    parts.prop_map(|(key, owner, answer, replace, expires_at)| {
        Op::Remember(Remember {
            scope: "scope".to_owned(),
            key,
            fingerprint: "asked".to_owned(),
            owner,
            answer,
            replace,
            expires_at,
        })
    })
}

fn prune() -> impl Strategy<Value = Op> {
    let age = || prop_oneof![Just(Duration::MAX), (0..6_000u64).prop_map(Duration::from_millis)];
    let most = || prop_oneof![Just(u64::MAX), 0..4u64];
    // Some rows of the sizes that the other operations make.
    let bytes = || prop_oneof![2 => Just(u64::MAX), 1 => 0..900u64];
    let bound = || (age(), most(), bytes());
    (bound(), bound(), bound(), 1..5u64).prop_map(|(events, changes, jobs, slice)| {
        let (event_age, events_max, event_bytes_max) = events;
        let (change_age, changes_max, change_bytes_max) = changes;
        let (job_age, jobs_max, job_bytes_max) = jobs;
        Op::Prune(Retention {
            event_age,
            events_max,
            event_bytes_max,
            change_age,
            changes_max,
            change_bytes_max,
            job_age,
            jobs_max,
            job_bytes_max,
            slice,
        })
    })
}

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        4 => Just(Condition::Any),
        1 => Just(Condition::Absent),
        1 => Just(Condition::Present),
        1 => (0..3u64).prop_map(Condition::Version),
        1 => (0..20u64).prop_map(Condition::Revision),
    ]
}

fn name(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(of).prop_map(str::to_owned)
}

fn attempt() -> impl Strategy<Value = u32> {
    prop_oneof![4 => Just(1u32), 2 => Just(2), 1 => 0..5u32]
}

/// Moments around the test's, on a coarse grid so that they meet, some finer than a store keeps.
fn moment() -> impl Strategy<Value = DateTime<Utc>> {
    let fraction = select(vec![0i64, 999_999]);
    (-2..20i64, fraction).prop_map(|(second, nanos)| START + TimeDelta::seconds(second) + TimeDelta::nanoseconds(nanos))
}

fn json() -> impl Strategy<Value = Json> {
    select(vec!["null", "1", "[ 1,2 ]", r#"{"a" : "é"}"#]).prop_map(|text| Json::parse(text).expect("JSON"))
}
