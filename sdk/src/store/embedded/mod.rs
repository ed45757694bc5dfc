//! SQLite in one file, inside the process: the default store.
//!
//! An acknowledged commit has been synced to disk. One thread writes and puts all batches that wait into one transaction;
//! two others read. One process owns a file: a second one is refused with a sentence that says who holds it. Without a
//! path everything is in memory and gone with the store; reads then share the writer's connection.
//!
//! Where the disk is full, commits answer [`Error::Full`] and go on once there is room. Where a sync fails, nothing more
//! is acknowledged until the process is restarted ([`Error::Poisoned`]).

mod apply;
mod claim;
mod counters;
mod failure;
mod jobs;
mod keys;
mod lock;
mod open;
mod orders;
mod prune;
mod read;
mod reader;
mod ready;
mod row;
mod schedules;
mod schema;
mod threads;
mod transfer;
mod writer;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::Clock;
use crate::store::{
    Attempt, Batch, Change, ChangeQuery, Entry, Error, Event, EventQuery, Heads, Job, JobQuery, Outcome, Remembered,
    Result, Scan, Schedule, Stats, Store, rules,
};
use threads::Threads;
use writer::{Commit, Tally, Writer};

/// What a store is opened with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The database file, in a folder that is there; `-wal`, `-shm` and `.lock` files lie beside it. `None` keeps
    /// everything in memory.
    pub path: Option<PathBuf>,
    /// Tells what has expired, for reads; a commit goes by its batch's moment.
    pub clock: Clock,
    /// This process incarnation. Jobs that another one left running are queued again when the store opens.
    pub owner: String,
    /// What the threads' names begin with.
    pub name: String,
}

/// The embedded store; see the [module](self).
#[derive(Debug)]
pub struct Embedded {
    clock: Clock,
    path: Option<PathBuf>,
    closing: AtomicBool,
    heads: watch::Receiver<Heads>,
    tally: Arc<Tally>,
    // The order matters when the store is dropped: without senders the threads end, and the last field waits for them.
    reads: Reads,
    writes: mpsc::Sender<writer::Message>,
    threads: Threads,
}

/// Who reads.
#[derive(Debug)]
enum Reads {
    /// The readers of a file.
    Readers(mpsc::Sender<reader::Message>),
    /// The writer, which has the only connection to a store in memory.
    Writer(mpsc::Sender<writer::Message>),
}

impl Embedded {
    /// Opens a store, making it where there is none. Blocks for some milliseconds: call it where that is allowed.
    ///
    /// # Errors
    /// [`Error::Unusable`] where another process holds the file, a newer version or another program wrote it, or SQLite
    /// does not take a setting that durability needs; [`Error::Full`] and [`Error::Backend`] for what the disk says.
    pub fn open(options: Options) -> Result<Self> {
        let Options {
            path,
            clock,
            owner,
            name,
        } = options;
        let lock = path.as_deref().map(|path| lock::Lock::take(path, &owner)).transpose()?;
        let (conn, counters) = open::writer(path.as_deref(), &owner, clock.now())?;
        let (heads, published) = watch::channel(Heads {
            seq: counters.seq,
            event: counters.event_head,
            change: counters.change_head,
            ..Heads::default()
        });
        let tally = Arc::new(Tally::default());
        let writer = Writer {
            conn,
            counters,
            ready: ready::Ready::default(),
            heads: Some(heads),
            tally: Arc::clone(&tally),
            on_disk: path.is_some(),
            poisoned: None,
            _lock: lock,
        };
        let threads = Threads::default();
        let (writes, queue) = mpsc::channel(writer::QUEUE_MAX);
        let reads = match &path {
            None => Reads::Writer(writes.clone()),
            Some(path) => {
                let (reads, queue) = mpsc::channel(reader::QUEUE_MAX);
                let queue: reader::Queue = Arc::new(queue.into());
                for number in 1..=reader::THREADS {
                    let conn = open::reader(path)?;
                    let queue = Arc::clone(&queue);
                    threads.spawn_reader(format!("{name}-read-{number}"), move || reader::run(&conn, &queue))?;
                }
                Reads::Readers(reads)
            }
        };
        threads.spawn_writer(format!("{name}-write"), move || writer.run(queue))?;
        Ok(Embedded {
            clock,
            path,
            closing: AtomicBool::new(false),
            heads: published,
            tally,
            reads,
            writes,
            threads,
        })
    }

    /// Transactions committed since the store was opened: each is one sync.
    pub fn commits(&self) -> u64 {
        self.tally.transactions.load(Ordering::Relaxed)
    }

    /// Batches that those transactions held, refused ones too; divided by [`commits`](Self::commits) it is the size of a
    /// group.
    pub fn batches(&self) -> u64 {
        self.tally.batches.load(Ordering::Relaxed)
    }

    /// Asks a reader and waits for its answer without blocking.
    fn read<'a, T, R>(&'a self, doing: &'static str, read: R) -> BoxFuture<'a, Result<T>>
    where
        T: Send + 'static,
        R: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let read: reader::Read = Box::new(move |conn| {
            if !reply.is_closed() {
                // Who has gone meanwhile does not mind.
                let _ = reply.send(read(conn));
            }
        });
        async move {
            if self.closing.load(Ordering::Acquire) {
                return Err(Error::Closed);
            }
            let sent = match &self.reads {
                Reads::Readers(reads) => reads.send(reader::Message::Read(read)).await.is_ok(),
                Reads::Writer(writes) => writes.send(writer::Message::Read(read)).await.is_ok(),
            };
            match answer.await {
                Ok(answer) if sent => answer.map_err(|error| failure::of(doing, error)),
                _ => Err(self.gone()),
            }
        }
        .boxed()
    }

    /// Why a thread does not answer.
    fn gone(&self) -> Error {
        if self.closing.load(Ordering::Acquire) {
            Error::Closed
        } else {
            Error::Poisoned("a thread of the store has died".to_owned())
        }
    }

    fn bytes_on_disk(path: &std::path::Path) -> u64 {
        let size = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |file| file.len());
        size(path) + size(&lock::beside(path, "-wal"))
    }
}

impl Store for Embedded {
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Vec<Outcome>>> {
        async move {
            if self.closing.load(Ordering::Acquire) {
                return Err(Error::Closed);
            }
            let (reply, answer) = oneshot::channel();
            let batch = rules::normalised(batch);
            let message = writer::Message::Commit(Commit::new(batch, reply));
            if self.writes.send(message).await.is_err() {
                return Err(self.gone());
            }
            answer.await.unwrap_or_else(|_| Err(self.gone()))
        }
        .boxed()
    }

    fn get<'a>(&'a self, namespace: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>>> {
        let (namespace, key, now) = (namespace.to_owned(), key.to_owned(), self.clock.now());
        self.read("reading a key", move |conn| read::get(conn, &namespace, &key, now))
    }

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<Entry>>> {
        let now = self.clock.now();
        self.read("listing keys", move |conn| read::scan(conn, &scan, now))
    }

    fn changes(&self, query: ChangeQuery) -> BoxFuture<'_, Result<Vec<Change>>> {
        self.read("reading changes", move |conn| read::changes(conn, &query))
    }

    fn events(&self, query: EventQuery) -> BoxFuture<'_, Result<Vec<Event>>> {
        self.read("reading events", move |conn| read::events(conn, &query))
    }

    fn event<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Event>>> {
        let id = id.to_owned();
        self.read("reading an event", move |conn| read::event(conn, &id))
    }

    fn job<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Job>>> {
        let id = id.to_owned();
        self.read("reading a job", move |conn| read::job(conn, &id))
    }

    fn jobs(&self, query: JobQuery) -> BoxFuture<'_, Result<Vec<Job>>> {
        self.read("listing jobs", move |conn| read::jobs(conn, &query))
    }

    fn unbegun(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Job>>> {
        self.read("listing jobs", move |conn| read::unbegun(conn, limit))
    }

    fn attempts<'a>(&'a self, job: &'a str) -> BoxFuture<'a, Result<Vec<Attempt>>> {
        let job = job.to_owned();
        self.read("reading attempts", move |conn| read::attempts(conn, &job))
    }

    fn schedule<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Schedule>>> {
        let id = id.to_owned();
        self.read("reading a schedule", move |conn| read::schedule(conn, &id))
    }

    fn schedules(&self) -> BoxFuture<'_, Result<Vec<Schedule>>> {
        self.read("listing schedules", read::schedules)
    }

    fn remembered<'a>(&'a self, scope: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Remembered>>> {
        let (scope, key, now) = (scope.to_owned(), key.to_owned(), self.clock.now());
        self.read("reading a remembered request", move |conn| {
            read::remembered(conn, &scope, &key, now)
        })
    }

    fn lives<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<bool>> {
        // The lock on the file lets no second process in.
        std::future::ready(Ok(false)).boxed()
    }

    fn stats(&self) -> BoxFuture<'_, Result<Stats>> {
        let (now, path, tally) = (self.clock.now(), self.path.clone(), Arc::clone(&self.tally));
        self.read("reading sizes", move |conn| {
            let stats = read::stats(conn, now)?;
            let bytes = path.as_deref().map_or(0, Self::bytes_on_disk);
            Ok(Stats {
                bytes,
                full: tally.full.load(Ordering::Relaxed),
                ..stats
            })
        })
    }

    fn heads(&self) -> watch::Receiver<Heads> {
        self.heads.clone()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            self.closing.store(true, Ordering::Release);
            // A thread that has ended already takes no message, which is as well.
            if let Reads::Readers(reads) = &self.reads {
                for _ in 0..reader::THREADS {
                    let _ = reads.send(reader::Message::Close).await;
                }
                self.threads.readers_ended().await;
            }
            let _ = self.writes.send(writer::Message::Close).await;
            self.threads.writer_ended().await;
        }
        .boxed()
    }
}
