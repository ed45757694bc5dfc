//! What is loaded so that the end of a job of a key can let the next one of it run.

use super::query::{Query, number, text, texts};
use super::row::{job_columns, limit};
use crate::store::turn::PROMOTED_MAX;

/// The first that wait for each key and name, of the keys `ended` gives, one row an end. As many as those ends can promote, even if
/// each of them takes one that waits out of the way. Where nothing waits, one look at an index says so.
macro_rules! turns {
    ($ended:expr, $promoted:literal) => {
        concat!(
            "WITH RECURSIVE ended(key, most) AS (SELECT key, ",
            $promoted,
            " * count(*) FROM (",
            $ended,
            ") ends(key) WHERE EXISTS (SELECT 1 FROM {s}.job WHERE status = 0 AND turn IS NOT NULL) GROUP BY key), \
             waits(key, most, name) AS (\
             SELECT key, most, (SELECT min(j.name) FROM {s}.job j WHERE j.status = 0 AND j.turn IS NOT NULL \
             AND j.concurrency_key = ended.key) FROM ended \
             UNION ALL \
             SELECT key, most, (SELECT min(j.name) FROM {s}.job j WHERE j.status = 0 AND j.turn IS NOT NULL \
             AND j.concurrency_key = waits.key AND j.name > waits.name) FROM waits WHERE name IS NOT NULL) \
             SELECT ",
            job_columns!(),
            " FROM (SELECT first.* FROM waits CROSS JOIN LATERAL (\
             SELECT * FROM {s}.job j WHERE j.status = 0 AND j.turn IS NOT NULL AND j.concurrency_key = waits.key \
             AND j.name = waits.name ORDER BY j.turn, j.seq LIMIT waits.most) first WHERE waits.name IS NOT NULL) turns"
        )
    };
}

/// How many run of each key: as many rows as keys of jobs that run, which are few.
const RUNNING: &str = "SELECT concurrency_key, count(*) FROM {s}.job WHERE status = 2 AND concurrency_key IS NOT NULL \
                       GROUP BY concurrency_key";
const OF_JOBS: &str = turns!(
    "SELECT j.concurrency_key FROM unnest($1) AS e(id) JOIN {s}.job j ON j.id = e.id WHERE j.concurrency_key IS NOT NULL \
     UNION ALL SELECT k COLLATE \"C\" FROM unnest($2) AS k",
    "$3"
);
/// Of the jobs that run for nobody who lives, as the lease finds them.
const OF_ORPHANS: &str = turns!(
    "SELECT j.concurrency_key FROM {s}.job j WHERE j.status = 2 AND j.concurrency_key IS NOT NULL \
     AND j.owner IS DISTINCT FROM $1 AND NOT EXISTS (\
     SELECT 1 FROM {s}.worker w WHERE w.incarnation = j.owner AND w.gone_at IS NULL)",
    "$2"
);

/// How many run of each key.
pub(super) fn running() -> Query<'static> {
    Query::new(RUNNING, [])
}

/// Who may be promoted where these jobs end, an id an end, and jobs of these keys that are made by the same group.
pub(super) fn of_jobs<'b>(ends: impl Iterator<Item = &'b str>, keys: impl Iterator<Item = &'b str>) -> Query<'b> {
    Query::new(OF_JOBS, [texts(ends), texts(keys), number(limit(PROMOTED_MAX))])
}

/// Who may be promoted where the jobs of the dead are taken from them.
pub(super) fn of_orphans(owner: &str) -> Query<'_> {
    Query::new(OF_ORPHANS, [text(owner), number(limit(PROMOTED_MAX))])
}
