//! Durable state puts from 64 writers, against rusqlite with one row a transaction under the same pragmas.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use syscall_sdk::clock::Clock;
use syscall_sdk::name::Namespace;
use syscall_sdk::state::State;
use syscall_sdk::store::Store;
use syscall_sdk::store::embedded::{Embedded, Options};

use crate::load::{AsyncCall, run};
use crate::table::{Table, median};

/// Writers at once.
const WRITERS: usize = 64;

struct Put {
    state: State,
    key: String,
    n: u64,
}

impl AsyncCall for Put {
    async fn call(&mut self) {
        self.n += 1;
        self.state.put(&self.key, &self.n).await.expect("the store takes it");
    }
}

pub(crate) async fn measure(table: &mut Table, rounds: usize, quick: bool) {
    let lasts = Duration::from_millis(if quick { 100 } else { 2_000 });
    let folder = tempfile::tempdir().expect("a folder");
    let (clock, path) = (Clock::system(), folder.path().join("ours.db"));
    let options = Options {
        path: Some(path),
        clock: clock.clone(),
        owner: "bench".to_owned(),
        name: "bench".to_owned(),
    };
    let embedded = Embedded::open(options).expect("it opens");
    let store: Arc<dyn Store> = Arc::new(embedded);
    let state = State::new(Arc::clone(&store), Namespace::wire(), clock);

    let mut ratios = Vec::new();
    let mut shown = String::new();
    for round in 0..rounds {
        let ours = run(WRITERS, lasts, |writer| {
            let (state, key) = (state.clone(), format!("writer/{writer}"));
            async move { Put { state, key, n: 0 } }
        })
        .await;
        let raw = raw(&folder.path().join(format!("raw-{round}.db")), lasts);
        ratios.push(ours.rate / raw);
        shown = format!(
            "{:.0}/s, p50 {:.1} ms; rusqlite {raw:.0}/s",
            ours.rate,
            ours.p50 / 1_000.0
        );
    }
    let ratio = median(ratios);
    table.row(
        "durable puts, 64 writers",
        format!("{ratio:.1} × one row a transaction ({shown})"),
        "≥ 10",
        ratio >= 10.0,
    );
    store.close().await;
}

/// Puts a second of one connection that commits every row by itself.
fn raw(path: &std::path::Path, lasts: Duration) -> f64 {
    let connection = Connection::open(path).expect("it opens");
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT, version INTEGER) WITHOUT ROWID",
        )
        .expect("a schema");
    let mut put = connection
        .prepare("INSERT INTO state VALUES (?1, ?2, 1) ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = version + 1")
        .expect("a statement");
    let begun = Instant::now();
    let mut done = 0u64;
    while begun.elapsed() < lasts {
        put.execute((format!("writer/{}", done % WRITERS as u64), done.to_string()))
            .expect("a row");
        done += 1;
    }
    done as f64 / begun.elapsed().as_secs_f64()
}
