//! Acknowledged enqueues: one producer, 64 of them, and one that gives many at once.

use std::sync::Arc;

use syscall_sdk::store::{Batch, Op};

use crate::ground::Ground;
use crate::life::{Life, job, nothing};
use crate::load::run;
use crate::table::{Aim, Cell, Table};
use crate::{Effort, raw};

/// Producers at once.
const PRODUCERS: usize = 64;
/// Jobs that a batch of a producer holds.
const BATCH: u64 = 500;

pub(crate) async fn measure(ground: &Ground<'_>, table: &mut Table, effort: Effort) {
    let life = Arc::new(Life::new(ground.open("bench").await, "bench", nothing()));
    let floor = match ground {
        Ground::Schema { server, .. } => raw::postgres(server, effort.lasts).await,
        disk => raw::sqlite(&disk.folder().join("raw.db"), effort.lasts),
    };
    for (producers, question) in [(1, "1 enqueue, one producer"), (PRODUCERS, "2 enqueue, 64 producers")] {
        let commits = (life.commits)();
        let load = run(producers, effort, |_| {
            let life = Arc::clone(&life);
            move |n| {
                let life = Arc::clone(&life);
                async move { drop(life.jobs.create(job(n)).await.expect("the store takes it")) }
            }
        })
        .await;
        let (aim, what) = match (producers, ground.is_disk()) {
            (1, true) => (Aim::Least(0.9 * floor), format!("raw SQLite {floor:.0}/s")),
            (1, false) => (Aim::Least(0.9 * floor), format!("raw PostgreSQL {floor:.0}/s")),
            (_, true) => (Aim::Least(20_000.0), String::new()),
            (_, false) => (Aim::Least(8_000.0), String::new()),
        };
        let commits = (life.commits)() - commits;
        let seconds = effort.lasts.as_secs_f64() * effort.rounds as f64;
        let a_sync = load.rate * seconds / commits.max(1) as f64;
        let mut more = format!(
            "p50 {:.2} ms, p99 {:.2} ms, {a_sync:.1} a transaction",
            load.p50, load.p99
        );
        if !what.is_empty() {
            more = format!("{what}, {more}");
        }
        let cell = Cell {
            value: load.rate,
            unit: "/s",
            more,
            aim,
        };
        table.cell(question, ground.name(), cell);
    }
    let load = run(1, effort, |_| {
        let life = Arc::clone(&life);
        move |n| {
            let life = Arc::clone(&life);
            async move {
                let ops: Vec<Op> = (0..BATCH)
                    .map(|m| life.jobs.create_op(job(n * BATCH + m)).expect("the job is known"))
                    .collect();
                let at = life.clock.now();
                life.store.commit(Batch { at, ops }).await.expect("the store takes it");
            }
        }
    })
    .await;
    let cell = Cell {
        value: load.rate * BATCH as f64,
        unit: "/s",
        more: format!("p50 of a batch {:.1} ms", load.p50),
        aim: if ground.is_disk() {
            Aim::None
        } else {
            Aim::Least(40_000.0)
        },
    };
    table.cell("2b enqueue, batches of 500 from one producer", ground.name(), cell);
    if let Ok(life) = Arc::try_unwrap(life) {
        life.end().await;
    }
}
