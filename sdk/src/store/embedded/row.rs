//! Rows to records and back: the one place that knows how a value is written down.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::types::Type;
use rusqlite::{Result, Row};

use crate::policy::Backoff;
pub(super) use crate::store::columns::{
    attempt_columns, change_columns, entry_columns, event_columns, job_columns, remembered_columns, schedule_columns,
};
use crate::store::{
    Answer, Attempt, AttemptEnd, Change, Concurrency, Entry, Event, Job, JobFailure, Kept, Remembered, Schedule, Seq,
};
use crate::wire::{CatchUp, JobStatus, Json, Overlap};

/// What [an event counts for](crate::store::kept), of which SQLite reads no more than the lengths.
macro_rules! event_bytes {
    () => {
        "128 + octet_length(id) + octet_length(topic) + ifnull(octet_length(data), 0) + ifnull(octet_length(trace), 0)"
    };
}
/// What a change counts for.
macro_rules! change_bytes {
    () => {
        "128 + octet_length(ns) + octet_length(key) + ifnull(octet_length(value), 0)"
    };
}
/// What an ended job counts for.
macro_rules! job_bytes {
    () => {
        "128 + octet_length(id) + octet_length(name) + ifnull(octet_length(params), 0) + \
         ifnull(octet_length(unique_key), 0) + ifnull(octet_length(throttle_key), 0) + \
         ifnull(octet_length(schedule_id), 0) + ifnull(octet_length(redrive_of), 0) + \
         ifnull(octet_length(redriven_as), 0) + ifnull(octet_length(trace), 0) + \
         ifnull(octet_length(concurrency_key), 0) + ifnull(octet_length(progress), 0) + \
         ifnull(octet_length(result), 0) + ifnull(octet_length(error), 0) + ifnull(octet_length(error_stack), 0) + \
         attempt_bytes"
    };
}
pub(super) use {change_bytes, event_bytes, job_bytes};

pub(super) fn entry(row: &Row<'_>) -> Result<Entry> {
    Ok(Entry {
        key: row.get(0)?,
        value: json(row, 1)?,
        version: unsigned(row, 2)?,
        revision: unsigned(row, 3)?,
        updated_at: moment(row, 4)?,
        expires_at: moment_or_none(row, 5)?,
    })
}

pub(super) fn change(row: &Row<'_>) -> Result<Change> {
    let (seq, key, at): (Seq, String, _) = (unsigned(row, 0)?, row.get(1)?, moment(row, 4)?);
    let entry = match json_or_none(row, 2)? {
        None => None,
        Some(value) => Some(Entry {
            key: key.clone(),
            value,
            version: unsigned(row, 3)?,
            revision: seq,
            updated_at: at,
            expires_at: moment_or_none(row, 5)?,
        }),
    };
    Ok(Change { seq, key, entry, at })
}

pub(super) fn event(row: &Row<'_>) -> Result<Event> {
    Ok(Event {
        seq: unsigned(row, 0)?,
        id: row.get(1)?,
        topic: row.get(2)?,
        data: json_or_none(row, 3)?,
        at: moment(row, 4)?,
        trace: row.get(5)?,
    })
}

pub(super) fn job(row: &Row<'_>) -> Result<Job> {
    Ok(Job {
        seq: unsigned(row, 0)?,
        id: row.get(1)?,
        name: row.get(2)?,
        params: json_or_none(row, 3)?,
        status: status(row, 4)?,
        priority: row.get(5)?,
        created_at: moment(row, 6)?,
        run_at: moment(row, 7)?,
        started_at: moment_or_none(row, 8)?,
        completed_at: moment_or_none(row, 9)?,
        attempt: row.get(10)?,
        failures: row.get(11)?,
        max_attempts: row.get(12)?,
        backoff: backoff(row, 13)?,
        timeout: duration_or_none(row, 16)?,
        deadline: moment_or_none(row, 26)?,
        start_by: moment_or_none(row, 30)?,
        heartbeat: duration_or_none(row, 31)?,
        unique_key: row.get(17)?,
        concurrency: concurrency(row, 27)?,
        turn: moment_or_none(row, 29)?,
        throttle_key: row.get(32)?,
        redrive_of: row.get(33)?,
        redriven_as: row.get(34)?,
        attempt_bytes: unsigned(row, 35)?,
        schedule_id: row.get(18)?,
        progress: json_or_none(row, 19)?,
        result: json_or_none(row, 20)?,
        error: failure(row, 21)?,
        trace: row.get(23)?,
        owner: row.get(24)?,
        cancel_acknowledged_at: moment_or_none(row, 25)?,
    })
}

pub(super) fn attempt(row: &Row<'_>) -> Result<Attempt> {
    let end = match row.get(3)? {
        0 => AttemptEnd::Completed,
        1 => AttemptEnd::Failed,
        2 => AttemptEnd::Cancelled,
        3 => AttemptEnd::Interrupted,
        other => return Err(rusqlite::Error::IntegralValueOutOfRange(3, other)),
    };
    Ok(Attempt {
        attempt: row.get(0)?,
        started_at: moment(row, 1)?,
        ended_at: moment(row, 2)?,
        end,
        error: failure(row, 4)?,
        trace: row.get(6)?,
    })
}

pub(super) fn schedule(row: &Row<'_>) -> Result<Schedule> {
    Ok(Schedule {
        seq: unsigned(row, 0)?,
        id: row.get(1)?,
        name: row.get(2)?,
        params: json_or_none(row, 3)?,
        cron: row.get(4)?,
        timezone: row.get(5)?,
        catch_up: nth(row, 6, &CatchUp::ALL)?,
        created_at: moment(row, 7)?,
        next_run: moment_or_none(row, 8)?,
        last_run: moment_or_none(row, 9)?,
        cancelled_at: moment_or_none(row, 10)?,
        priority: row.get(11)?,
        max_attempts: row.get(12)?,
        backoff: backoff(row, 13)?,
        timeout: duration_or_none(row, 16)?,
        max_elapsed: duration_or_none(row, 17)?,
        overlap: nth(row, 18, &Overlap::ALL)?,
        start_within: duration_or_none(row, 19)?,
        heartbeat: duration_or_none(row, 20)?,
    })
}

pub(super) fn remembered(row: &Row<'_>) -> Result<Remembered> {
    let status: Option<u16> = row.get(2)?;
    let answer = match status {
        None => None,
        Some(status) => Some(Answer {
            status,
            body: row.get(3)?,
        }),
    };
    Ok(Remembered {
        fingerprint: row.get(0)?,
        owner: row.get(1)?,
        answer,
        expires_at: moment(row, 4)?,
    })
}

/// A number as SQLite keeps it: the same 64 bits, signed. Sequences and counts never reach the sign.
pub(super) fn signed(number: u64) -> i64 {
    number.cast_signed()
}

/// A count of rows to ask for.
pub(super) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

pub(super) fn millis(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis()
}

pub(super) fn millis_or_none(at: Option<DateTime<Utc>>) -> Option<i64> {
    at.map(millis)
}

pub(super) fn duration_millis(duration: Option<Duration>) -> Option<i64> {
    // `rules::normalised` has cut it to what a `u64` of milliseconds holds.
    duration.map(|duration| signed(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
}

pub(super) fn text(json: &Option<Json>) -> Option<&str> {
    json.as_ref().map(Json::text)
}

/// A status as the schema lists them; the order is that of [`JobStatus::ALL`].
pub(super) const fn status_number(status: JobStatus) -> i64 {
    match status {
        JobStatus::Pending => 0,
        JobStatus::Queued => 1,
        JobStatus::Running => 2,
        JobStatus::Completed => 3,
        JobStatus::Failed => 4,
        JobStatus::Cancelled => 5,
    }
}

pub(super) const fn end_number(end: AttemptEnd) -> i64 {
    match end {
        AttemptEnd::Completed => 0,
        AttemptEnd::Failed => 1,
        AttemptEnd::Cancelled => 2,
        AttemptEnd::Interrupted => 3,
    }
}

pub(super) fn unsigned(row: &Row<'_>, column: usize) -> Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

/// The bytes of events, changes and ended jobs, in three columns.
pub(super) fn kept_bytes(row: &Row<'_>, column: usize) -> Result<Kept> {
    Ok(Kept {
        events: unsigned(row, column)?,
        changes: unsigned(row, column + 1)?,
        jobs: unsigned(row, column + 2)?,
    })
}

pub(super) fn moment_or_none(row: &Row<'_>, column: usize) -> Result<Option<DateTime<Utc>>> {
    match row.get::<_, Option<i64>>(column)? {
        None => Ok(None),
        Some(millis) => DateTime::from_timestamp_millis(millis)
            .map(Some)
            .ok_or(rusqlite::Error::IntegralValueOutOfRange(column, millis)),
    }
}

fn moment(row: &Row<'_>, column: usize) -> Result<DateTime<Utc>> {
    let null = || rusqlite::Error::InvalidColumnType(column, "moment".to_owned(), Type::Null);
    moment_or_none(row, column)?.ok_or_else(null)
}

fn duration_or_none(row: &Row<'_>, column: usize) -> Result<Option<Duration>> {
    let millis: Option<i64> = row.get(column)?;
    Ok(millis.map(|millis| Duration::from_millis(millis.cast_unsigned())))
}

fn backoff(row: &Row<'_>, column: usize) -> Result<Backoff> {
    Ok(Backoff {
        base: unsigned(row, column)?,
        factor: row.get(column + 1)?,
        cap: unsigned(row, column + 2)?,
    })
}

fn concurrency(row: &Row<'_>, column: usize) -> Result<Option<Concurrency>> {
    let key: Option<String> = row.get(column)?;
    Ok(match key {
        None => None,
        Some(key) => Some(Concurrency {
            key,
            limit: row.get(column + 1)?,
        }),
    })
}

fn failure(row: &Row<'_>, column: usize) -> Result<Option<JobFailure>> {
    let message: Option<String> = row.get(column)?;
    Ok(match message {
        None => None,
        Some(message) => Some(JobFailure {
            message,
            stack: row.get(column + 1)?,
        }),
    })
}

fn status(row: &Row<'_>, column: usize) -> Result<JobStatus> {
    nth(row, column, &JobStatus::ALL)
}

/// The one of `all` that a column numbers.
fn nth<T: Copy>(row: &Row<'_>, column: usize, all: &[T]) -> Result<T> {
    let number: i64 = row.get(column)?;
    let place = usize::try_from(number).ok();
    let found = place.and_then(|place| all.get(place)).copied();
    found.ok_or(rusqlite::Error::IntegralValueOutOfRange(column, number))
}

fn json(row: &Row<'_>, column: usize) -> Result<Json> {
    let null = || rusqlite::Error::InvalidColumnType(column, "json".to_owned(), Type::Null);
    json_or_none(row, column)?.ok_or_else(null)
}

fn json_or_none(row: &Row<'_>, column: usize) -> Result<Option<Json>> {
    let damaged = |error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error));
    let text: Option<String> = row.get(column)?;
    text.map(|text| Json::from_checked(text).map_err(damaged)).transpose()
}
