//! What the file answers to a question. Each function is one statement, so it sees one moment.

use chrono::{DateTime, Utc};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::row::{
    self, attempt_columns, change_columns, entry_columns, event_columns, job_columns, kept_bytes, limit, millis,
    remembered_columns, schedule_columns, status_number, unsigned,
};
use crate::name::{Prefix, TopicFilter};
use crate::store::{
    Attempt, Change, ChangeQuery, Direction, Entry, Event, EventQuery, Job, JobQuery, Remembered, Scan, Schedule, Seq,
    Stats, rules,
};

pub(super) fn get(conn: &Connection, namespace: &str, key: &str, now: DateTime<Utc>) -> Result<Option<Entry>> {
    let entry = conn
        .prepare_cached(concat!(
            "SELECT ",
            entry_columns!(),
            " FROM state WHERE ns = ?1 AND key = ?2"
        ))?
        .query_row([namespace, key], row::entry)
        .optional()?;
    Ok(entry.filter(|entry| !rules::expired(entry.expires_at, now)))
}

pub(super) fn scan(conn: &Connection, scan: &Scan, now: DateTime<Utc>) -> Result<Vec<Entry>> {
    let prefix = scan.prefix.as_str();
    let from = scan.after.as_deref().map_or(prefix, |after| after.max(prefix));
    let mut select = conn.prepare_cached(concat!(
        "SELECT ",
        entry_columns!(),
        " FROM state WHERE ns = ?1 AND key >= ?2 AND key < ?3 AND key IS NOT ?4 \
         AND (expires_at IS NULL OR expires_at > ?5) ORDER BY key LIMIT ?6"
    ))?;
    let end = end_of(&scan.prefix);
    let rows = params![scan.namespace, from, end, scan.after, millis(now), limit(scan.limit)];
    select.query_map(rows, row::entry)?.collect()
}

pub(super) fn changes(conn: &Connection, query: &ChangeQuery) -> Result<Vec<Change>> {
    let mut select = conn.prepare_cached(concat!(
        "SELECT ",
        change_columns!(),
        " FROM change WHERE seq > ?1 AND ns = ?2 AND key >= ?3 AND key < ?4 ORDER BY seq LIMIT ?5"
    ))?;
    let (start, end) = (query.prefix.as_str(), end_of(&query.prefix));
    let rows = params![place(query.after), query.namespace, start, end, limit(query.limit)];
    select.query_map(rows, row::change)?.collect()
}

pub(super) fn events(conn: &Connection, query: &EventQuery) -> Result<Vec<Event>> {
    // The exact form walks the index by topic; the other two walk the log, which is what a reader at its tail wants.
    let (filter, topic) = match &query.filter {
        TopicFilter::All => ("?5 = ''", ""),
        TopicFilter::Exact(topic) => ("topic = ?5", topic.as_str()),
        TopicFilter::Prefix(prefix) => ("substr(topic, 1, length(?5)) = ?5", prefix.as_str()),
    };
    let order = match query.direction {
        Direction::Forward => "ASC",
        Direction::Backward => "DESC",
    };
    let mut select = conn.prepare_cached(&format!(
        concat!(
            "SELECT ",
            event_columns!(),
            " FROM event WHERE seq > ?1 AND seq < ?2 AND at > ?3 AND {} ORDER BY seq {} LIMIT ?4"
        ),
        filter, order
    ))?;
    let before = query.before.map_or(i64::MAX, place);
    let since = query.since.map_or(i64::MIN, millis);
    let rows = params![place(query.after), before, since, limit(query.limit), topic];
    select.query_map(rows, row::event)?.collect()
}

pub(super) fn event(conn: &Connection, id: &str) -> Result<Option<Event>> {
    conn.prepare_cached(concat!("SELECT ", event_columns!(), " FROM event WHERE id = ?1"))?
        .query_row([id], row::event)
        .optional()
}

pub(super) fn job(conn: &Connection, id: &str) -> Result<Option<Job>> {
    conn.prepare_cached(concat!("SELECT ", job_columns!(), " FROM job WHERE id = ?1"))?
        .query_row([id], row::job)
        .optional()
}

pub(super) fn jobs(conn: &Connection, query: &JobQuery) -> Result<Vec<Job>> {
    let mut select = conn.prepare_cached(&format!(
        concat!(
            "SELECT ",
            job_columns!(),
            " FROM job WHERE seq < ?1 AND ?2 {} AND ?3 {} AND ?4 {} ORDER BY seq DESC LIMIT ?5"
        ),
        if query.status.is_some() { "= status" } else { "IS NULL" },
        if query.name.is_some() { "= name" } else { "IS NULL" },
        if query.schedule_id.is_some() {
            "= schedule_id"
        } else {
            "IS NULL"
        },
    ))?;
    let before = query.before.map_or(i64::MAX, place);
    let status = query.status.map(status_number);
    let rows = params![before, status, query.name, query.schedule_id, limit(query.limit)];
    select.query_map(rows, row::job)?.collect()
}

pub(super) fn unbegun(conn: &Connection, most: usize) -> Result<Vec<Job>> {
    conn.prepare_cached(concat!(
        "SELECT ",
        job_columns!(),
        " FROM job INDEXED BY job_unbegun WHERE status <= 1 AND attempt = 0 AND start_by IS NOT NULL \
         ORDER BY start_by, seq LIMIT ?1"
    ))?
    .query_map([limit(most)], row::job)?
    .collect()
}

pub(super) fn attempts(conn: &Connection, job: &str) -> Result<Vec<Attempt>> {
    conn.prepare_cached(concat!(
        "SELECT ",
        attempt_columns!(),
        " FROM attempt WHERE job = (SELECT seq FROM job WHERE id = ?1) ORDER BY attempt"
    ))?
    .query_map([job], row::attempt)?
    .collect()
}

pub(super) fn schedule(conn: &Connection, id: &str) -> Result<Option<Schedule>> {
    conn.prepare_cached(concat!("SELECT ", schedule_columns!(), " FROM schedule WHERE id = ?1"))?
        .query_row([id], row::schedule)
        .optional()
}

pub(super) fn schedules(conn: &Connection) -> Result<Vec<Schedule>> {
    conn.prepare_cached(concat!(
        "SELECT ",
        schedule_columns!(),
        " FROM schedule WHERE cancelled_at IS NULL ORDER BY seq"
    ))?
    .query_map([], row::schedule)?
    .collect()
}

pub(super) fn remembered(conn: &Connection, scope: &str, key: &str, now: DateTime<Utc>) -> Result<Option<Remembered>> {
    conn.prepare_cached(concat!(
        "SELECT ",
        remembered_columns!(),
        " FROM remembered WHERE scope = ?1 AND key = ?2 AND expires_at > ?3"
    ))?
    .query_row(params![scope, key, millis(now)], row::remembered)
    .optional()
}

/// Everything but the bytes on disk, which are the caller's to count.
pub(super) fn stats(conn: &Connection, now: DateTime<Utc>) -> Result<Stats> {
    let read = |row: &Row<'_>| {
        Ok(Stats {
            event_floor: unsigned(row, 0)?,
            change_floor: unsigned(row, 1)?,
            keys: unsigned(row, 2)?,
            events: unsigned(row, 3)?,
            jobs_live: unsigned(row, 4)?,
            jobs_ended: unsigned(row, 5)?,
            kept: kept_bytes(row, 6)?,
            bytes: 0,
            full: false,
        })
    };
    conn.prepare_cached(
        "SELECT event_floor, change_floor, entries - (SELECT count(*) FROM state \
         WHERE expires_at IS NOT NULL AND expires_at <= ?1), events, jobs_live, jobs_ended, \
         event_bytes, change_bytes, job_bytes FROM meta WHERE id = 1",
    )?
    .query_row([millis(now)], read)
}

/// A sequence to compare with; one that cannot exist compares as the highest.
fn place(seq: Seq) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// The first text after all keys under a prefix. A prefix ends in `/` or `:`, whose next character is one byte too; a blob
/// sorts after every text, so that the empty prefix has no end.
fn end_of(prefix: &Prefix) -> Value {
    let mut end = prefix.as_str().to_owned();
    match end.pop() {
        None => Value::Blob(Vec::new()),
        Some(last) => {
            end.push(char::from_u32(u32::from(last) + 1).unwrap_or(char::MAX));
            Value::Text(end)
        }
    }
}
