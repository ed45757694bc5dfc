//! What a schema holds, taken out in one snapshot and put in by one transaction.

use std::time::Duration;

use tokio_postgres::Row;

use super::failure::Fault;
use super::link::Link;
use super::meta::Meta;
use super::query::{Query, Schema, Value, number, text};
use super::row::{
    self, attempt_columns, change_columns, entry_columns, event_columns, get, job_columns, remembered_columns,
    schedule_columns, signed, unsigned,
};
use super::{Database, Postgres, schema, write};
use crate::store::memory::State;
use crate::store::transfer::{self, Contents, check_fit, not_empty, not_there};
use crate::store::{Attempt, Change, Entry, Event, Job, Remembered, Result, Schedule};

/// How long one page may take, of reading or of writing: what a busy server does in far less.
const DEADLINE: Duration = Duration::from_secs(30);
/// Rows in a page: small ones cost few round trips, and the largest, some values of a request's body each, stay within the gigabyte that a
/// message may have.
const PAGE: usize = 200;

impl Postgres {
    /// What a schema holds at one moment, and its bytes on disk; its replicas may go on meanwhile. Nothing in it is changed.
    ///
    /// # Errors
    /// [`Error::Unusable`](crate::store::Error::Unusable) where there is no such schema, else as reads.
    pub async fn dump(database: &Database, name: &str) -> Result<(Contents, u64)> {
        const DOING: &str = "reading the whole store";
        let schema = Schema::new(name).map_err(crate::store::Error::Unusable)?;
        let failed = |fault: Fault| fault.into_error(DOING);
        let link = database.0.pool.get(DOING).await?;
        let begin = link.begin_snapshot();
        let exists = Query::new("SELECT to_regclass('{s}.meta') IS NOT NULL", []);
        let found = link
            .pipeline(&schema, Some(&begin), &[exists], None, DEADLINE)
            .await
            .map_err(failed)?;
        let found = found.first().and_then(|rows| rows.first());
        let there = found.map_or(Ok(false), |row| get(row, 0)).map_err(failed)?;
        let read = match there {
            true => Some(contents(&link, &schema).await.map_err(failed)?),
            false => None,
        };
        link.end("COMMIT", DEADLINE).await.map_err(failed)?;
        read.ok_or_else(|| not_there(&place(database, &schema)))
    }

    /// Puts contents into a schema that holds nothing yet, making it where there is none: all of them or none.
    ///
    /// # Errors
    /// [`Error::Unusable`](crate::store::Error::Unusable) where the schema holds data or the contents could be no store's, beside
    /// those of [`open`](Self::open).
    pub async fn restore(database: &Database, name: &str, contents: &Contents) -> Result<()> {
        const DOING: &str = "filling the store";
        check_fit(contents)?;
        let schema = Schema::new(name).map_err(crate::store::Error::Unusable)?;
        let failed = |fault: Fault| fault.into_error(DOING);
        schema::migrate(&database.0.pool, &schema).await?;
        let link = database.0.pool.get(DOING).await?;
        let begin = link.begin();
        let rest = Query::new("SELECT EXISTS (SELECT 1 FROM {s}.remembered)", []);
        let found = link
            .pipeline(&schema, Some(&begin), &[Meta::lock(), rest], None, DEADLINE)
            .await
            .map_err(failed)?;
        if !is_empty(&found).map_err(failed)? {
            link.end("ROLLBACK", DEADLINE).await.map_err(failed)?;
            return Err(not_empty(&place(database, &schema)));
        }
        fill(&link, &schema, contents).await.map_err(failed)?;
        link.end("COMMIT", DEADLINE).await.map_err(failed)
    }
}

fn place(database: &Database, schema: &Schema) -> String {
    format!("the schema {} at {}", schema.name(), database.place())
}

fn is_empty(found: &[Vec<Row>]) -> Result<bool, Fault> {
    let [meta, rest] = found else {
        return Err(Fault::Damaged("two questions were not answered twice".into()));
    };
    let remembers = rest.first().map_or(Ok(false), |row| get(row, 0))?;
    Ok(said(&Meta::read(meta)?).is_new() && !remembers)
}

fn said(meta: &Meta) -> transfer::Meta {
    transfer::Meta {
        seq: meta.marks.heads.seq,
        event_head: meta.marks.heads.event,
        change_head: meta.marks.heads.change,
        event_floor: meta.marks.event_floor,
        change_floor: meta.marks.change_floor,
        entries: meta.entries,
        changes: meta.changes,
        events: meta.events,
        jobs_live: meta.jobs_live,
        jobs_ended: meta.jobs_ended,
        kept: meta.marks.kept,
    }
}

/// A table's rows: how a page is asked for, what comes after a row, and how a row is read.
struct Pages<T> {
    select: &'static str,
    after: for<'r> fn(Option<&'r T>) -> Vec<Value<'r>>,
    read: fn(&Row) -> Result<T, Fault>,
}

impl<T> Pages<T> {
    async fn all(self, link: &Link, schema: &Schema) -> Result<Vec<T>, Fault> {
        let mut all: Vec<T> = Vec::new();
        loop {
            let mut values = (self.after)(all.last());
            values.push(number(row::limit(PAGE)));
            let rows = link.query(schema, Query::new(self.select, values), DEADLINE).await?;
            for row in &rows {
                all.push((self.read)(row)?);
            }
            if rows.len() < PAGE {
                return Ok(all);
            }
        }
    }
}

fn after_seq(seq: Option<u64>) -> Vec<Value<'static>> {
    vec![number(signed(seq.unwrap_or_default()))]
}

fn after_pair<'r>(pair: Option<(&'r str, &'r str)>) -> Vec<Value<'r>> {
    let (first, second) = pair.unwrap_or_default();
    vec![text(first), text(second)]
}

/// A page of a table in the order of its key.
macro_rules! page {
    ($columns:ident, $more:literal, $table:literal, $key:literal) => {
        concat!(
            "SELECT ",
            $columns!(),
            $more,
            " FROM {s}.",
            $table,
            " WHERE ",
            $key,
            " > $1 ORDER BY ",
            $key,
            " LIMIT $2"
        )
    };
    ($columns:ident, $more:literal, $table:literal, $first:literal, $second:literal) => {
        concat!(
            "SELECT ",
            $columns!(),
            $more,
            " FROM {s}.",
            $table,
            " WHERE (",
            $first,
            ", ",
            $second,
            ") > ($1, $2) ORDER BY ",
            $first,
            ", ",
            $second,
            " LIMIT $3"
        )
    };
}

async fn contents(link: &Link, schema: &Schema) -> Result<(Contents, u64), Fault> {
    let bytes = "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::int8 FROM pg_class c \
                 JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '{s}' AND c.relkind = 'r'";
    let meta = Meta::read(&link.query(schema, Meta::look(), DEADLINE).await?)?;
    let bytes = link.query(schema, Query::new(bytes, []), DEADLINE).await?;
    let bytes = bytes.first().map_or(Ok(0), |row| unsigned(row, 0))?;
    let entries = Pages::<(String, Entry)> {
        select: page!(entry_columns, ", ns", "state", "ns", "key"),
        after: |row| after_pair(row.map(|(space, entry)| (space.as_str(), entry.key.as_str()))),
        read: |row| Ok((get(row, 6)?, row::entry(row)?)),
    };
    let changes = Pages::<(String, Change)> {
        select: page!(change_columns, ", ns", "change", "seq"),
        after: |row| after_seq(row.map(|(_, change)| change.seq)),
        read: |row| Ok((get(row, 6)?, row::change(row)?)),
    };
    let events = Pages::<Event> {
        select: page!(event_columns, "", "event", "seq"),
        after: |row| after_seq(row.map(|event| event.seq)),
        read: row::event,
    };
    let jobs = Pages::<Job> {
        select: page!(job_columns, "", "job", "seq"),
        after: |row| after_seq(row.map(|job| job.seq)),
        read: row::job,
    };
    let attempts = Pages::<(u64, Attempt)> {
        select: page!(attempt_columns, ", job", "attempt", "job", "attempt"),
        after: |row| {
            let (job, attempt) = row.map_or((0, 0), |(job, attempt)| (*job, attempt.attempt));
            vec![number(signed(job)), number(i64::from(attempt))]
        },
        read: |row| Ok((unsigned(row, 7)?, row::attempt(row)?)),
    };
    let schedules = Pages::<Schedule> {
        select: page!(schedule_columns, "", "schedule", "seq"),
        after: |row| after_seq(row.map(|schedule| schedule.seq)),
        read: row::schedule,
    };
    let remembered = Pages::<(String, String, Remembered)> {
        select: page!(remembered_columns, ", scope, key", "remembered", "scope", "key"),
        after: |row| after_pair(row.map(|(scope, key, _)| (scope.as_str(), key.as_str()))),
        read: |row| Ok((get(row, 5)?, get(row, 6)?, row::remembered(row)?)),
    };
    let rates = Pages::<(String, i64)> {
        select: "SELECT name, next FROM {s}.rate WHERE name > $1 ORDER BY name LIMIT $2",
        after: |row| vec![text(row.map_or("", |(name, _)| name.as_str()))],
        read: |row| Ok((get(row, 0)?, get(row, 1)?)),
    };
    let contents = Contents {
        meta: said(&meta),
        entries: entries.all(link, schema).await?,
        changes: changes.all(link, schema).await?,
        events: events.all(link, schema).await?,
        jobs: jobs.all(link, schema).await?,
        attempts: attempts.all(link, schema).await?,
        schedules: schedules.all(link, schema).await?,
        remembered: remembered.all(link, schema).await?,
        rates: rates.all(link, schema).await?,
    };
    Ok((contents, bytes))
}

/// Writes everything as commits do, a page at a time.
async fn fill(link: &Link, schema: &Schema, contents: &Contents) -> Result<(), Fault> {
    let nothing = State::default();
    for page in pages(contents) {
        let state = page.state();
        let queries = write::queries(&nothing, &state);
        link.pipeline(schema, None, &queries, None, DEADLINE).await?;
    }
    let said = contents.meta;
    let meta = Meta {
        marks: said.marks(),
        entries: said.entries,
        changes: said.changes,
        events: said.events,
        jobs_live: said.jobs_live,
        jobs_ended: said.jobs_ended,
    };
    link.query(schema, meta.save(), DEADLINE).await.map(drop)
}

/// The contents in pieces; attempts are with their jobs, by which they are written.
fn pages(contents: &Contents) -> impl Iterator<Item = Contents> {
    let rest = Contents::default;
    let entries = pieces(&contents.entries, move |entries| Contents { entries, ..rest() });
    let changes = pieces(&contents.changes, move |changes| Contents { changes, ..rest() });
    let events = pieces(&contents.events, move |events| Contents { events, ..rest() });
    let jobs = pieces(&contents.jobs, move |jobs| Contents {
        attempts: of_jobs(contents, &jobs),
        jobs,
        ..rest()
    });
    let schedules = pieces(&contents.schedules, move |schedules| Contents { schedules, ..rest() });
    let remembered = pieces(&contents.remembered, move |remembered| Contents {
        remembered,
        ..rest()
    });
    let rates = pieces(&contents.rates, move |rates| Contents { rates, ..rest() });
    entries
        .chain(changes)
        .chain(events)
        .chain(jobs)
        .chain(schedules)
        .chain(remembered)
        .chain(rates)
}

/// Rows of one kind in pieces of a page.
fn pieces<T: Clone>(rows: &[T], piece: impl Fn(Vec<T>) -> Contents) -> impl Iterator<Item = Contents> {
    rows.chunks(PAGE).map(move |rows| piece(rows.to_vec()))
}

/// The attempts of jobs that follow one another; both are in the order of the jobs' sequences.
fn of_jobs(contents: &Contents, jobs: &[Job]) -> Vec<(u64, Attempt)> {
    let (Some(first), Some(last)) = (jobs.first(), jobs.last()) else {
        return Vec::new();
    };
    let from = contents.attempts.partition_point(|(job, _)| *job < first.seq);
    let to = contents.attempts.partition_point(|(job, _)| *job <= last.seq);
    contents.attempts[from..to].to_vec()
}
