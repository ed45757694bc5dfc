//! Leases: one row a process incarnation, told alive by the database's clock alone.
//!
//! A worker's row is renewed with every commit and every few seconds. The jobs of one that was not seen for its lease are taken
//! from it in the transaction that marks it gone, so that nobody who is merely slow finds half of its jobs elsewhere. The row of an
//! incarnation that turns out to live is renewed like any other: its attempts are fenced by their numbers.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::failure::Fault;
use super::link::{Link, Rows};
use super::query::{Query, Schema, Value, number, text};
use super::row::{self, get, job_columns};
use crate::store::Job;
use crate::store::memory::State;

/// Between renewals, each of which looks for the dead as well: three fit into a lease, so that one that is lost costs nothing.
///
/// A process that is killed just after it renewed is found by the first beat of another past its lease. So its jobs run elsewhere after
/// [`TTL`] and one of these at most, 13 s, and two more are left of the 15 s that are promised for a commit which takes them and one which starts them.
/// Shorter, a pause of a machine or of a managed database would be taken for a death more often, and every idle process would ask more often.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(3);
/// How long a worker that was not seen is believed to live.
pub(super) const TTL: Duration = Duration::from_secs(10);
/// How long after its last renewal a worker stops by itself, three seconds before others take its jobs. A renewal that hangs for its
/// deadline and the try after it come before: 3 s, 2 s and 1 s.
pub(super) const FENCE: Duration = Duration::from_secs(7);
/// How long the row of a worker that is gone is kept, for whoever looks into what happened.
const KEPT: Duration = Duration::from_secs(86_400);

const RENEW: &str = "INSERT INTO {s}.worker (incarnation, seen_at, commits) VALUES ($1, clock_timestamp(), $2) \
                     ON CONFLICT (incarnation) DO UPDATE SET seen_at = clock_timestamp(), gone_at = NULL, \
                     commits = excluded.commits";
/// Comes to life, or back to it; tells the number of its last commit.
const ARRIVE: &str = "INSERT INTO {s}.worker (incarnation, seen_at, commits) VALUES ($1, clock_timestamp(), 0) \
                      ON CONFLICT (incarnation) DO UPDATE SET seen_at = clock_timestamp(), gone_at = NULL \
                      RETURNING commits";
const LEAVE: &str = "UPDATE {s}.worker SET gone_at = clock_timestamp() WHERE incarnation = $1";
/// Who holds a lease, by the database's clock.
const ALIVE: &str = "SELECT 1 FROM {s}.worker WHERE incarnation = $1 AND gone_at IS NULL \
                     AND seen_at >= clock_timestamp() - $2 * interval '1 millisecond'";
const COMMITS: &str = "SELECT commits FROM {s}.worker WHERE incarnation = $1";
/// Marks the dead. One that renews itself at this moment holds its row, and is not dead.
const BURY: &str = "UPDATE {s}.worker SET gone_at = clock_timestamp() WHERE incarnation IN (\
                    SELECT incarnation FROM {s}.worker WHERE gone_at IS NULL AND incarnation <> $1 \
                    AND seen_at < clock_timestamp() - $2 * interval '1 millisecond' \
                    ORDER BY incarnation FOR UPDATE SKIP LOCKED)";
/// Jobs that run for nobody who lives.
const ORPHANS: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM {s}.job j WHERE j.status = 2 AND j.owner IS DISTINCT FROM $1 AND NOT EXISTS (\
     SELECT 1 FROM {s}.worker w WHERE w.incarnation = j.owner AND w.gone_at IS NULL) ORDER BY j.seq"
);
const FORGET: &str = "DELETE FROM {s}.worker w WHERE w.gone_at < clock_timestamp() - $1 * interval '1 millisecond' \
                      AND NOT EXISTS (SELECT 1 FROM {s}.job j WHERE j.status = 2 AND j.owner = w.incarnation)";
/// Renews a lease between commits; `{me}` stands for the parameter that names who.
pub(super) const BEAT: &str =
    "UPDATE {s}.worker SET seen_at = clock_timestamp(), gone_at = NULL WHERE incarnation = {me} RETURNING 1";
/// Whether there is anything for [`BURY`] or [`ORPHANS`] to find; `$1` is the lease, `{me}` as in [`BEAT`].
pub(super) const DEATHS: &str = "EXISTS (SELECT 1 FROM {s}.worker WHERE gone_at IS NULL AND incarnation <> {me} \
                                 AND seen_at < clock_timestamp() - $1 * interval '1 millisecond') \
                                 OR EXISTS (SELECT 1 FROM {s}.job j WHERE j.status = 2 AND j.owner IS DISTINCT FROM {me} \
                                 AND NOT EXISTS (SELECT 1 FROM {s}.worker w WHERE w.incarnation = j.owner AND w.gone_at IS NULL))";

/// Renews a lease inside a commit, under that commit's number.
pub(super) fn renew(owner: &str, commit: i64) -> Query<'_> {
    Query::new(RENEW, [text(owner), number(commit)])
}

/// A row where an incarnation holds a lease.
pub(super) fn alive(owner: &str) -> Query<'_> {
    Query::new(ALIVE, [text(owner), millis(TTL)])
}

/// The number of an incarnation's last commit.
pub(super) fn commits(owner: &str) -> Query<'_> {
    Query::new(COMMITS, [text(owner)])
}

/// The number in the answer of [`commits`]; 0 where the incarnation is not known.
pub(super) fn read_commits(rows: &Rows) -> Result<i64, Fault> {
    rows.first().map_or(Ok(0), |row| get(row, 0))
}

/// Says that an incarnation lives.
pub(super) async fn arrive(link: &Link, schema: &Schema, owner: &str, deadline: Duration) -> Result<i64, Fault> {
    read_commits(&link.query(schema, Query::new(ARRIVE, [text(owner)]), deadline).await?)
}

/// Says that an incarnation is gone; whoever finds its jobs takes them.
pub(super) async fn leave(link: &Link, schema: &Schema, owner: &str, deadline: Duration) -> Result<(), Fault> {
    link.query(schema, Query::new(LEAVE, [text(owner)]), deadline)
        .await
        .map(drop)
}

/// The queries that mark the dead, find their jobs, and forget those who died long ago; for who holds the lock on the numbers.
pub(super) fn bury(owner: &str) -> [Query<'_>; 3] {
    [
        Query::new(BURY, [text(owner), millis(TTL)]),
        Query::new(ORPHANS, [text(owner)]),
        Query::new(FORGET, [millis(KEPT)]),
    ]
}

/// A duration for `interval '1 millisecond'`, which multiplies with a real number.
pub(super) fn millis(duration: Duration) -> Value<'static> {
    super::query::real(duration.as_secs_f64() * 1_000.0)
}

/// Takes the jobs of the dead from them in a state that holds whom their ends may promote; says how many.
pub(super) fn interrupt(state: &mut State, orphans: &Rows, at: DateTime<Utc>) -> Result<(State, usize), Fault> {
    let jobs: Vec<Job> = orphans.iter().map(row::job).collect::<Result<_, _>>()?;
    for job in &jobs {
        state.jobs.put(job.id.clone(), job.clone());
    }
    let before = state.clone();
    let count = jobs.len();
    for job in jobs {
        state.interrupt(job, at);
    }
    if count > 0 {
        state.marks.heads.jobs += 1;
        state.marks.heads.job_updates += 1;
    }
    Ok((before, count))
}
