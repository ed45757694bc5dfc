//! What the disk and the bare databases do in the same minute: the floor that nothing durable goes under.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::ground::{Server, connect};
use crate::load::percentiles;

/// The middle time of an append of two pages and its sync, in milliseconds.
pub(crate) fn sync(lasts: Duration) -> f64 {
    sync_after(Duration::ZERO, lasts)
}

/// The same, each after a pause: a disk and a core that have come to rest take longer.
pub(crate) fn sync_after(pause: Duration, lasts: Duration) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let mut file = std::fs::File::create(folder.path().join("log")).expect("a file");
    let (begun, mut took) = (Instant::now(), Vec::new());
    while begun.elapsed() < lasts {
        std::thread::sleep(pause);
        let one = Instant::now();
        file.write_all(&[7; 8_192]).expect("there is room");
        file.sync_data().expect("it syncs");
        took.push(one.elapsed());
    }
    percentiles(&mut took).0
}

/// Rows a second of one connection to SQLite that commits each by itself, under the store's pragmas.
pub(crate) fn sqlite(path: &Path, lasts: Duration) -> f64 {
    let connection = Connection::open(path).expect("it opens");
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             CREATE TABLE IF NOT EXISTS job (id INTEGER PRIMARY KEY, name TEXT, params TEXT, state INT, run_at INT); \
             CREATE INDEX IF NOT EXISTS due ON job (name, run_at) WHERE state = 0",
        )
        .expect("a schema");
    let mut insert = connection
        .prepare("INSERT INTO job (name, params, state, run_at) VALUES ('noop', ?1, 0, ?2)")
        .expect("a statement");
    let (begun, mut done) = (Instant::now(), 0u64);
    while begun.elapsed() < lasts {
        insert
            .execute((crate::life::payload(done).text(), done as i64))
            .expect("a row");
        done += 1;
    }
    done as f64 / begun.elapsed().as_secs_f64()
}

/// Rows a second of one connection to PostgreSQL with a prepared statement, each row a transaction: what pgbench does.
pub(crate) async fn postgres(server: &Server, lasts: Duration) -> f64 {
    let client = connect(&server.url, &server.scope).await;
    client
        .batch_execute(
            "CREATE TABLE IF NOT EXISTS raw (id bigserial PRIMARY KEY, name text, params text, run_at bigint)",
        )
        .await
        .expect("a table");
    let insert = client
        .prepare("INSERT INTO raw (name, params, run_at) VALUES ('noop', $1, $2)")
        .await
        .expect("a statement");
    let (begun, mut done) = (Instant::now(), 0i64);
    while begun.elapsed() < lasts {
        let params = crate::life::payload(done as u64);
        client.execute(&insert, &[&params.text(), &done]).await.expect("a row");
        done += 1;
    }
    done as f64 / begun.elapsed().as_secs_f64()
}
