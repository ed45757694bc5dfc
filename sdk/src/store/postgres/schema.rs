//! The schema of a service: made where there is none, migrated step by step where it is old, while an older version may still run.
//!
//! A step only adds (expand); what it makes needless is dropped by a later release's step (contract), which says in `needs` the
//! oldest program that can live with it. So old and new run side by side during a redeploy, and a program that is too old for what
//! it finds refuses with a sentence.

use std::time::Duration;

use super::failure::Fault;
use super::pool::Pool;
use super::query::{Query, Schema, number, text};
use super::row::get;
use crate::store::{Error, Result};

/// A step from one version of the schema to the next.
struct Migration {
    sql: &'static str,
    /// The version that a program must know at least to use the schema after this step.
    needs: i64,
}

/// Each entry brings a schema from one version to the next.
const MIGRATIONS: &[Migration] = &[
    Migration {
        sql: include_str!("schema_1.sql"),
        needs: 1,
    },
    Migration {
        sql: include_str!("schema_2.sql"),
        needs: 1,
    },
    Migration {
        sql: include_str!("schema_3.sql"),
        needs: 1,
    },
    Migration {
        sql: include_str!("schema_4.sql"),
        needs: 1,
    },
    Migration {
        sql: include_str!("schema_5.sql"),
        needs: 1,
    },
];

/// How long the steps may take together, with the wait for another process that does them.
const DEADLINE: Duration = Duration::from_secs(60);
const DOING: &str = "bringing the schema up to date";

/// Where a schema stands.
struct Found {
    version: i64,
    needs: i64,
}

/// Brings the schema up to date, under a lock, so that replicas that start together do it once.
pub(super) async fn migrate(pool: &Pool, schema: &Schema) -> Result<()> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    check_encoding(pool, schema).await?;
    // Most starts find everything done, and take no lock.
    if let Some(found) = find(pool, schema).await? {
        check(schema, &found, known)?;
        if found.version >= known {
            return Ok(());
        }
    }
    let link = pool.get(DOING).await?;
    let failed = |fault: Fault| fault.into_error(DOING);
    // The steps have their own deadline, and the lock is another process's to let go.
    let begin = "BEGIN; SET LOCAL lock_timeout = '50s'; SET LOCAL statement_timeout = '50s'";
    let lock = Query::new(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
        [text(schema.name())],
    );
    link.pipeline(schema, Some(begin), &[lock], None, DEADLINE)
        .await
        .map_err(failed)?;
    let prepare = "CREATE SCHEMA IF NOT EXISTS {s}; CREATE TABLE IF NOT EXISTS {s}.migration (\
                   version BIGINT PRIMARY KEY, needs BIGINT NOT NULL, at TIMESTAMPTZ NOT NULL DEFAULT now()); \
                   SET LOCAL search_path TO {s}";
    link.run(&schema.fill(prepare), DEADLINE).await.map_err(failed)?;
    let rows = link
        .query(schema, Query::new(VERSION, []), DEADLINE)
        .await
        .map_err(failed)?;
    let found = read(&rows).map_err(failed)?;
    if let Err(refused) = check(schema, &found, known) {
        link.end("ROLLBACK", DEADLINE).await.map_err(failed)?;
        return Err(refused);
    }
    for (version, migration) in (1..)
        .zip(MIGRATIONS)
        .skip(usize::try_from(found.version).unwrap_or(usize::MAX))
    {
        link.run(migration.sql, DEADLINE).await.map_err(failed)?;
        let note = "INSERT INTO {s}.migration (version, needs) VALUES ($1, $2)";
        let note = Query::new(note, [number(version), number(migration.needs)]);
        link.query(schema, note, DEADLINE).await.map_err(failed)?;
    }
    link.end("COMMIT", DEADLINE).await.map_err(failed)
}

const VERSION: &str = "SELECT coalesce(max(version), 0), coalesce(max(needs), 0) FROM {s}.migration";

/// Where the schema stands; `None` where there is none yet.
async fn find(pool: &Pool, schema: &Schema) -> Result<Option<Found>> {
    let link = pool.get(DOING).await?;
    let failed = |fault: Fault| fault.into_error(DOING);
    let exists = Query::new("SELECT to_regclass('{s}.migration') IS NOT NULL", []);
    let rows = link.query(schema, exists, DEADLINE).await.map_err(failed)?;
    match rows
        .first()
        .map(|row| get::<bool>(row, 0))
        .transpose()
        .map_err(failed)?
    {
        Some(true) => {}
        _ => return Ok(None),
    }
    let rows = link
        .query(schema, Query::new(VERSION, []), DEADLINE)
        .await
        .map_err(failed)?;
    read(&rows).map(Some).map_err(failed)
}

fn read(rows: &super::link::Rows) -> Result<Found, Fault> {
    let row = rows
        .first()
        .ok_or_else(|| Fault::Damaged("an aggregate gave no row".into()))?;
    Ok(Found {
        version: get(row, 0)?,
        needs: get(row, 1)?,
    })
}

/// Refuses a schema that a later version has made unfit for this one.
fn check(schema: &Schema, found: &Found, known: i64) -> Result<()> {
    if found.needs <= known {
        return Ok(());
    }
    Err(Error::Unusable(format!(
        "the schema {} is at version {} and needs a program that knows version {} at least; this one knows {known}: \
         deploy the newer version that migrated it, or restore a backup from before",
        schema.name(),
        found.version,
        found.needs,
    )))
}

/// Keys and values are any text, which only one encoding holds.
async fn check_encoding(pool: &Pool, schema: &Schema) -> Result<()> {
    let link = pool.get(DOING).await?;
    let failed = |fault: Fault| fault.into_error(DOING);
    let ask = Query::new(
        "SELECT current_setting('server_encoding'), current_database()::text",
        [],
    );
    let rows = link.query(schema, ask, DEADLINE).await.map_err(failed)?;
    let Some(row) = rows.first() else { return Ok(()) };
    let (encoding, name): (String, String) = (get(row, 0).map_err(failed)?, get(row, 1).map_err(failed)?);
    if encoding == "UTF8" {
        return Ok(());
    }
    Err(Error::Unusable(format!(
        "the database {name} is in {encoding}, which does not hold every text; create one WITH ENCODING 'UTF8' TEMPLATE template0"
    )))
}
