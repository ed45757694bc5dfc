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
    while let Some(read) = next(queue) {
        read(conn);
    }
}

/// The next question. The queue is closed under the lock under which that was heard: between two locks the other reader would take
/// it and wait, holding it, for a message that never comes.
fn next(queue: &Queue) -> Option<Read> {
    let mut queue = lock(queue);
    loop {
        match queue.blocking_recv()? {
            Message::Read(read) => return Some(read),
            Message::Close => queue.close(),
        }
    }
}

fn lock(queue: &Queue) -> std::sync::MutexGuard<'_, mpsc::Receiver<Message>> {
    queue.lock().expect("receiving does not panic outside a runtime")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_that_are_told_to_close_all_end() {
        // Who of them hears it, and what the other does then, is up to the scheduler: many rounds meet every order.
        for _ in 0..300 {
            let (sender, receiver) = mpsc::channel(QUEUE_MAX);
            let queue: Queue = Arc::new(receiver.into());
            let readers = [0; THREADS].map(|_| {
                let queue = Arc::clone(&queue);
                std::thread::spawn(move || run(&Connection::open_in_memory().unwrap(), &queue))
            });
            sender.blocking_send(Message::Close).ok().unwrap();
            for reader in readers {
                reader.join().unwrap();
            }
        }
    }
}
