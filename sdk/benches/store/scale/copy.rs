//! Copies of what a file holds, beside it in the same file: ten million rows through commits would take the better part of an hour.
//!
//! The rows are those that the store wrote, each with a sequence and an id of its own. PostgreSQL has no such copy and is filled by
//! commits alone.

use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, params};

/// Copies every ended job with its attempts, and every event, so many times.
pub(super) fn copy(path: &Path, times: u64) {
    let begun = Instant::now();
    let conn = Connection::open(path).expect("it opens");
    // Nothing here must outlast a power cut, and everything must outlast this connection.
    conn.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -262144")
        .expect("settings");
    let (block, event_head): (i64, i64) = conn
        .query_row("SELECT seq, event_head FROM meta", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .expect("the store has numbers");
    // Only what was there is copied, never a copy.
    let selects = [
        ("job", "seq", "AND status >= 3 AND seq <= ?1"),
        ("attempt", "job", "AND job <= ?1"),
        ("event", "seq", "AND seq <= ?1"),
    ]
    .map(|(table, number, which)| {
        let columns = columns(&conn, table);
        let copied: Vec<String> = columns
            .iter()
            .map(|column| match column.as_str() {
                column if column == number => format!("{number} + ?2"),
                "id" => format!("substr(id, 1, 24) || printf('%012x', {number} + ?2)"),
                other => other.to_owned(),
            })
            .collect();
        format!(
            "INSERT INTO {table} ({}) SELECT {} FROM {table} WHERE 1 {which} ORDER BY {number}",
            columns.join(", "),
            copied.join(", ")
        )
    });
    for number in 1..=times as i64 {
        conn.execute_batch("BEGIN").expect("it begins");
        let shift = number * block;
        let counts = selects
            .each_ref()
            .map(|select| conn.execute(select, params![block, shift]).expect("it copies"));
        let [jobs, _, events] = counts;
        conn.execute(
            "UPDATE meta SET seq = seq + ?1, event_head = ?2, events = events + ?3, jobs_ended = jobs_ended + ?4",
            params![block, event_head + shift, events as i64, jobs as i64],
        )
        .expect("it is counted");
        conn.execute_batch("COMMIT").expect("it is kept");
    }
    conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .expect("a checkpoint");
    eprintln!("{times} copies in {:.0} s", begun.elapsed().as_secs_f64());
}

fn columns(conn: &Connection, table: &str) -> Vec<String> {
    let mut names = conn
        .prepare(&format!("SELECT name FROM pragma_table_info('{table}')"))
        .expect("the schema is read");
    let names = names.query_map([], |row| row.get(0)).expect("it has columns");
    names.collect::<Result<_, _>>().expect("they have names")
}
