//! The threads of a store, and waiting for their end.

use std::sync::Mutex;
use std::thread::{Builder, JoinHandle};

use tokio::sync::watch;

use crate::store::{Error, Result};

/// Stack of each thread: SQLite and the decoding of rows go some tens of kilobytes deep; the default of 2 MiB would be
/// wasted three times a service.
const STACK_BYTES: usize = 512 * 1024;

/// The threads of a store. Dropping it waits for them, so the senders that keep them alive must be dropped before.
#[derive(Debug, Default)]
pub(super) struct Threads {
    readers: Crew,
    writer: Crew,
}

/// Threads that end together.
#[derive(Debug)]
struct Crew {
    /// Held by each thread while it runs; gone when the last has ended.
    alive: Mutex<Option<watch::Sender<()>>>,
    ended: watch::Receiver<()>,
    handles: Mutex<Vec<JoinHandle<()>>>,
}

impl Threads {
    pub(super) fn spawn_reader(&self, name: String, work: impl FnOnce() + Send + 'static) -> Result<()> {
        self.readers.spawn(name, work)
    }

    pub(super) fn spawn_writer(&self, name: String, work: impl FnOnce() + Send + 'static) -> Result<()> {
        self.writer.spawn(name, work)
    }

    /// Waits until all readers have ended. Cancel-safe.
    pub(super) async fn readers_ended(&self) {
        self.readers.ended().await;
    }

    /// Waits until the writer has ended. Cancel-safe.
    pub(super) async fn writer_ended(&self) {
        self.writer.ended().await;
    }
}

impl Default for Crew {
    fn default() -> Self {
        let (alive, ended) = watch::channel(());
        Crew {
            alive: Mutex::new(Some(alive)),
            ended,
            handles: Mutex::default(),
        }
    }
}

impl Crew {
    fn spawn(&self, name: String, work: impl FnOnce() + Send + 'static) -> Result<()> {
        let alive = lock(&self.alive).clone();
        let run = move || {
            work();
            // Moved in, so that it goes when the work has.
            drop(alive);
        };
        let handle = Builder::new().name(name).stack_size(STACK_BYTES).spawn(run);
        let handle = handle.map_err(|error| Error::Backend {
            doing: "starting its threads",
            source: Box::new(error),
        })?;
        lock(&self.handles).push(handle);
        Ok(())
    }

    async fn ended(&self) {
        // From here on only the threads keep it.
        lock(&self.alive).take();
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
        self.join();
    }

    /// Blocks only for as long as a thread that has nothing left to do takes to return, save when the store is dropped.
    fn join(&self) {
        for handle in lock(&self.handles).drain(..) {
            // A panic of a thread was reported where its callers found it gone.
            let _ = handle.join();
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.join();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while it holds the lock")
}
