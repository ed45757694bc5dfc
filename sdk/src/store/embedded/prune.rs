//! What retention drops from the tables, a bounded slice at a time.

use chrono::{DateTime, Utc};
use rusqlite::{Result, params};

use super::apply::Tables;
use super::row::{change_bytes, event_bytes, job_bytes, limit, millis, moment_or_none, unsigned};
use crate::store::retention::Horizon;
use crate::store::{Retention, rules};

impl Tables<'_> {
    pub(super) fn prune(&mut self, retention: &Retention, at: DateTime<Utc>) -> Result<u64> {
        let slice = limit(usize::try_from(retention.slice).unwrap_or(usize::MAX));
        let entries = self.prune_entries(slice, at)?;
        let changes = self.prune_changes(retention, slice, at)?;
        let events = self.prune_events(retention, slice, at)?;
        let jobs = self.prune_jobs(retention, slice, at)?;
        let schedules = self.prune_schedules(retention, slice, at)?;
        let remembered = self.prune_remembered(slice, at)?;
        Ok(entries + changes + events + jobs + schedules + remembered)
    }

    fn prune_entries(&mut self, slice: i64, at: DateTime<Utc>) -> Result<u64> {
        let expired: Vec<(String, String)> = self
            .conn
            .prepare_cached(
                "SELECT ns, key FROM state WHERE expires_at IS NOT NULL AND expires_at <= ?1 \
                 ORDER BY expires_at, ns, key LIMIT ?2",
            )?
            .query_map(params![millis(at), slice], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_>>()?;
        for (namespace, key) in &expired {
            self.remove_entry(namespace, key, at)?;
        }
        Ok(expired.len() as u64)
    }

    fn prune_changes(&mut self, retention: &Retention, slice: i64, at: DateTime<Utc>) -> Result<u64> {
        let horizon = Horizon::of_changes(self.counters.changes, self.counters.kept, retention, at);
        let oldest = concat!(
            "SELECT seq, at, ",
            change_bytes!(),
            " FROM change ORDER BY seq LIMIT ?1"
        );
        let (head, bytes) = self.head(oldest, slice, horizon)?;
        let Some(last) = head.last() else { return Ok(0) };
        self.conn
            .prepare_cached("DELETE FROM change WHERE seq <= ?1")?
            .execute([last])?;
        self.counters.changes -= head.len() as u64;
        self.counters.kept.changes = self.counters.kept.changes.saturating_sub(bytes);
        self.counters.change_floor = last.cast_unsigned();
        Ok(head.len() as u64)
    }

    fn prune_events(&mut self, retention: &Retention, slice: i64, at: DateTime<Utc>) -> Result<u64> {
        let horizon = Horizon::of_events(self.counters.events, self.counters.kept, retention, at);
        let oldest = concat!("SELECT seq, at, ", event_bytes!(), " FROM event ORDER BY seq LIMIT ?1");
        let (head, bytes) = self.head(oldest, slice, horizon)?;
        let Some(last) = head.last() else { return Ok(0) };
        self.conn
            .prepare_cached("DELETE FROM event WHERE seq <= ?1")?
            .execute([last])?;
        self.counters.events -= head.len() as u64;
        self.counters.kept.events = self.counters.kept.events.saturating_sub(bytes);
        self.counters.event_floor = last.cast_unsigned();
        Ok(head.len() as u64)
    }

    fn prune_jobs(&mut self, retention: &Retention, slice: i64, at: DateTime<Utc>) -> Result<u64> {
        let horizon = Horizon::of_jobs(self.counters.jobs_ended, self.counters.kept, retention, at);
        let ended = concat!(
            "SELECT seq, completed_at, ",
            job_bytes!(),
            " FROM job INDEXED BY job_ended WHERE status >= 3 ORDER BY completed_at, seq LIMIT ?1"
        );
        let (gone, bytes) = self.head(ended, slice, horizon)?;
        let mut attempts = self.conn.prepare_cached("DELETE FROM attempt WHERE job = ?1")?;
        let mut job = self.conn.prepare_cached("DELETE FROM job WHERE seq = ?1")?;
        for seq in &gone {
            attempts.execute([seq])?;
            job.execute([seq])?;
        }
        self.counters.jobs_ended -= gone.len() as u64;
        self.counters.kept.jobs = self.counters.kept.jobs.saturating_sub(bytes);
        Ok(gone.len() as u64)
    }

    fn prune_schedules(&self, retention: &Retention, slice: i64, at: DateTime<Utc>) -> Result<u64> {
        let Some(cutoff) = rules::cutoff(at, retention.job_age) else {
            return Ok(0);
        };
        let dropped = self
            .conn
            .prepare_cached(
                "DELETE FROM schedule WHERE seq IN \
                 (SELECT seq FROM schedule WHERE cancelled_at < ?1 ORDER BY cancelled_at, seq LIMIT ?2)",
            )?
            .execute(params![millis(cutoff), slice])?;
        Ok(dropped as u64)
    }

    fn prune_remembered(&self, slice: i64, at: DateTime<Utc>) -> Result<u64> {
        let dropped = self
            .conn
            .prepare_cached(
                "DELETE FROM remembered WHERE (scope, key) IN \
                 (SELECT scope, key FROM remembered WHERE expires_at <= ?1 ORDER BY expires_at, scope, key LIMIT ?2)",
            )?
            .execute(params![millis(at), slice])?;
        Ok(dropped as u64)
    }

    /// The sequences at the head of a log that a horizon takes, and their bytes.
    fn head(&self, select: &str, slice: i64, mut horizon: Horizon) -> Result<(Vec<i64>, u64)> {
        let mut select = self.conn.prepare_cached(select)?;
        let mut rows = select.query([slice])?;
        let (mut head, mut sum) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let at = moment_or_none(row, 1)?.unwrap_or(DateTime::<Utc>::MIN_UTC);
            let bytes = unsigned(row, 2)?;
            if !horizon.takes(at, bytes) {
                break;
            }
            head.push(row.get(0)?);
            sum += bytes;
        }
        Ok((head, sum))
    }
}
