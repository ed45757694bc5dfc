//! Durable state: puts by 1, 16 and 64 writers, and compare-and-set by 64.

use std::sync::Arc;

use syscall_sdk::store::Condition;

use crate::Effort;
use crate::ground::Ground;
use crate::life::{Life, nothing, payload};
use crate::load::run;
use crate::table::{Aim, Cell, Table};

pub(crate) async fn measure(ground: &Ground<'_>, table: &mut Table, effort: Effort) {
    let life = Arc::new(Life::new(ground.open("bench").await, "bench", nothing()));
    let target = |writers: usize| match (writers, ground.is_disk()) {
        (64, true) => Aim::Least(10_000.0),
        (64, false) => Aim::Least(5_000.0),
        _ => Aim::None,
    };
    for (writers, question) in [
        (1, "6 durable put, 1 writer"),
        (16, "6 durable put, 16 writers"),
        (64, "6 durable put, 64 writers"),
    ] {
        let load = run(writers, effort, |writer| {
            let life = Arc::clone(&life);
            move |n| {
                let (state, key) = (life.state.clone(), format!("writer/{writer}/{}", n % 100));
                async move {
                    let put = state.write(&key, payload(n), Condition::Any, None).await;
                    drop(put.expect("the store takes it"));
                }
            }
        })
        .await;
        let cell = Cell {
            value: load.rate,
            unit: "/s",
            more: format!("p50 {:.2} ms, p99 {:.2} ms", load.p50, load.p99),
            aim: target(writers),
        };
        table.cell(question, ground.name(), cell);
    }
    let load = run(64, effort, |writer| {
        let life = Arc::clone(&life);
        let (key, version) = (format!("cas/{writer}"), Arc::new(std::sync::atomic::AtomicU64::new(0)));
        move |n| {
            let (state, key, version) = (life.state.clone(), key.clone(), Arc::clone(&version));
            async move {
                use std::sync::atomic::Ordering::Relaxed;
                // The first of a round finds what the last round left.
                let condition = match version.load(Relaxed) {
                    0 => Condition::Any,
                    version => Condition::Version(version),
                };
                let entry = state.write(&key, payload(n), condition, None).await;
                version.store(entry.expect("the version holds").version, Relaxed);
            }
        }
    })
    .await;
    let cell = Cell {
        value: load.rate,
        unit: "/s",
        more: format!("p50 {:.2} ms, p99 {:.2} ms", load.p50, load.p99),
        aim: target(64),
    };
    table.cell("6 durable compare-and-set, 64 writers", ground.name(), cell);
    if let Ok(life) = Arc::try_unwrap(life) {
        life.end().await;
    }
}
