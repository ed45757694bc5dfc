//! What the file holds, taken out and put in by whoever holds its lock; nothing runs meanwhile.

use std::path::Path;

use rusqlite::{Connection, Result as Sql, Row, Transaction};

use super::apply::Tables;
use super::counters::Counters;
use super::ready::Ready;
use super::row::{
    self, attempt_columns, change_columns, entry_columns, event_columns, job_columns, remembered_columns,
    schedule_columns, unsigned,
};
use super::{Embedded, failure, lock, open};
use crate::store::Result;
use crate::store::transfer::{Contents, Meta, check_fit, not_empty, not_there};

/// Who the lock file says holds it.
const HOLDER: &str = "a transfer";

impl Embedded {
    /// What a file holds, and its bytes on disk. Nothing in it is changed. Blocks as long as reading it takes.
    ///
    /// # Errors
    /// As [`open`](Self::open): a running process that holds the file is named.
    pub fn dump(path: &Path) -> Result<(Contents, u64)> {
        if !path.is_file() {
            return Err(not_there(&path.display().to_string()));
        }
        let _lock = lock::Lock::take(path, HOLDER)?;
        let mut conn = open::snapshot(path)?;
        let transaction = conn.transaction().map_err(reading)?;
        let contents = contents(&transaction).map_err(reading)?;
        Ok((contents, Self::bytes_on_disk(path)))
    }

    /// What SQLite finds wrong with a file below the rows: pages, and indexes that do not agree with their tables; nothing where it is sound.
    /// At most a hundred sentences. Blocks as long as reading the whole file takes.
    ///
    /// # Errors
    /// As [`open`](Self::open): a running process that holds the file is named.
    pub fn damage(path: &Path) -> Result<Vec<String>> {
        if !path.is_file() {
            return Err(not_there(&path.display().to_string()));
        }
        let _lock = lock::Lock::take(path, HOLDER)?;
        let conn = open::snapshot(path)?;
        let found: Vec<String> = all(&conn, "PRAGMA integrity_check(100)", |row| row.get(0)).map_err(reading)?;
        let told = found.iter().filter(|line| *line != "ok");
        Ok(told
            .map(|line| {
                let line = line.trim_start_matches("*** in database main ***").trim();
                format!("the file is damaged: {line}")
            })
            .collect())
    }

    /// Puts contents into a file that holds nothing yet, making it where there is none: all of them or none. Blocks.
    ///
    /// # Errors
    /// [`Error::Unusable`](crate::store::Error::Unusable) where the file holds data or the contents could be no store's, beside those
    /// of [`open`](Self::open).
    pub fn restore(path: &Path, contents: &Contents) -> Result<()> {
        check_fit(contents)?;
        let _lock = lock::Lock::take(path, HOLDER)?;
        // The moment is for jobs left running, of which an empty file has none.
        let (mut conn, counters) = open::writer(Some(path), HOLDER, chrono::DateTime::UNIX_EPOCH)?;
        let remembered = row_count(&conn, "remembered").map_err(writing)?;
        if !meta(&counters).is_new() || remembered > 0 {
            return Err(not_empty(&path.display().to_string()));
        }
        let transaction = conn.transaction().map_err(writing)?;
        fill(&transaction, counters, contents).map_err(writing)?;
        transaction.commit().map_err(writing)
    }
}

fn reading(error: rusqlite::Error) -> crate::store::Error {
    failure::of("reading the whole store", error)
}

fn writing(error: rusqlite::Error) -> crate::store::Error {
    failure::of("filling the store", error)
}

fn row_count(conn: &Connection, table: &str) -> Sql<u64> {
    conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| unsigned(row, 0))
}

fn contents(conn: &Transaction<'_>) -> Sql<Contents> {
    macro_rules! select {
        ($columns:ident, $more:literal) => {
            concat!("SELECT ", $columns!(), $more)
        };
    }
    Ok(Contents {
        meta: meta(&Counters::load(conn)?),
        entries: all(
            conn,
            select!(entry_columns, ", ns FROM state ORDER BY ns, key"),
            |row| Ok((row.get(6)?, row::entry(row)?)),
        )?,
        changes: all(conn, select!(change_columns, ", ns FROM change ORDER BY seq"), |row| {
            Ok((row.get(6)?, row::change(row)?))
        })?,
        events: all(conn, select!(event_columns, " FROM event ORDER BY seq"), row::event)?,
        jobs: all(conn, select!(job_columns, " FROM job ORDER BY seq"), row::job)?,
        attempts: all(
            conn,
            select!(attempt_columns, ", job FROM attempt ORDER BY job, attempt"),
            |row| Ok((unsigned(row, 7)?, row::attempt(row)?)),
        )?,
        schedules: all(
            conn,
            select!(schedule_columns, " FROM schedule ORDER BY seq"),
            row::schedule,
        )?,
        remembered: all(
            conn,
            select!(remembered_columns, ", scope, key FROM remembered ORDER BY scope, key"),
            |row| Ok((row.get(5)?, row.get(6)?, row::remembered(row)?)),
        )?,
        rates: all(conn, "SELECT name, next FROM rate ORDER BY name", |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?,
    })
}

fn all<T>(conn: &Connection, select: &str, read: impl FnMut(&Row<'_>) -> Sql<T>) -> Sql<Vec<T>> {
    conn.prepare(select)?.query_map([], read)?.collect()
}

fn meta(counters: &Counters) -> Meta {
    Meta {
        seq: counters.seq,
        event_head: counters.event_head,
        change_head: counters.change_head,
        event_floor: counters.event_floor,
        change_floor: counters.change_floor,
        entries: counters.entries,
        changes: counters.changes,
        events: counters.events,
        jobs_live: counters.jobs_live,
        jobs_ended: counters.jobs_ended,
        kept: counters.kept,
    }
}

fn fill(conn: &Transaction<'_>, mut counters: Counters, contents: &Contents) -> Sql<()> {
    let mut tables = Tables {
        conn,
        counters: &mut counters,
        ready: &mut Ready::default(),
    };
    for (space, entry) in &contents.entries {
        tables.write_entry(space, entry)?;
    }
    for (space, change) in &contents.changes {
        tables.note_change(space, &change.key, change.seq, change.entry.as_ref(), change.at)?;
    }
    for event in &contents.events {
        tables.insert_event(event)?;
    }
    for job in &contents.jobs {
        tables.insert_job(job)?;
        tables.update_job(job)?;
        if let Some(progress) = &job.progress {
            tables.set_progress(job.seq, progress)?;
        }
    }
    for (job, attempt) in &contents.attempts {
        tables.insert_attempt(*job, attempt)?;
    }
    for schedule in &contents.schedules {
        tables.insert_schedule(schedule)?;
        tables.update_schedule(schedule)?;
    }
    for (scope, key, kept) in &contents.remembered {
        tables.write_remembered(scope, key, kept)?;
    }
    for (name, next) in &contents.rates {
        tables.keep_rate(name, *next)?;
    }
    // What the rows were counted to is what is said of them, which `check_fit` has seen to.
    let said = contents.meta;
    Counters {
        seq: said.seq,
        event_head: said.event_head,
        change_head: said.change_head,
        event_floor: said.event_floor,
        change_floor: said.change_floor,
        entries: said.entries,
        changes: said.changes,
        events: said.events,
        jobs_live: said.jobs_live,
        jobs_ended: said.jobs_ended,
        kept: said.kept,
    }
    .save(conn)
}
