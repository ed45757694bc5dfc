//! Opening the file, with settings that are read back.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::apply::Tables;
use super::counters::Counters;
use super::ready::Ready;
use super::{failure, schema};
use crate::store::{Error, Result};

/// Statements kept prepared, a connection: more than there are, so that none is ever prepared twice.
const STATEMENTS: usize = 128;
/// How long a connection waits for another's lock. Only recovery after a crash and the truncation at close take one.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// A setting: its name, what it is set to, and how SQLite says it back.
type Setting = (&'static str, &'static str, &'static str);

/// What makes an acknowledged commit durable, and the writer the master of checkpoints.
const WRITER_ON_DISK: &[Setting] = &[
    ("page_size", "4096", "4096"),
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", "2"),
    // macOS: a plain fsync there leaves the data in the drive's cache.
    ("fullfsync", "ON", "1"),
    ("checkpoint_fullfsync", "ON", "1"),
    // The writer checkpoints itself, after it has answered.
    ("wal_autocheckpoint", "0", "0"),
    // A log that a burst has blown up is cut back to 64 MiB.
    ("journal_size_limit", "67108864", "67108864"),
    ("temp_store", "MEMORY", "2"),
    // 8 MiB of pages: the hot ends of the tables and indexes of one service.
    ("cache_size", "-8192", "-8192"),
];
const WRITER_IN_MEMORY: &[Setting] = &[("temp_store", "MEMORY", "2")];
const READER: &[Setting] = &[
    ("query_only", "ON", "1"),
    ("temp_store", "MEMORY", "2"),
    ("cache_size", "-4096", "-4096"),
];

/// Opens the writer's connection and brings the schema up to date; jobs left running by another owner are queued again.
pub(super) fn writer(path: Option<&Path>, owner: &str, now: DateTime<Utc>) -> Result<(Connection, Counters)> {
    if let Some(path) = path {
        schema::create(path)?;
    }
    let mut conn = match path {
        Some(path) => connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?,
        None => Connection::open_in_memory().map_err(opening)?,
    };
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    let settings = if path.is_some() {
        WRITER_ON_DISK
    } else {
        WRITER_IN_MEMORY
    };
    for setting in settings {
        set(&conn, setting)?;
    }
    schema::migrate(&mut conn, path)?;
    let mut counters = Counters::load(&conn).map_err(opening)?;
    let transaction = conn.transaction().map_err(opening)?;
    let mut tables = Tables {
        conn: &transaction,
        counters: &mut counters,
        ready: &mut Ready::default(),
    };
    tables.take_over(owner, now).map_err(opening)?;
    transaction.commit().map_err(opening)?;
    Ok((conn, counters))
}

/// Opens a reader's connection to a file that the writer has opened.
pub(super) fn reader(path: &Path) -> Result<Connection> {
    let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    for setting in READER {
        set(&conn, setting)?;
    }
    Ok(conn)
}

/// Opens a file for a look at all of it; one of a newer schema is refused, and an older one brought up to date.
pub(super) fn snapshot(path: &Path) -> Result<Connection> {
    let mut conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    schema::migrate(&mut conn, Some(path))?;
    for setting in READER {
        set(&conn, setting)?;
    }
    Ok(conn)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    // Each connection is used by one thread, so SQLite's own mutexes would only cost.
    let conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(opening)?;
    conn.busy_timeout(LOCK_WAIT).map_err(opening)?;
    // A poisoned writer must not checkpoint, and SQLite would do so when the last connection closes.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .map_err(opening)?;
    Ok(conn)
}

/// Sets a pragma and reads it back: SQLite ignores a misspelt or impossible one without a word.
fn set(conn: &Connection, (name, value, expected): &Setting) -> Result<()> {
    let mut says = None;
    conn.pragma_update_and_check(None, name, value, |_| Ok(()))
        .optional()
        .or_else(|error| match error {
            // Most pragmas answer nothing when they are set.
            rusqlite::Error::QueryReturnedNoRows => Ok(None),
            other => Err(other),
        })
        .map_err(opening)?;
    conn.pragma_query(None, name, |row| {
        says = Some(match row.get(0)? {
            Value::Integer(number) => number.to_string(),
            Value::Text(text) => text,
            other => format!("{other:?}"),
        });
        Ok(())
    })
    .map_err(opening)?;
    if says.as_deref() == Some(expected) {
        return Ok(());
    }
    Err(Error::Unusable(format!(
        "SQLite does not take {name} = {value} here (it says {}); put the data directory on a local disk, \
         since network file systems cannot keep the promise of durability",
        says.as_deref().unwrap_or("nothing")
    )))
}

pub(super) fn opening(error: rusqlite::Error) -> Error {
    failure::of("opening the database", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(setting: Setting) -> String {
        let conn = Connection::open_in_memory().expect("memory opens");
        set(&conn, &setting).expect_err("it does not take").to_string()
    }

    #[test]
    fn a_setting_that_did_not_take_is_refused_with_what_it_is() {
        let sentence = refusal(("journal_mode", "WAL", "wal"));
        assert!(
            sentence.contains("journal_mode = WAL") && sentence.contains("it says memory"),
            "{sentence}"
        );
    }

    #[test]
    fn a_misspelt_setting_is_refused() {
        let sentence = refusal(("sinchronous", "FULL", "2"));
        assert!(sentence.contains("it says nothing"), "{sentence}");
    }

    #[test]
    fn every_setting_of_the_writer_takes_on_disk() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        let (conn, _) = writer(Some(&path), "me", DateTime::UNIX_EPOCH).expect("it opens");
        for (name, _, expected) in WRITER_ON_DISK {
            let says: Value = conn
                .pragma_query_value(None, name, |row| row.get(0))
                .expect("it is known");
            let says = match says {
                Value::Integer(number) => number.to_string(),
                Value::Text(text) => text,
                other => format!("{other:?}"),
            };
            assert_eq!(says, *expected, "{name}");
        }
    }
}
