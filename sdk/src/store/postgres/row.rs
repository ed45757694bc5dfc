//! Rows to records and back: the one place that knows how a value is written down.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::failure::Fault;
use crate::policy::Backoff;
pub(super) use crate::store::columns::{
    attempt_columns, change_columns, entry_columns, event_columns, job_columns, remembered_columns, schedule_columns,
};
use crate::store::{
    Answer, Attempt, AttemptEnd, Change, Concurrency, Entry, Event, Job, JobFailure, Kept, Remembered, Schedule, Seq,
    Stats,
};
use crate::wire::{CatchUp, JobStatus, Json, Overlap};

type Result<T> = std::result::Result<T, Fault>;

pub(super) fn entry(row: &Row) -> Result<Entry> {
    Ok(Entry {
        key: get(row, 0)?,
        value: json(row, 1)?,
        version: unsigned(row, 2)?,
        revision: unsigned(row, 3)?,
        updated_at: moment(row, 4)?,
        expires_at: moment_or_none(row, 5)?,
    })
}

pub(super) fn change(row: &Row) -> Result<Change> {
    let (seq, key, at): (Seq, String, _) = (unsigned(row, 0)?, get(row, 1)?, moment(row, 4)?);
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

pub(super) fn event(row: &Row) -> Result<Event> {
    Ok(Event {
        seq: unsigned(row, 0)?,
        id: get(row, 1)?,
        topic: get(row, 2)?,
        data: json_or_none(row, 3)?,
        at: moment(row, 4)?,
        trace: get(row, 5)?,
    })
}

pub(super) fn job(row: &Row) -> Result<Job> {
    Ok(Job {
        seq: unsigned(row, 0)?,
        id: get(row, 1)?,
        name: get(row, 2)?,
        params: json_or_none(row, 3)?,
        status: status(row, 4)?,
        priority: small(row, 5)?,
        created_at: moment(row, 6)?,
        run_at: moment(row, 7)?,
        started_at: moment_or_none(row, 8)?,
        completed_at: moment_or_none(row, 9)?,
        attempt: small(row, 10)?,
        failures: small(row, 11)?,
        max_attempts: small(row, 12)?,
        backoff: backoff(row, 13)?,
        timeout: duration_or_none(row, 16)?,
        deadline: moment_or_none(row, 26)?,
        start_by: moment_or_none(row, 30)?,
        heartbeat: duration_or_none(row, 31)?,
        unique_key: get(row, 17)?,
        concurrency: concurrency(row, 27)?,
        turn: moment_or_none(row, 29)?,
        throttle_key: get(row, 32)?,
        redrive_of: get(row, 33)?,
        redriven_as: get(row, 34)?,
        attempt_bytes: unsigned(row, 35)?,
        schedule_id: get(row, 18)?,
        progress: json_or_none(row, 19)?,
        result: json_or_none(row, 20)?,
        error: failure(row, 21)?,
        trace: get(row, 23)?,
        owner: get(row, 24)?,
        cancel_acknowledged_at: moment_or_none(row, 25)?,
    })
}

pub(super) fn attempt(row: &Row) -> Result<Attempt> {
    let ends = [
        AttemptEnd::Completed,
        AttemptEnd::Failed,
        AttemptEnd::Cancelled,
        AttemptEnd::Interrupted,
    ];
    let number: usize = small(row, 3)?;
    Ok(Attempt {
        attempt: small(row, 0)?,
        started_at: moment(row, 1)?,
        ended_at: moment(row, 2)?,
        end: *ends.get(number).ok_or_else(|| damaged(row, 3))?,
        error: failure(row, 4)?,
        trace: get(row, 6)?,
    })
}

pub(super) fn schedule(row: &Row) -> Result<Schedule> {
    Ok(Schedule {
        seq: unsigned(row, 0)?,
        id: get(row, 1)?,
        name: get(row, 2)?,
        params: json_or_none(row, 3)?,
        cron: get(row, 4)?,
        timezone: get(row, 5)?,
        catch_up: nth(row, 6, &CatchUp::ALL)?,
        created_at: moment(row, 7)?,
        next_run: moment_or_none(row, 8)?,
        last_run: moment_or_none(row, 9)?,
        cancelled_at: moment_or_none(row, 10)?,
        priority: small(row, 11)?,
        max_attempts: small(row, 12)?,
        backoff: backoff(row, 13)?,
        timeout: duration_or_none(row, 16)?,
        max_elapsed: duration_or_none(row, 17)?,
        overlap: nth(row, 18, &Overlap::ALL)?,
        start_within: duration_or_none(row, 19)?,
        heartbeat: duration_or_none(row, 20)?,
    })
}

pub(super) fn remembered(row: &Row) -> Result<Remembered> {
    let answer = match get::<Option<i64>>(row, 2)? {
        None => None,
        Some(status) => Some(Answer {
            status: u16::try_from(status).map_err(|_| damaged(row, 2))?,
            body: get(row, 3)?,
        }),
    };
    Ok(Remembered {
        fingerprint: get(row, 0)?,
        owner: get(row, 1)?,
        answer,
        expires_at: moment(row, 4)?,
    })
}

pub(super) fn stats(row: &Row) -> Result<Stats> {
    Ok(Stats {
        event_floor: unsigned(row, 0)?,
        change_floor: unsigned(row, 1)?,
        keys: unsigned(row, 2)?,
        events: unsigned(row, 3)?,
        jobs_live: unsigned(row, 4)?,
        jobs_ended: unsigned(row, 5)?,
        bytes: unsigned(row, 6)?,
        kept: kept_bytes(row, 7)?,
        full: false,
    })
}

/// The bytes of events, changes and ended jobs, in three columns.
pub(super) fn kept_bytes(row: &Row, column: usize) -> Result<Kept> {
    Ok(Kept {
        events: unsigned(row, column)?,
        changes: unsigned(row, column + 1)?,
        jobs: unsigned(row, column + 2)?,
    })
}

pub(super) fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Result<T> {
    row.try_get(column).map_err(|error| Fault::Damaged(Box::new(error)))
}

pub(super) fn unsigned(row: &Row, column: usize) -> Result<u64> {
    get::<i64>(row, column).map(i64::cast_unsigned)
}

/// A number as PostgreSQL keeps it: the same 64 bits, signed. Sequences and counts never reach the sign.
pub(super) fn signed(number: u64) -> i64 {
    number.cast_signed()
}

/// A count of rows to ask for.
pub(super) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// A sequence to compare with; one that cannot exist compares as the highest.
pub(super) fn place(seq: Seq) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
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

pub(super) fn json_text(json: &Option<Json>) -> Option<&str> {
    json.as_ref().map(Json::text)
}

/// A status as the schema lists them; the order is that of [`JobStatus::ALL`].
pub(super) fn status_number(status: JobStatus) -> i64 {
    let place = JobStatus::ALL.iter().position(|each| *each == status);
    limit(place.expect("every status is among all"))
}

/// An ending as the schema lists them.
pub(super) fn end_number(end: AttemptEnd) -> i64 {
    match end {
        AttemptEnd::Completed => 0,
        AttemptEnd::Failed => 1,
        AttemptEnd::Cancelled => 2,
        AttemptEnd::Interrupted => 3,
    }
}

/// The one of `all` that a column numbers.
fn nth<T: Copy>(row: &Row, column: usize, all: &[T]) -> Result<T> {
    let place: usize = small(row, column)?;
    all.get(place).copied().ok_or_else(|| damaged(row, column))
}

fn small<T: TryFrom<i64>>(row: &Row, column: usize) -> Result<T> {
    T::try_from(get(row, column)?).map_err(|_| damaged(row, column))
}

pub(super) fn moment(row: &Row, column: usize) -> Result<DateTime<Utc>> {
    moment_or_none(row, column)?.ok_or_else(|| damaged(row, column))
}

pub(super) fn moment_or_none(row: &Row, column: usize) -> Result<Option<DateTime<Utc>>> {
    let millis: Option<i64> = get(row, column)?;
    let moment = |millis| DateTime::from_timestamp_millis(millis).ok_or_else(|| damaged(row, column));
    millis.map(moment).transpose()
}

fn duration_or_none(row: &Row, column: usize) -> Result<Option<Duration>> {
    let millis: Option<i64> = get(row, column)?;
    Ok(millis.map(|millis| Duration::from_millis(millis.cast_unsigned())))
}

fn concurrency(row: &Row, column: usize) -> Result<Option<Concurrency>> {
    let key: Option<String> = get(row, column)?;
    Ok(match key {
        None => None,
        Some(key) => Some(Concurrency {
            key,
            limit: small(row, column + 1)?,
        }),
    })
}

fn backoff(row: &Row, column: usize) -> Result<Backoff> {
    Ok(Backoff {
        base: unsigned(row, column)?,
        factor: get(row, column + 1)?,
        cap: unsigned(row, column + 2)?,
    })
}

fn failure(row: &Row, column: usize) -> Result<Option<JobFailure>> {
    let message: Option<String> = get(row, column)?;
    Ok(match message {
        None => None,
        Some(message) => Some(JobFailure {
            message,
            stack: get(row, column + 1)?,
        }),
    })
}

fn status(row: &Row, column: usize) -> Result<JobStatus> {
    let number: usize = small(row, column)?;
    JobStatus::ALL.get(number).copied().ok_or_else(|| damaged(row, column))
}

fn json(row: &Row, column: usize) -> Result<Json> {
    json_or_none(row, column)?.ok_or_else(|| damaged(row, column))
}

fn json_or_none(row: &Row, column: usize) -> Result<Option<Json>> {
    let text: Option<String> = get(row, column)?;
    text.map(Json::from_checked)
        .transpose()
        .map_err(|error| Fault::Damaged(Box::new(error)))
}

fn damaged(row: &Row, column: usize) -> Fault {
    let name = row.columns().get(column).map_or("?", |column| column.name());
    Fault::Damaged(format!("the column {name} holds what this program does not write").into())
}
