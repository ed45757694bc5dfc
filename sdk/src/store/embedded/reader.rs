//! The readers: threads with a connection each, so that a read neither waits for the writer nor holds up a task.

use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use tokio::sync::mpsc;

/// A question, with the way back for its answer inside.
pub(super) type Read = Box<dyn FnOnce(&Connection) + Send>;

/// Reads that may wait: as many as the requests in flight can ask at once.
pub(super) const QUEUE_MAX: usize = 512;
/// Readers: one may be busy with a long scan while the other answers.
pub(super) const THREADS: usize = 2;

/// What a reader is told.
pub(super) enum Message {
    /// Answer a question.
    Read(Read),
    /// Take nothing more, finish what waits, and end.
    Close,
}

/// The queue that the readers share; whoever is free takes the next.
pub(super) type Queue = Arc<Mutex<mpsc::Receiver<Message>>>;

/// Works until the queue is closed and empty.
pub(super) fn run(conn: &Connection, queue: &Queue) {
    loop {
        let message = lock(queue).blocking_recv();
        match message {
            Some(Message::Read(read)) => read(conn),
            Some(Message::Close) => lock(queue).close(),
            None => return,
        }
    }
}

fn lock(queue: &Queue) -> std::sync::MutexGuard<'_, mpsc::Receiver<Message>> {
    queue.lock().expect("receiving does not panic outside a runtime")
}
