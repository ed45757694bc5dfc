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
    /// End; what was asked before has been answered, since the queue keeps its order. Each reader is told by a message of its own:
    /// one that closed the queue for the others would wait for the lock under which they wait for it.
    Close,
}

/// The queue that the readers share; whoever is free takes the next.
pub(super) type Queue = Arc<Mutex<mpsc::Receiver<Message>>>;

/// Works until it is told to end or nobody can ask any more.
pub(super) fn run(conn: &Connection, queue: &Queue) {
    while let Some(read) = next(queue) {
        read(conn);
    }
}

/// Waits for a question. The readers wait one behind the other, so who is told to close must do so before it lets the next
/// one wait.
fn next(queue: &Queue) -> Option<Read> {
    let mut queue = queue.lock().expect("receiving does not panic outside a runtime");
    loop {
        match queue.blocking_recv()? {
            Message::Read(read) => return Some(read),
            Message::Close => queue.close(),
        }
    }
}
