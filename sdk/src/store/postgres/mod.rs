//! PostgreSQL: a schema a service, shared by the service's replicas.
//!
//! An acknowledged commit is on the database's disk. Each store has one writer, which puts all batches that wait into one
//! transaction of two round trips: it locks the schema's row of numbers and loads the rows that the batches may touch, lets the
//! [model](super::memory) apply them, and writes back what changed. So the rules are written once, and the commits of all
//! replicas have one order without gaps. Reads go by their own connections.
//!
//! Each store has a lease, renewed by commits and by a heartbeat; jobs of one whose lease has ended run elsewhere. While the
//! database is away commits answer [`Error::Unavailable`] and go on when it is back; a commit during which it was lost is looked
//! up, and where that cannot be it answers [`Error::InDoubt`].

mod database;
mod failure;
mod group;
mod lease;
mod link;
mod listen;
mod load;
mod member;
mod meta;
mod notify;
mod pool;
mod prune;
mod query;
mod read;
mod row;
mod schema;
mod target;
mod tls;
mod transfer;
mod turns;
mod write;
mod write_jobs;
mod writer;

#[cfg(any(test, feature = "testing"))]
pub mod cluster;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_postgres::Row;

pub use database::Database;
pub use target::Target;

use crate::clock::Clock;
use crate::policy::{Backoff, jitter};
use crate::store::{
    Attempt, Batch, Change, ChangeQuery, Entry, Error, Event, EventQuery, Heads, Job, JobQuery, Outcome, Remembered,
    Result, Scan, Schedule, Stats, Store, rules,
};
use failure::{Fault, chain};
use link::Rows;
use member::Member;
use query::{Query, Schema};
use writer::{Commit, Message, Tally, Writer};

/// How long a read may take; a request's own deadline is as long.
const READ_MAX: Duration = Duration::from_secs(5);
/// How long a database that is away is waited for when a store is opened: a server that restarts is back within it, and who
/// starts a service against the wrong address learns it before losing patience.
const OPEN_MAX: Duration = Duration::from_secs(10);
const OPEN_AGAIN: Backoff = Backoff::doubling(Duration::from_millis(100), Duration::from_secs(1));

/// What a store is opened with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The schema, made where there is none: 1 to 63 lower case letters, digits and underscores, a letter first.
    pub schema: String,
    /// Tells what has expired, for reads; a commit goes by its batch's moment. Leases go by the database's clock.
    pub clock: Clock,
    /// This process incarnation. Jobs that one which is gone or dead left running are queued again.
    pub owner: String,
}

/// The store in PostgreSQL; see the [module](self).
pub struct Postgres {
    database: Database,
    member: Arc<Member>,
    clock: Clock,
    closing: AtomicBool,
    heads: watch::Receiver<Heads>,
    tally: Arc<Tally>,
    writes: mpsc::Sender<Message>,
    ended: watch::Receiver<()>,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Postgres({} of {})",
            self.member.schema.name(),
            self.database.place()
        )
    }
}

impl Postgres {
    /// Opens a store, making or migrating its schema. A database that is away is waited for, some seconds long.
    ///
    /// # Errors
    /// [`Error::Unusable`] with a sentence that says what to do where the database cannot be reached or does not let us in, where
    /// a newer version has made the schema unfit for this one, and where its encoding is not UTF-8.
    pub async fn open(database: &Database, options: Options) -> Result<Self> {
        let begun = Instant::now();
        for failure in 1.. {
            match Self::try_open(database, &options).await {
                Err(Error::Unavailable { source, .. }) if begun.elapsed() > OPEN_MAX => {
                    return Err(Error::Unusable(format!(
                        "PostgreSQL at {} cannot be reached: {}; start it, or correct the host and port of DATABASE_URL",
                        database.place(),
                        chain(&*source)
                    )));
                }
                Err(Error::Unavailable { .. }) => tokio::time::sleep(OPEN_AGAIN.wait(failure, jitter())).await,
                other => return other,
            }
        }
        Err(Error::Closed)
    }

    async fn try_open(database: &Database, options: &Options) -> Result<Self> {
        const DOING: &str = "opening the store";
        let schema = Schema::new(&options.schema).map_err(Error::Unusable)?;
        let hub = &database.0;
        schema::migrate(&hub.pool, &schema).await?;
        let begun = Instant::now();
        let failed = |fault: Fault| fault.into_error(DOING);
        let (number, heads) = {
            let heads = format!("SELECT {} {}", meta::HEAD_COLUMNS, meta::FROM_META);
            let link = hub.pool.get(DOING).await?;
            let number = lease::arrive(&link, &schema, &options.owner, READ_MAX)
                .await
                .map_err(failed)?;
            let rows = link
                .query(&schema, Query::new(heads, []), READ_MAX)
                .await
                .map_err(failed)?;
            let row = rows
                .first()
                .ok_or_else(|| failed(Fault::Damaged("the row of meta is not there".into())))?;
            (number, meta::heads(row, 0).map_err(failed)?)
        };
        let (tell, published) = watch::channel(heads);
        let (writes, queue) = mpsc::channel(writer::QUEUE_MAX);
        let (alive, ended) = watch::channel(());
        let member = Arc::new(Member::new(
            schema,
            options.owner.clone(),
            writes.downgrade(),
            tell,
            begun,
        ));
        let tally = Arc::<Tally>::default();
        let mut writer = Writer {
            hub: Arc::clone(hub),
            member: Arc::clone(&member),
            clock: options.clock.clone(),
            tally: Arc::clone(&tally),
            number,
            doubts: Vec::new(),
            held: VecDeque::new(),
            _alive: alive,
        };
        writer.reap().await;
        hub.join(&member);
        hub.scope.spawn_graceful("postgres-writer", writer.run(queue));
        Ok(Postgres {
            database: database.clone(),
            member,
            clock: options.clock.clone(),
            closing: AtomicBool::new(false),
            heads: published,
            tally,
            writes,
            ended,
        })
    }

    /// Transactions committed since the store was opened: each is one sync of the database.
    pub fn commits(&self) -> u64 {
        self.tally.transactions.load(Ordering::Relaxed)
    }

    /// Batches that those transactions held, refused ones too; divided by [`commits`](Self::commits) it is the size of a group.
    pub fn batches(&self) -> u64 {
        self.tally.batches.load(Ordering::Relaxed)
    }

    /// Asks, and once more on a new connection where the first had died: reading twice does no harm.
    async fn ask(&self, doing: &'static str, query: Query<'_>) -> Result<Rows> {
        self.check_open(doing)?;
        let schema = &self.member.schema;
        let first = {
            let link = self.database.0.pool.get(doing).await?;
            link.pipeline(schema, None, std::slice::from_ref(&query), None, READ_MAX)
                .await
        };
        let answer = match first {
            Err(Fault::Lost(_)) => {
                let link = self.database.0.pool.get(doing).await?;
                link.pipeline(schema, None, std::slice::from_ref(&query), None, READ_MAX)
                    .await
            }
            other => other,
        };
        let mut answers = answer.map_err(|fault| fault.into_error(doing))?;
        Ok(answers.pop().unwrap_or_default())
    }

    async fn all<T>(
        &self,
        doing: &'static str,
        query: Query<'_>,
        read: fn(&Row) -> Result<T, Fault>,
    ) -> Result<Vec<T>> {
        let rows = self.ask(doing, query).await?;
        let records: Result<Vec<T>, Fault> = rows.iter().map(read).collect();
        records.map_err(|fault| fault.into_error(doing))
    }

    async fn one<T>(
        &self,
        doing: &'static str,
        query: Query<'_>,
        read: fn(&Row) -> Result<T, Fault>,
    ) -> Result<Option<T>> {
        Ok(self.all(doing, query, read).await?.pop())
    }

    fn check_open(&self, doing: &'static str) -> Result<()> {
        if self.closing.load(Ordering::Acquire) {
            return Err(Error::Closed);
        }
        if self.member.is_fenced() {
            return Err(Error::Unavailable {
                doing,
                source: "the lease of this process could not be renewed, so others may have taken its jobs".into(),
            });
        }
        Ok(())
    }

    /// Why the writer does not answer.
    fn gone(&self) -> Error {
        if self.closing.load(Ordering::Acquire) {
            Error::Closed
        } else {
            Error::Poisoned("the store's writer has died".to_owned())
        }
    }
}

impl Store for Postgres {
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Vec<Outcome>>> {
        async move {
            self.check_open(group::DOING)?;
            let (reply, answer) = oneshot::channel();
            let batch = rules::normalised(batch);
            if self
                .writes
                .send(Message::Commit(Commit { batch, reply }))
                .await
                .is_err()
            {
                return Err(self.gone());
            }
            answer.await.unwrap_or_else(|_| Err(self.gone()))
        }
        .boxed()
    }

    fn get<'a>(&'a self, namespace: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>>> {
        async move {
            let now = self.clock.now();
            let entry = self.one("reading a key", read::get(namespace, key), row::entry).await?;
            Ok(entry.filter(|entry| !rules::expired(entry.expires_at, now)))
        }
        .boxed()
    }

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<Entry>>> {
        async move {
            let end = read::end_of(&scan.prefix);
            let query = read::scan(&scan, end.as_deref(), self.clock.now());
            self.all("listing keys", query, row::entry).await
        }
        .boxed()
    }

    fn changes(&self, query: ChangeQuery) -> BoxFuture<'_, Result<Vec<Change>>> {
        async move {
            let end = read::end_of(&query.prefix);
            let query = read::changes(&query, end.as_deref());
            self.all("reading changes", query, row::change).await
        }
        .boxed()
    }

    fn events(&self, query: EventQuery) -> BoxFuture<'_, Result<Vec<Event>>> {
        async move { self.all("reading events", read::events(&query), row::event).await }.boxed()
    }

    fn event<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Event>>> {
        async move { self.one("reading an event", read::event(id), row::event).await }.boxed()
    }

    fn job<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Job>>> {
        async move { self.one("reading a job", read::job(id), row::job).await }.boxed()
    }

    fn jobs(&self, query: JobQuery) -> BoxFuture<'_, Result<Vec<Job>>> {
        async move { self.all("listing jobs", read::jobs(&query), row::job).await }.boxed()
    }

    fn unbegun(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Job>>> {
        async move { self.all("listing jobs", read::unbegun(limit), row::job).await }.boxed()
    }

    fn attempts<'a>(&'a self, job: &'a str) -> BoxFuture<'a, Result<Vec<Attempt>>> {
        async move { self.all("reading attempts", read::attempts(job), row::attempt).await }.boxed()
    }

    fn schedule<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Schedule>>> {
        async move { self.one("reading a schedule", read::schedule(id), row::schedule).await }.boxed()
    }

    fn schedules(&self) -> BoxFuture<'_, Result<Vec<Schedule>>> {
        async move { self.all("listing schedules", read::schedules(), row::schedule).await }.boxed()
    }

    fn remembered<'a>(&'a self, scope: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Remembered>>> {
        async move {
            let query = read::remembered(scope, key, self.clock.now());
            self.one("reading a remembered request", query, row::remembered).await
        }
        .boxed()
    }

    fn lives<'a>(&'a self, owner: &'a str) -> BoxFuture<'a, Result<bool>> {
        async move {
            let alive = self.ask("reading a lease", lease::alive(owner)).await?;
            Ok(!alive.is_empty())
        }
        .boxed()
    }

    fn stats(&self) -> BoxFuture<'_, Result<Stats>> {
        async move {
            let query = read::stats(self.clock.now());
            let stats = self.one("reading sizes", query, row::stats).await?.unwrap_or_default();
            let full = self.tally.full.load(Ordering::Relaxed);
            Ok(Stats { full, ..stats })
        }
        .boxed()
    }

    fn heads(&self) -> watch::Receiver<Heads> {
        self.heads.clone()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            self.closing.store(true, Ordering::Release);
            // A writer that has ended already takes no message, which is as well.
            let _ = self.writes.send(Message::Close).await;
            let mut ended = self.ended.clone();
            while ended.changed().await.is_ok() {}
        }
        .boxed()
    }
}
