use std::fmt;
use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;

use super::shelf::last_revision;
use crate::error::Result;
use crate::store::{Op, Outcome, Seq};
use crate::wire::Event;

/// Handles one event, types erased.
pub type EventHandler = Arc<dyn Fn(Arrival) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// An event that has come, as its handler sees it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The event.
    pub event: Arc<Event>,
    /// Its place in the source's log.
    pub sequence: Seq,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// Whether events before this one were dropped by retention, or lost with the source's store, before they came.
    pub gap: bool,
    /// What remembers that the event was handled; it goes into the same commit as the effect.
    pub advance: Advance,
}

/// What must be committed with an event's effect, so that it has it once. Cheap to clone.
#[derive(Clone)]
pub struct Advance(Arc<Inner>);

struct Inner {
    ops: Vec<Op>,
    revision: OnceLock<Seq>,
}

impl Advance {
    pub(super) fn new(ops: Vec<Op>) -> Self {
        Advance(Arc::new(Inner {
            ops,
            revision: OnceLock::new(),
        }))
    }

    /// The operations. They are refused with a version conflict where the event was handled already.
    pub fn ops(&self) -> &[Op] {
        &self.0.ops
    }

    /// Notes that they were committed, by the outcomes of the batch that they were in.
    pub fn committed(&self, outcomes: &[Outcome]) {
        // Only the first commit of them can go through.
        let _ = self.0.revision.set(last_revision(outcomes));
    }

    /// The revision at which they were committed, where they were.
    pub(super) fn revision(&self) -> Option<Seq> {
        self.0.revision.get().copied()
    }
}

impl fmt::Debug for Advance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Advance").field("committed", &self.revision()).finish()
    }
}
