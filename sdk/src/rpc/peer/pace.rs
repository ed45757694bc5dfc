use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::telemetry::{Histogram, Quantiles, Snapshot};

/// How often the quantiles are worked out anew: they change little in a second, and it costs a pass over the buckets.
const FRESH: Duration = Duration::from_secs(1);
/// What was measured longer ago than one of these, and at most two, is forgotten.
const TURN: Duration = Duration::from_secs(30);

/// How long a method's answers took in the last half to whole minute.
#[derive(Debug)]
pub(crate) struct Pace {
    all: Histogram,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    older: Snapshot,
    newer: Snapshot,
    turned: Instant,
    worked_out: Option<Instant>,
    quantiles: Quantiles,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Pace {
            all: Histogram::default(),
            known: Mutex::new(Known {
                older: Snapshot::default(),
                newer: Snapshot::default(),
                turned: now,
                worked_out: None,
                quantiles: Quantiles::default(),
            }),
        }
    }

    /// A good answer took so long.
    pub(crate) fn record(&self, took: Duration) {
        self.all.record(took);
    }

    /// The quantiles, as of a second ago or sooner.
    pub(crate) fn quantiles(&self, now: Instant) -> Quantiles {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.worked_out.is_some_and(|at| now < at + FRESH) {
            return known.quantiles;
        }
        let all = self.all.snapshot();
        if now >= known.turned + TURN {
            let idle = now >= known.turned + 2 * TURN;
            known.older = if idle {
                all.clone()
            } else {
                std::mem::take(&mut known.newer)
            };
            known.newer = all.clone();
            known.turned = now;
        }
        known.quantiles = all.since(&known.older).quantiles();
        known.worked_out = Some(now);
        known.quantiles
    }
}
