//! From the call that enqueues to the first line of the handler, with nothing else to do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use syscall_sdk::jobs::JobHandler;
use tokio::sync::mpsc;

use crate::ground::Ground;
use crate::life::{Life, job};
use crate::load::percentiles;
use crate::table::{Aim, Cell, Table};
use crate::{Effort, raw};

/// Jobs, times the effort.
const JOBS: u64 = 20;
/// The pause before each, in which the runner and the disk come to rest.
const PAUSE: Duration = Duration::from_millis(5);

pub(crate) async fn measure(ground: &Ground<'_>, table: &mut Table, effort: Effort) {
    let (tell, mut started) = mpsc::unbounded_channel();
    let handler: JobHandler = Arc::new(move |_| {
        // Nobody listens once the measurement is over.
        let _ = tell.send(Instant::now());
        async { Ok(None) }.boxed()
    });
    let life = Life::new(ground.open("bench").await, "bench", handler);
    life.run();
    let sync = raw::sync_after(PAUSE, effort.lasts);
    let mut took = Vec::new();
    for n in 0..JOBS * effort.scale as u64 {
        tokio::time::sleep(PAUSE).await;
        let begun = Instant::now();
        let (created, at) = tokio::join!(life.jobs.create(job(n)), started.recv());
        drop(created.expect("the store takes it"));
        took.push(at.expect("the handler tells") - begun);
    }
    let (p50, p99) = percentiles(&mut took);
    let cell = Cell {
        value: p50,
        unit: "ms",
        more: format!("p99 {p99:.2} ms, one sync after the same pause {sync:.2} ms"),
        aim: Aim::Most(if ground.is_disk() { sync + 0.2 } else { 5.0 }),
    };
    table.cell("8 from enqueue to start, idle, p50", ground.name(), cell);
    life.end().await;
}
