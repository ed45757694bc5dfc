//! What retention drops from the tables, a bounded slice at a time. It runs inside a transaction that holds the numbers.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::failure::Fault;
use super::link::{Link, Rows};
use super::load::{self, Kind};
use super::meta::Meta;
use super::query::{Query, Schema, number, numbers};
use super::row::{get, limit, millis, moment, unsigned};
use super::write;
use crate::store::retention::Horizon;
use crate::store::{Retention, rules};

/// Drops one slice of each kind; says how many rows in all.
pub(super) async fn prune(
    link: &Link,
    schema: &Schema,
    meta: &mut Meta,
    retention: &Retention,
    at: DateTime<Utc>,
    deadline: Duration,
) -> Result<u64, Fault> {
    let slice = limit(usize::try_from(retention.slice).unwrap_or(usize::MAX));
    let mut slicer = Slicer {
        link,
        schema,
        slice,
        at,
        deadline,
    };
    let entries = slicer.entries(meta).await?;
    let horizon = Horizon::of_changes(meta.changes, meta.marks.kept, retention, at);
    let oldest = "SELECT seq, at, {s}.kept_bytes(c) FROM {s}.change c ORDER BY seq LIMIT $1";
    let (changes, bytes) = slicer.head(oldest, horizon).await?;
    if let Some(last) = changes.last() {
        slicer
            .ask("DELETE FROM {s}.change WHERE seq <= $1", vec![number(*last)])
            .await?;
        meta.changes = meta.changes.saturating_sub(changes.len() as u64);
        meta.marks.kept.changes = meta.marks.kept.changes.saturating_sub(bytes);
        meta.marks.change_floor = last.cast_unsigned();
    }
    let horizon = Horizon::of_events(meta.events, meta.marks.kept, retention, at);
    let oldest = "SELECT seq, at, {s}.kept_bytes(e) FROM {s}.event e ORDER BY seq LIMIT $1";
    let (events, bytes) = slicer.head(oldest, horizon).await?;
    if let Some(last) = events.last() {
        slicer
            .ask("DELETE FROM {s}.event WHERE seq <= $1", vec![number(*last)])
            .await?;
        meta.events = meta.events.saturating_sub(events.len() as u64);
        meta.marks.kept.events = meta.marks.kept.events.saturating_sub(bytes);
        meta.marks.event_floor = last.cast_unsigned();
    }
    let horizon = Horizon::of_jobs(meta.jobs_ended, meta.marks.kept, retention, at);
    let ended = "SELECT seq, completed_at, {s}.kept_bytes(j) FROM {s}.job j WHERE status >= 3 \
                 ORDER BY completed_at, seq LIMIT $1";
    let (jobs, bytes) = slicer.head(ended, horizon).await?;
    if !jobs.is_empty() {
        let gone = || vec![numbers(jobs.iter().copied())];
        slicer
            .ask("DELETE FROM {s}.attempt WHERE job = ANY($1)", gone())
            .await?;
        slicer.ask("DELETE FROM {s}.job WHERE seq = ANY($1)", gone()).await?;
        meta.jobs_ended = meta.jobs_ended.saturating_sub(jobs.len() as u64);
        meta.marks.kept.jobs = meta.marks.kept.jobs.saturating_sub(bytes);
    }
    let schedules = match rules::cutoff(at, retention.job_age) {
        None => 0,
        Some(cutoff) => {
            let sql = "WITH gone AS (DELETE FROM {s}.schedule WHERE seq IN (SELECT seq FROM {s}.schedule \
                       WHERE cancelled_at < $1 ORDER BY cancelled_at, seq LIMIT $2) RETURNING 1) SELECT count(*) FROM gone";
            slicer.count(sql, vec![number(millis(cutoff)), number(slice)]).await?
        }
    };
    let sql = "WITH gone AS (DELETE FROM {s}.remembered WHERE (scope, key) IN (SELECT scope, key FROM {s}.remembered \
               WHERE expires_at <= $1 ORDER BY expires_at, scope, key LIMIT $2) RETURNING 1) SELECT count(*) FROM gone";
    let remembered = slicer.count(sql, vec![number(millis(at)), number(slice)]).await?;
    Ok(entries + (changes.len() + events.len() + jobs.len()) as u64 + schedules + remembered)
}

struct Slicer<'a> {
    link: &'a Link,
    schema: &'a Schema,
    slice: i64,
    at: DateTime<Utc>,
    deadline: Duration,
}

impl Slicer<'_> {
    async fn ask(&self, sql: &'static str, values: Vec<super::query::Value<'_>>) -> Result<Rows, Fault> {
        self.link
            .query(self.schema, Query::new(sql, values), self.deadline)
            .await
    }

    async fn count(&self, sql: &'static str, values: Vec<super::query::Value<'_>>) -> Result<u64, Fault> {
        let rows = self.ask(sql, values).await?;
        rows.first().map_or(Ok(0), |row| unsigned(row, 0))
    }

    /// Drops expired entries, and tells watchers.
    async fn entries(&mut self, meta: &mut Meta) -> Result<u64, Fault> {
        let sql = "SELECT ns, key, version, revision, updated_at, expires_at FROM {s}.state WHERE expires_at IS NOT NULL \
                   AND expires_at <= $1 ORDER BY expires_at, ns, key LIMIT $2";
        let rows = self.ask(sql, vec![number(millis(self.at)), number(self.slice)]).await?;
        let keys: Vec<(String, String)> = rows
            .iter()
            .map(|row| Ok((get(row, 0)?, get(row, 1)?)))
            .collect::<Result<_, Fault>>()?;
        let mut state = meta.state();
        load::fill(&mut state, Kind::Entries, rows)?;
        let before = state.clone();
        for (namespace, key) in &keys {
            state.remove_entry(namespace, key, self.at);
        }
        let queries = write::queries(&before, &state);
        self.link
            .pipeline(self.schema, None, &queries, None, self.deadline)
            .await?;
        *meta = meta.after(&before, &state);
        Ok(keys.len() as u64)
    }

    /// The sequences at the head of a log that a horizon takes, and their bytes.
    async fn head(&self, sql: &'static str, mut horizon: Horizon) -> Result<(Vec<i64>, u64), Fault> {
        let rows = self.ask(sql, vec![number(self.slice)]).await?;
        let (mut head, mut sum) = (Vec::new(), 0);
        for row in &rows {
            let bytes = unsigned(row, 2)?;
            if !horizon.takes(moment(row, 1)?, bytes) {
                break;
            }
            head.push(get(row, 0)?);
            sum += bytes;
        }
        Ok((head, sum))
    }
}
