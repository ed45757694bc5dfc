//! What was acknowledged, kept outside of the processes that are killed.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::watch;

/// What was acknowledged, by all lives together.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) kept: Mutex<Kept>,
    /// Numbers for values and ids.
    pub(crate) serial: AtomicU64,
    /// The highest revision of the store that was acknowledged.
    revision: AtomicU64,
    acknowledged: watch::Sender<u64>,
    /// Whether writers are to end.
    pub(crate) stop: AtomicBool,
}

/// The rows.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// Key to its highest acknowledged version and its value.
    pub(crate) state: BTreeMap<String, (u64, u64)>,
    /// The highest acknowledged value of the counter that all compare and set.
    pub(crate) counter: u64,
    /// How many times it was set.
    pub(crate) counted: u64,
    pub(crate) events: Vec<String>,
    pub(crate) jobs: Vec<String>,
    pub(crate) runs: Vec<String>,
    pub(crate) faults: Vec<String>,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Ledger {
            kept: Mutex::default(),
            serial: AtomicU64::new(1),
            revision: AtomicU64::new(0),
            acknowledged: watch::Sender::new(0),
            stop: AtomicBool::new(false),
        }
    }

    pub(crate) fn number(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::SeqCst)
    }

    /// The highest revision so far; what is written from now on is past it.
    pub(crate) fn revision(&self) -> u64 {
        self.revision.load(Ordering::SeqCst)
    }

    /// Notes a revision that was acknowledged to one who had seen `before`.
    pub(crate) fn revised(&self, before: u64, revision: u64) {
        if revision <= before {
            self.fault(format!(
                "the sequence went back: {revision} after {before} was acknowledged"
            ));
        }
        self.revision.fetch_max(revision, Ordering::SeqCst);
    }

    pub(crate) fn note(&self, note: impl FnOnce(&mut Kept)) {
        note(&mut self.kept.lock().unwrap());
        self.acknowledged.send_modify(|count| *count += 1);
    }

    pub(crate) fn fault(&self, why: String) {
        self.kept.lock().unwrap().faults.push(why);
    }

    pub(crate) fn count(&self) -> u64 {
        *self.acknowledged.borrow()
    }

    /// Waits until so many more are acknowledged.
    pub(crate) async fn progress(&self, more: u64) {
        let target = self.count() + more;
        let mut acknowledged = self.acknowledged.subscribe();
        let reached = acknowledged.wait_for(|count| *count >= target);
        let reached = tokio::time::timeout(std::time::Duration::from_secs(60), reached).await;
        reached.expect("writes are acknowledged again").unwrap();
    }
}
