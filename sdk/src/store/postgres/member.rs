//! What a store shares with its writer and with the tasks of the database that it lives in.

use std::sync::{Mutex, MutexGuard};

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::lease::FENCE;
use super::query::Schema;
use super::writer::Message;
use crate::store::Heads;

/// A store as its database knows it.
pub(super) struct Member {
    pub(super) schema: Schema,
    pub(super) owner: String,
    /// Does not keep the writer at work: who holds the store does.
    pub(super) writes: mpsc::WeakSender<Message>,
    heads: Mutex<Option<watch::Sender<Heads>>>,
    /// When the lease was last renewed, as it was before the database was asked.
    renewed: Mutex<Instant>,
}

impl Member {
    pub(super) fn new(
        schema: Schema,
        owner: String,
        writes: mpsc::WeakSender<Message>,
        heads: watch::Sender<Heads>,
        renewed: Instant,
    ) -> Self {
        Member {
            schema,
            owner,
            writes,
            heads: Mutex::new(Some(heads)),
            renewed: Mutex::new(renewed),
        }
    }

    /// Says how far commits have come; what is heard late never takes it back.
    pub(super) fn publish(&self, heard: Heads) -> bool {
        let heads = lock(&self.heads);
        heads.as_ref().is_some_and(|heads| {
            heads.send_if_modified(|heads| {
                let before = *heads;
                heads.seq = heads.seq.max(heard.seq);
                heads.event = heads.event.max(heard.event);
                heads.change = heads.change.max(heard.change);
                heads.jobs = heads.jobs.max(heard.jobs);
                heads.job_updates = heads.job_updates.max(heard.job_updates);
                heads.plans = heads.plans.max(heard.plans);
                *heads != before
            })
        })
    }

    /// Tells by the end of the heads that nothing more will be written.
    pub(super) fn end(&self) {
        lock(&self.heads).take();
    }

    /// Whether nothing more will be written.
    pub(super) fn has_ended(&self) -> bool {
        lock(&self.heads).is_none()
    }

    /// Notes that the lease was renewed by a call that began then.
    pub(super) fn renewed(&self, begun: Instant) {
        let mut renewed = lock(&self.renewed);
        *renewed = begun.max(*renewed);
    }

    /// Sets the lease back, for tests.
    #[cfg(test)]
    pub(super) fn set_renewed(&self, at: Instant) {
        *lock(&self.renewed) = at;
    }

    /// Whether the lease is so old that others may soon take the jobs.
    pub(super) fn is_fenced(&self) -> bool {
        lock(&self.renewed).elapsed() > FENCE
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while it holds the lock")
}
