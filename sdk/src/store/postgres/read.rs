//! The questions that a store is asked, as statements. Each is one, so it sees one moment.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::query::{Query, number, number_or_null, text, text_or_null};
use super::row::{
    attempt_columns, change_columns, entry_columns, event_columns, job_columns, limit, millis, place,
    remembered_columns, schedule_columns, status_number,
};
use crate::name::{Prefix, TopicFilter};
use crate::store::{ChangeQuery, Direction, EventQuery, JobQuery, Scan};

pub(super) fn get<'a>(namespace: &'a str, key: &'a str) -> Query<'a> {
    let sql = concat!(
        "SELECT ",
        entry_columns!(),
        " FROM {s}.state WHERE ns = $1 AND key = $2"
    );
    Query::new(sql, [text(namespace), text(key)])
}

/// `end` is the first text after all keys under the prefix, from [`end_of`]; the empty prefix has none.
pub(super) fn scan<'a>(scan: &'a Scan, end: Option<&'a str>, now: DateTime<Utc>) -> Query<'a> {
    let prefix = scan.prefix.as_str();
    let from = scan.after.as_deref().map_or(prefix, |after| after.max(prefix));
    let sql = format!(
        concat!(
            "SELECT ",
            entry_columns!(),
            " FROM {{s}}.state WHERE ns = $1 AND key >= $2 AND $3 {} AND key IS DISTINCT FROM $4 \
             AND (expires_at IS NULL OR expires_at > $5) ORDER BY key LIMIT $6"
        ),
        before(end)
    );
    let values = [
        text(&scan.namespace),
        text(from),
        text_or_null(end),
        text_or_null(scan.after.as_deref()),
        number(millis(now)),
        number(limit(scan.limit)),
    ];
    Query::new(sql, values)
}

pub(super) fn changes<'a>(query: &'a ChangeQuery, end: Option<&'a str>) -> Query<'a> {
    let sql = format!(
        concat!(
            "SELECT ",
            change_columns!(),
            " FROM {{s}}.change WHERE seq > $1 AND ns = $2 AND key >= $3 AND $4 {} ORDER BY seq LIMIT $5"
        ),
        before(end)
    );
    let values = [
        number(place(query.after)),
        text(&query.namespace),
        text(query.prefix.as_str()),
        text_or_null(end),
        number(limit(query.limit)),
    ];
    Query::new(sql, values)
}

pub(super) fn events(query: &EventQuery) -> Query<'_> {
    // The exact form walks the index by topic; the other two walk the log, which is what a reader at its tail wants.
    let (filter, topic) = match &query.filter {
        TopicFilter::All => ("$5 = ''", ""),
        TopicFilter::Exact(topic) => ("topic = $5", topic.as_str()),
        TopicFilter::Prefix(prefix) => ("starts_with(topic, $5)", prefix.as_str()),
    };
    let order = match query.direction {
        Direction::Forward => "ASC",
        Direction::Backward => "DESC",
    };
    let sql = format!(
        concat!(
            "SELECT ",
            event_columns!(),
            " FROM {{s}}.event WHERE seq > $1 AND seq < $2 AND at > $3 AND {} ORDER BY seq {} LIMIT $4"
        ),
        filter, order
    );
    let values = [
        number(place(query.after)),
        number(query.before.map_or(i64::MAX, place)),
        number(query.since.map_or(i64::MIN, millis)),
        number(limit(query.limit)),
        text(topic),
    ];
    Query::new(sql, values)
}

pub(super) fn event(id: &str) -> Query<'_> {
    let sql = concat!("SELECT ", event_columns!(), " FROM {s}.event WHERE id = $1");
    Query::new(sql, [text(id)])
}

pub(super) fn job(id: &str) -> Query<'_> {
    let sql = concat!("SELECT ", job_columns!(), " FROM {s}.job WHERE id = $1");
    Query::new(sql, [text(id)])
}

pub(super) fn jobs(query: &JobQuery) -> Query<'_> {
    let sql = format!(
        concat!(
            "SELECT ",
            job_columns!(),
            " FROM {{s}}.job WHERE seq < $1 AND $2 {} AND $3 {} AND $4 {} ORDER BY seq DESC LIMIT $5"
        ),
        if query.status.is_some() { "= status" } else { "IS NULL" },
        if query.name.is_some() { "= name" } else { "IS NULL" },
        if query.schedule_id.is_some() {
            "= schedule_id"
        } else {
            "IS NULL"
        },
    );
    let values = [
        number(query.before.map_or(i64::MAX, place)),
        number_or_null(query.status.map(status_number)),
        text_or_null(query.name.as_deref()),
        text_or_null(query.schedule_id.as_deref()),
        number(limit(query.limit)),
    ];
    Query::new(sql, values)
}

pub(super) fn unbegun(most: usize) -> Query<'static> {
    let sql = concat!(
        "SELECT ",
        job_columns!(),
        " FROM {s}.job WHERE status <= 1 AND attempt = 0 AND start_by IS NOT NULL ORDER BY start_by, seq LIMIT $1"
    );
    Query::new(sql, [number(limit(most))])
}

pub(super) fn attempts(job: &str) -> Query<'_> {
    let sql = concat!(
        "SELECT ",
        attempt_columns!(),
        " FROM {s}.attempt WHERE job = (SELECT seq FROM {s}.job WHERE id = $1) ORDER BY attempt"
    );
    Query::new(sql, [text(job)])
}

pub(super) fn schedule(id: &str) -> Query<'_> {
    let sql = concat!("SELECT ", schedule_columns!(), " FROM {s}.schedule WHERE id = $1");
    Query::new(sql, [text(id)])
}

pub(super) fn schedules() -> Query<'static> {
    let sql = concat!(
        "SELECT ",
        schedule_columns!(),
        " FROM {s}.schedule WHERE cancelled_at IS NULL ORDER BY seq"
    );
    Query::new(sql, [])
}

pub(super) fn remembered<'a>(scope: &'a str, key: &'a str, now: DateTime<Utc>) -> Query<'a> {
    let sql = concat!(
        "SELECT ",
        remembered_columns!(),
        " FROM {s}.remembered WHERE scope = $1 AND key = $2 AND expires_at > $3"
    );
    Query::new(sql, [text(scope), text(key), number(millis(now))])
}

/// In the order of [`Stats`](crate::store::Stats)'s fields.
pub(super) fn stats(now: DateTime<Utc>) -> Query<'static> {
    let sql = "SELECT event_floor, change_floor, entries - (SELECT count(*) FROM {s}.state \
               WHERE expires_at IS NOT NULL AND expires_at <= $1), events, jobs_live, jobs_ended, \
               (SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::int8 FROM pg_class \
               WHERE relnamespace = '{s}'::regnamespace AND relkind = 'r'), event_bytes, change_bytes, job_bytes \
               FROM {s}.meta WHERE id = 1";
    Query::new(Cow::Borrowed(sql), [number(millis(now))])
}

/// The first text after all keys under a prefix. A prefix ends in `/` or `:`, whose next character is one byte too.
pub(super) fn end_of(prefix: &Prefix) -> Option<String> {
    let mut end = prefix.as_str().to_owned();
    let last = end.pop()?;
    end.push(char::from_u32(u32::from(last) + 1).unwrap_or(char::MAX));
    Some(end)
}

/// How a parameter is compared where there is an end, and where there is none.
fn before(end: Option<&str>) -> &'static str {
    if end.is_some() { "> key" } else { "IS NULL" }
}
