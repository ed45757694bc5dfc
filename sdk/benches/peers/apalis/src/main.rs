//! apalis on SQLite and on PostgreSQL: enqueue and drain, measured as the store's own bench does, in the same lines of JSON.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use apalis::prelude::*;
use apalis_postgres::{PgPool, PostgresStorage};
use apalis_sqlite::{SqlitePool, SqliteStorage};
use serde::{Deserialize, Serialize};

/// The same 100 bytes as every other system gets.
#[derive(Clone, Serialize, Deserialize)]
struct Payload {
    n: u64,
    note: String,
}

fn payload(n: u64) -> Payload {
    Payload {
        n,
        note: "an order of three books, to be packed, posted and paid for on delivery".to_owned(),
    }
}

const LASTS: Duration = Duration::from_secs(2);
const ROUNDS: usize = 3;
const DRAINED: u64 = 2_000;

fn say(system: &str, durability: &str, question: &str, value: f64, more: &str) {
    let line = serde_json::json!({
        "system": system, "question": question, "value": value, "unit": "/s", "more": more, "durability": durability,
    });
    println!("{line}");
}

/// Enqueues from some producers and drains: the same for both back ends, which share traits that are too deep to name.
macro_rules! measure {
    ($system:expr, $durability:expr, $drained:expr, $storage:expr, $pool:expr, $live:expr) => {{
        let (system, durability, drained): (&str, &str, &str) = ($system, $durability, $drained);
        for (producers, question) in [(1, "1 enqueue, one producer"), (64, "2 enqueue, 64 producers")] {
            let mut rates = Vec::new();
            for _ in 0..ROUNDS {
                let begun = Instant::now();
                let mut tasks = tokio::task::JoinSet::new();
                for _ in 0..producers {
                    let mut storage = $storage;
                    tasks.spawn(async move {
                        let mut n = 0u64;
                        while begun.elapsed() < LASTS {
                            storage.push(payload(n)).await.expect("it is taken");
                            n += 1;
                        }
                        n
                    });
                }
                let pushed: u64 = tasks.join_all().await.iter().sum();
                rates.push(pushed as f64 / begun.elapsed().as_secs_f64());
            }
            rates.sort_by(f64::total_cmp);
            say(system, durability, question, rates[ROUNDS / 2], "");
        }
        let live = || async { $live.await.expect("it is counted") };
        sqlx::query($pool.1).execute($pool.0).await.expect("emptied");
        let mut storage = $storage;
        for n in 0..DRAINED {
            storage.push(payload(n)).await.expect("it is taken");
        }
        let ran = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&ran);
        let begun = Instant::now();
        let worker = WorkerBuilder::new("bench").backend($storage).build(move |_: Payload| {
            counted.fetch_add(1, Ordering::Relaxed);
            async { Ok::<(), BoxDynError>(()) }
        });
        let counting = async {
            let mut patience = Duration::ZERO;
            loop {
                let left: i64 = live().await;
                if left == 0 || patience > Duration::from_secs(60) {
                    break left;
                }
                patience += Duration::from_millis(5);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let left = tokio::select! {
            left = counting => left,
            ended = worker.run() => panic!("the worker ended: {ended:?}"),
        };
        let rate = (DRAINED as i64 - left) as f64 / begun.elapsed().as_secs_f64();
        let more = format!("{} ran, {left} not written down", ran.load(Ordering::Relaxed));
        say(system, drained, "3 drain of jobs that do nothing, default settings", rate, &more);
    }};
}

#[tokio::main]
async fn main() {
    let folder = std::env::args().nth(1).expect("a folder is given");
    let postgres = std::env::args().nth(2);
    let url = format!("sqlite://{folder}/apalis.db?mode=rwc");
    let first = SqlitePool::connect(&url).await.expect("it opens");
    // It turns syncs off on the connection that it is given, which is why this one is let go of.
    SqliteStorage::setup(&first).await.expect("a schema");
    first.close().await;
    let pool = SqlitePool::connect(&url).await.expect("it opens");
    let synced = "a sync before each answer (WAL, synchronous=FULL; its setup() would turn syncs off on a connection)";
    measure!(
        "apalis 1.0 on SQLite",
        synced,
        "outcomes are buffered and written in batches",
        SqliteStorage::<Payload>::new(&pool),
        (&pool, "DELETE FROM Jobs"),
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM Jobs WHERE status <> 'Done'").fetch_one(&pool)
    );
    let Some(url) = postgres else { return };
    let pool = PgPool::connect(&url).await.expect("it is there");
    PostgresStorage::setup(&pool).await.expect("a schema");
    let synced = "a sync before each answer (PostgreSQL, synchronous_commit=on)";
    measure!(
        "apalis 1.0 on PostgreSQL",
        synced,
        "outcomes are buffered and written in batches",
        PostgresStorage::<Payload>::new(&pool),
        (&pool, "DELETE FROM apalis.jobs"),
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM apalis.jobs WHERE status <> 'Done'").fetch_one(&pool)
    );
}
