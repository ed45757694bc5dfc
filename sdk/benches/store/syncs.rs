//! That what is acknowledged was synced: the syncs are counted by somebody else.
//!
//! A file: `strace` counts the system calls of a process that enqueues from 64 producers. PostgreSQL: the server's own counter.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use crate::Effort;
use crate::ground::{Ground, open_file};
use crate::life::{Life, job, nothing};
use crate::load::run;
use crate::table::{Aim, Cell, Table};

const QUESTION: &str = "0 syncs counted, a transaction";

/// After how long the server's processes that have come to rest write their counters down, and a little more.
const COUNTERS: Duration = Duration::from_secs(11);

/// Enqueues from 64 producers and says how many transactions that made, and how many jobs.
async fn work(life: Life, lasts: Duration) -> (u64, u64) {
    let before = (life.commits)();
    let life = Arc::new(life);
    let effort = Effort {
        lasts,
        rounds: 1,
        scale: 1,
    };
    run(64, effort, |_| {
        let life = Arc::clone(&life);
        move |n| {
            let life = Arc::clone(&life);
            async move { drop(life.jobs.create(job(n)).await.expect("the store takes it")) }
        }
    })
    .await;
    let commits = (life.commits)() - before;
    let stats = life.store.stats().await.expect("it is read");
    if let Ok(life) = Arc::try_unwrap(life) {
        life.end().await;
    }
    (commits, stats.jobs_live)
}

/// The life of the process whose syncs are counted.
pub(crate) async fn synced(folder: &str) {
    let opened = open_file(std::path::Path::new(folder).join("store.db"), "bench");
    let (commits, jobs) = work(Life::new(opened, "bench", nothing()), Duration::from_secs(1)).await;
    println!("{commits} {jobs}");
}

pub(crate) async fn measure(ground: &Ground<'_>, table: &mut Table, effort: Effort) {
    let counted = match ground {
        Ground::Schema { server, .. } => {
            let syncs = || async {
                let row = server.admin.query_one("SELECT wal_sync FROM pg_stat_wal", &[]).await;
                row.expect("the server counts").get::<_, i64>(0) as u64
            };
            let before = syncs().await;
            let life = Life::new(ground.open("bench").await, "bench", nothing());
            let (commits, jobs) = work(life, effort.lasts).await;
            tokio::time::sleep(COUNTERS).await;
            Some((commits, jobs, syncs().await - before))
        }
        disk => by_strace(&disk.folder()),
    };
    let Some((commits, jobs, syncs)) = counted else {
        eprintln!("embedded: the syncs are not counted: there is no strace here");
        return;
    };
    let cell = Cell {
        value: syncs as f64 / commits as f64,
        unit: "syncs",
        more: format!("{jobs} jobs acknowledged in {commits} transactions, {syncs} syncs"),
        aim: Aim::Least(1.0),
    };
    table.cell(QUESTION, ground.name(), cell);
}

/// Transactions, jobs, and calls of `fsync` and `fdatasync` of a process of its own.
fn by_strace(folder: &std::path::Path) -> Option<(u64, u64, u64)> {
    let counts = folder.join("syncs");
    let output = Command::new("strace")
        .args(["-f", "--seccomp-bpf", "-c", "-e", "trace=fsync,fdatasync", "-o"])
        .arg(&counts)
        .arg(std::env::current_exe().expect("this program has a path"))
        .arg("synced")
        .arg(folder)
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let (commits, jobs) = said.trim().split_once(' ')?;
    let counts = std::fs::read_to_string(counts).ok()?;
    // A line of the summary: share, seconds, microseconds a call, calls, name.
    let of_line = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        let is_sync = matches!(words.last(), Some(&"fsync" | &"fdatasync"));
        is_sync.then(|| words.get(3)?.parse::<u64>().ok()).flatten()
    };
    let syncs = counts.lines().filter_map(of_line).sum();
    Some((commits.parse().ok()?, jobs.parse().ok()?, syncs))
}
