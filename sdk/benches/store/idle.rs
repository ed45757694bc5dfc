//! What a service that has nothing to do costs: statements a second.
//!
//! A file: only the store's own threads run SQL, and a thread that was not woken has run none; the kernel counts their wake-ups.
//! PostgreSQL: its own counter of transactions of the bench's database, in which nothing else runs.

use std::time::Duration;

use crate::Effort;
use crate::ground::Ground;
use crate::life::{Life, job, nothing};
use crate::table::{Aim, Cell, Table};

/// How long it is left alone, times a fiftieth of the effort: long enough for the server to write its counters down.
const LASTS: Duration = Duration::from_secs(20);

pub(crate) async fn measure(ground: &Ground<'_>, table: &mut Table, effort: Effort) {
    let life = Life::new(ground.open("bench").await, "bench", nothing());
    life.run();
    // It has worked before it idles.
    let created = life.jobs.create(job(1)).await;
    drop(created.expect("the store takes it"));
    let lasts = (LASTS * effort.scale as u32 / 50).max(Duration::from_secs(1));
    tokio::time::sleep(lasts / 2).await;
    let before = count(ground).await;
    tokio::time::sleep(lasts).await;
    let after = count(ground).await;
    let what = match ground {
        Ground::Schema { .. } => "transactions, heartbeat and look-out",
        _ => "wake-ups of the store's threads",
    };
    let cell = Cell {
        value: (after - before) as f64 / lasts.as_secs_f64(),
        unit: "/s",
        more: format!("{} {what} in {} s", after - before, lasts.as_secs()),
        aim: Aim::Most(if ground.is_disk() { 0.0 } else { 0.5 }),
    };
    table.cell("11 statements when idle", ground.name(), cell);
    life.end().await;
}

async fn count(ground: &Ground<'_>) -> u64 {
    match ground {
        Ground::Schema { server, .. } => {
            let row = server
                .admin
                .query_one(
                    "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1",
                    &[&server.database_name],
                )
                .await;
            row.expect("the server counts").get::<_, i64>(0) as u64
        }
        _ => wake_ups(),
    }
}

/// How often the threads of the store have gone to sleep.
fn wake_ups() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux tells of threads");
    let mut sum = 0;
    for task in tasks.flatten() {
        let read = |file: &str| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
        if read("comm").starts_with("bench-") {
            let status = read("status");
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            sum += line.and_then(|count| count.trim().parse::<u64>().ok()).unwrap_or(0);
        }
    }
    sum
}
