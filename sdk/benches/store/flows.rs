//! Workflows of three steps: 32 in flight, and one alone.

use std::sync::Arc;

use syscall_sdk::wire::{JobStatus, StartWorkflow};

use crate::ground::Ground;
use crate::life::{FLOW, Life, nothing, payload};
use crate::load::run;
use crate::table::{Aim, Cell, Table};
use crate::{Effort, raw};

/// Runs at once.
const IN_FLIGHT: usize = 32;
/// The middle time of a run of DBOS on the same database, over two: the aim on PostgreSQL, in milliseconds. From the table of
/// peers, which `make bench-peers` measures anew.
const DBOS_HALF: f64 = 12.0;

pub(crate) async fn measure(ground: &Ground<'_>, table: &mut Table, effort: Effort) {
    let life = Arc::new(Life::new(ground.open("bench").await, "bench", nothing()));
    life.run();
    let sync = raw::sync(effort.lasts / 4);
    for (runs, question) in [
        (IN_FLIGHT, "4 workflow of three steps, 32 in flight"),
        (1, "5 workflow of three steps, alone, p50"),
    ] {
        let load = run(runs, effort, |_| {
            let life = Arc::clone(&life);
            move |n| {
                let life = Arc::clone(&life);
                async move {
                    let start = StartWorkflow {
                        name: FLOW.to_owned(),
                        input: Some(payload(n)),
                        id: None,
                    };
                    let run = life.flows.start(start).await.expect("it starts");
                    let ended = life.jobs.ended(&run.id).await.expect("it ends");
                    assert_eq!(ended.status, JobStatus::Completed, "{ended:?}");
                }
            }
        })
        .await;
        let cell = if runs == 1 {
            Cell {
                value: load.p50,
                unit: "ms",
                more: format!("p99 {:.2} ms, one sync of this disk {sync:.2} ms", load.p99),
                aim: Aim::Most(if ground.is_disk() { 4.0 * sync + 1.0 } else { DBOS_HALF }),
            }
        } else {
            Cell {
                value: load.rate,
                unit: "/s",
                more: format!("p50 {:.1} ms, p99 {:.1} ms", load.p50, load.p99),
                aim: Aim::Least(if ground.is_disk() { 2_000.0 } else { 600.0 }),
            }
        };
        table.cell(question, ground.name(), cell);
    }
    if let Ok(life) = Arc::try_unwrap(life) {
        life.end().await;
    }
}
