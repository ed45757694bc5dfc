//! Batches at random, over few names, so that they meet.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use fault_vfs::Rng;
use serde_json::json;
use syscall_sdk::policy::{Backoff, Rate};
use syscall_sdk::store::conformance::START;
use syscall_sdk::store::{
    Answer, Claim, Concurrency, Condition, Delete, Emit, Enqueue, JobFailure, NewSchedule, Op, Put, Remember,
    Retention, Settle, Verdict, Want,
};
use syscall_sdk::wire::{CatchUp, Overlap, UniqueMode};

const KEYS: [&str; 6] = ["k", "k/1", "k/2", "k0", "k:1", "big"];
const NAMES: [&str; 2] = ["send", "sweep"];
const SCHEDULES: [&str; 2] = ["s0", "s1"];
/// Jobs by id; a refused enqueue takes its batch with it, so there are some more than meet at once.
const JOBS: u64 = 24;
/// Bytes of the largest value: some of them fill the log to the size at which it is brought home.
const BIG: u64 = 120_000;

/// Operations of one batch; a refusal of one refuses all, so most batches are short.
pub(crate) fn ops(rng: &mut Rng, at: DateTime<Utc>, serial: &mut u64, owner: &str) -> Vec<Op> {
    let many = if rng.once_in(4) { 2 + rng.below(4) } else { 1 };
    (0..many).map(|_| op(rng, at, serial, owner)).collect()
}

fn op(rng: &mut Rng, at: DateTime<Utc>, serial: &mut u64, owner: &str) -> Op {
    let job = format!("j{}", rng.below(JOBS));
    let attempt = 1 + rng.below(2) as u32;
    match rng.below(32) {
        0..6 => put(rng, at, Condition::Any),
        6..9 => {
            let condition = condition(rng);
            put(rng, at, condition)
        }
        9 => Op::Delete(Delete {
            namespace: "one".to_owned(),
            key: key(rng),
            condition: condition(rng),
        }),
        10..14 => {
            *serial += 1;
            Op::Emit(Emit {
                id: format!("e{serial}"),
                topic: rng.pick(&["user:a", "user:b", "x"]).to_string(),
                data: Some(json!({ "serial": serial }).into()),
                trace: None,
            })
        }
        14..19 => enqueue(rng, at, job),
        19..22 => Op::Claim(Claim {
            owner: owner.to_owned(),
            wants: NAMES
                .map(|name| Want {
                    name: name.to_owned(),
                    slots: rng.below(4) as usize,
                    rate: rng.once_in(3).then(|| Rate::new(2, Duration::from_secs(2)).burst(2)),
                })
                .into(),
            limit: rng.below(5) as usize,
            early: rng.once_in(2),
        }),
        22..26 => Op::Settle(Settle {
            job,
            attempt,
            verdict: verdict(rng, at),
            trace: None,
        }),
        26 => Op::Progress {
            job,
            attempt,
            progress: json!(rng.below(100)).into(),
        },
        27 => match rng.below(3) {
            0 => Op::Cancel { id: job },
            1 => Op::Revive { job },
            _ => Op::Wake { job },
        },
        28 => schedule(rng, at),
        29..31 => Op::Remember(Remember {
            scope: "scope".to_owned(),
            key: key(rng),
            fingerprint: "asked".to_owned(),
            owner: owner.to_owned(),
            answer: rng.once_in(2).then(|| Answer {
                status: 200,
                body: "{}".to_owned(),
            }),
            replace: rng.once_in(2),
            expires_at: around(rng, at),
        }),
        _ => Op::Prune(Retention {
            event_age: Duration::from_secs(rng.below(60)),
            events_max: rng.below(60),
            event_bytes_max: rng.below(20_000),
            change_age: Duration::from_secs(rng.below(60)),
            changes_max: rng.below(60),
            change_bytes_max: rng.below(20_000),
            job_age: Duration::from_secs(rng.below(60)),
            jobs_max: rng.below(10),
            job_bytes_max: rng.below(6_000),
            slice: 1 + rng.below(40),
        }),
    }
}

fn put(rng: &mut Rng, at: DateTime<Utc>, condition: Condition) -> Op {
    let big = rng.once_in(24);
    let bytes = if big { rng.below(BIG) } else { rng.below(200) };
    Op::Put(Put {
        namespace: rng.pick(&["one", "two"]).to_string(),
        key: if big { "big".to_owned() } else { key(rng) },
        value: json!("x".repeat(bytes as usize)).into(),
        condition,
        expires_at: rng.once_in(6).then(|| around(rng, at)),
    })
}

fn enqueue(rng: &mut Rng, at: DateTime<Utc>, id: String) -> Op {
    Op::Enqueue(Box::new(Enqueue {
        params: Some(json!({ "n": rng.below(9) }).into()),
        priority: rng.below(3) as i32 - 1,
        run_at: rng.once_in(3).then(|| around(rng, at)),
        max_attempts: 1 + rng.below(3) as u32,
        concurrency: rng.once_in(3).then(|| Concurrency {
            key: "c".to_owned(),
            limit: 1 + rng.below(2) as u32,
        }),
        start_within: rng.once_in(4).then(|| Duration::from_secs(rng.below(9))),
        unique_key: rng.once_in(4).then(|| "u".to_owned()),
        unique_mode: *rng.pick(&[
            UniqueMode::Ignore,
            UniqueMode::Replace,
            UniqueMode::Earliest,
            UniqueMode::Debounce,
        ]),
        throttle_key: rng.once_in(9).then(|| "t".to_owned()),
        schedule_id: rng.once_in(4).then(|| "s0".to_owned()),
        ..Enqueue::new(id, rng.pick(&NAMES).to_string())
    }))
}

fn verdict(rng: &mut Rng, at: DateTime<Utc>) -> Verdict {
    match rng.below(5) {
        0 => Verdict::Failed {
            error: JobFailure {
                message: "no".to_owned(),
                stack: None,
            },
            retry_at: rng.once_in(2).then(|| around(rng, at)),
        },
        1 => Verdict::HandedBack,
        2 => Verdict::Parked {
            until: rng.once_in(2).then(|| around(rng, at)),
        },
        _ => Verdict::Completed {
            result: Some(json!({ "sent": rng.below(9) }).into()),
        },
    }
}

fn schedule(rng: &mut Rng, at: DateTime<Utc>) -> Op {
    let id = rng.pick(&SCHEDULES).to_string();
    if rng.once_in(2) {
        return Op::Tick {
            schedule: id,
            from: START,
            next: Some(around(rng, at)),
        };
    }
    Op::Schedule(Box::new(NewSchedule {
        id,
        name: "sweep".to_owned(),
        params: None,
        cron: "* * * * *".to_owned(),
        timezone: "UTC".to_owned(),
        catch_up: CatchUp::All,
        overlap: Overlap::Buffer,
        next_run: Some(START),
        priority: 0,
        max_attempts: 1,
        backoff: Backoff::default(),
        timeout: None,
        max_elapsed: None,
        start_within: None,
        heartbeat: None,
    }))
}

fn condition(rng: &mut Rng) -> Condition {
    match rng.below(4) {
        0 => Condition::Absent,
        1 => Condition::Present,
        2 => Condition::Version(1 + rng.below(3)),
        _ => Condition::Any,
    }
}

fn key(rng: &mut Rng) -> String {
    rng.pick(&KEYS).to_string()
}

/// A moment near another, before or after it.
fn around(rng: &mut Rng, at: DateTime<Utc>) -> DateTime<Utc> {
    at + TimeDelta::seconds(rng.below(20) as i64 - 5)
}
