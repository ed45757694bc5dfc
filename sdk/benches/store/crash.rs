//! A process that runs jobs is killed; another one opens what it left. How long until all of its jobs run again?

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use syscall_sdk::jobs::{CONCURRENCY, JobHandler};
use syscall_sdk::lifecycle::Scope;
use syscall_sdk::store::postgres::{Database, Target};
use tokio::sync::mpsc;

use crate::Effort;
use crate::ground::{Ground, open_file, open_schema};
use crate::life::Life;
use crate::table::{Aim, Cell, Table};

/// What the victim says when all of its slots are taken.
const RUNNING: &str = "running";
/// Jobs that it leaves: one in each slot.
const JOBS: u64 = CONCURRENCY as u64;

/// A handler that tells of each start and never ends.
fn endless(started: mpsc::UnboundedSender<Instant>) -> JobHandler {
    Arc::new(move |_| {
        // Nobody listens once the measurement is over.
        let _ = started.send(Instant::now());
        std::future::pending().boxed()
    })
}

/// The life of the process that will be killed.
pub(crate) async fn victim(place: &str, schema: &str) {
    let scope = Scope::new("victim", tracing::Span::none());
    let opened = if schema.is_empty() {
        open_file(place.into(), "victim")
    } else {
        let database = Database::new(Target::parse(place).expect("a URL"), &scope);
        open_schema(&database, schema, "victim").await
    };
    let (tell, mut started) = mpsc::unbounded_channel();
    let life = Life::new(opened, "victim", endless(tell));
    life.fill(JOBS).await;
    life.run();
    for _ in 0..CONCURRENCY {
        started.recv().await.expect("they start");
    }
    println!("{RUNNING}");
    std::io::stdout().flush().expect("the parent listens");
    std::future::pending().await
}

pub(crate) async fn measure(ground: &Ground<'_>, table: &mut Table, _: Effort) {
    let (place, schema) = match ground {
        Ground::Schema { server, name } => (server.url.clone(), name.as_str()),
        disk => (disk.folder().join("store.db").display().to_string(), ""),
    };
    let mut victim = Command::new(std::env::current_exe().expect("this program has a path"))
        .args(["victim", &place, schema])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let lines = BufReader::new(victim.stdout.take().expect("its output")).lines();
    let mut lines = lines.map_while(Result::ok);
    assert!(lines.any(|line| line == RUNNING), "its jobs run");
    victim.kill().expect("it is killed");
    victim.wait().expect("it is gone");

    let (tell, mut started) = mpsc::unbounded_channel();
    let begun = Instant::now();
    let opened = ground.open("heir").await;
    let open = begun.elapsed();
    let life = Life::new(opened, "heir", endless(tell));
    life.run();
    let mut first = None;
    let mut all = Duration::ZERO;
    for _ in 0..JOBS {
        all = started.recv().await.expect("they start again") - begun;
        first.get_or_insert(all);
    }
    let cell = Cell {
        value: all.as_secs_f64() * 1_000.0,
        unit: "ms",
        more: format!(
            "opened after {:.1} ms, first job after {:.1} ms",
            open.as_secs_f64() * 1_000.0,
            first.unwrap_or_default().as_secs_f64() * 1_000.0
        ),
        aim: Aim::Most(if ground.is_disk() { 100.0 } else { 15_000.0 }),
    };
    table.cell("9 jobs of a killed process run again, all 64", ground.name(), cell);
    life.end().await;
}
