//! Draining jobs that do nothing, by the runner with its default settings, until every outcome is in the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures_util::FutureExt;
use syscall_sdk::jobs::JobHandler;
use tokio::sync::Notify;

use crate::Effort;
use crate::ground::Ground;
use crate::life::Life;
use crate::table::{Aim, Cell, Table};

/// Jobs, times the effort.
const JOBS: u64 = 2_000;

pub(crate) async fn measure(ground: &Ground<'_>, table: &mut Table, effort: Effort) {
    // PostgreSQL gets a quarter: it takes as long.
    let jobs = JOBS * effort.scale as u64 / if ground.is_disk() { 1 } else { 4 };
    let (ran, all) = (Arc::new(AtomicU64::new(0)), Arc::new(Notify::new()));
    let (counted, last) = (Arc::clone(&ran), Arc::clone(&all));
    let handler: JobHandler = Arc::new(move |_| {
        let (counted, last) = (Arc::clone(&counted), Arc::clone(&last));
        async move {
            if counted.fetch_add(1, Ordering::Relaxed) + 1 == jobs {
                last.notify_one();
            }
            Ok(None)
        }
        .boxed()
    });
    let life = Life::new(ground.open("bench").await, "bench", handler);
    life.fill(jobs).await;
    let commits = (life.commits)();
    let begun = Instant::now();
    life.run();
    all.notified().await;
    // Every handler has ended; now every outcome must be in the store.
    let mut heads = life.store.heads();
    loop {
        heads.borrow_and_update();
        let stats = life.store.stats().await.expect("it is read");
        if stats.jobs_live == 0 {
            assert_eq!(stats.jobs_ended, jobs, "each has ended");
            break;
        }
        heads.changed().await.expect("the store is open");
    }
    let seconds = begun.elapsed().as_secs_f64();
    assert_eq!(ran.load(Ordering::Relaxed), jobs, "each ran once");
    let commits = (life.commits)() - commits;
    let cell = Cell {
        value: jobs as f64 / seconds,
        unit: "/s",
        more: format!(
            "{jobs} jobs in {seconds:.2} s, {:.1} outcomes a transaction",
            jobs as f64 / commits as f64
        ),
        aim: Aim::Least(if ground.is_disk() { 30_000.0 } else { 15_000.0 }),
    };
    table.cell("3 drain of jobs that do nothing, default settings", ground.name(), cell);
    life.end().await;
}
