use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Endpoint;

/// How far what is known of a name can be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Nobody has asked yet.
    Unasked,
    /// The last question was answered.
    Fresh,
    /// The last question was not answered, or once with "no such name"; what is known is from before.
    Stale {
        /// What came back.
        why: String,
    },
    /// An authority says that the name has no address.
    Empty,
    /// The name was never answered, or not for too long.
    Failed {
        /// What came back.
        why: String,
    },
}

/// What is known of a name at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The endpoints, each once, in order of address.
    pub endpoints: Arc<[Endpoint]>,
    /// How long the last answer holds, within the bounds of the schedule.
    pub ttl: Duration,
    /// When the name was last answered.
    pub answered: Option<Instant>,
    /// When the next question may be asked.
    pub next: Instant,
    /// How far it can be trusted.
    pub freshness: Freshness,
    /// Addresses of the last answer that were left out.
    pub refused: usize,
}

impl Found {
    pub(super) fn unasked(now: Instant) -> Self {
        Found {
            endpoints: Arc::from([]),
            ttl: Duration::ZERO,
            answered: None,
            next: now,
            freshness: Freshness::Unasked,
            refused: 0,
        }
    }

    /// Whether there is anybody to call.
    pub fn usable(&self) -> bool {
        !self.endpoints.is_empty()
    }

    /// Whether the answer has outlived its word, since nobody used it meanwhile. What is stale has not: there was no newer word to be had.
    pub(super) fn expired(&self, now: Instant) -> bool {
        self.freshness == Freshness::Fresh && self.answered.is_none_or(|at| now > at + self.ttl)
    }
}
