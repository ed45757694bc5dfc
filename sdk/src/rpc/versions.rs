//! The versions of a service that run side by side, and which of them a caller gets.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::peer::Peer;
use crate::error::Error;
use crate::policy::claim;

/// How long a version is left alone in which nobody could be reached: its callers wait once for a connection that nobody takes, and not
/// at every call.
const DOWN_FOR: Duration = Duration::from_secs(5);

/// A service's versions; of most there is one.
#[derive(Debug)]
pub(super) struct Versions(Vec<Version>);

/// One version.
#[derive(Debug)]
pub(super) struct Version {
    /// As the registry names it; none where the service has but one.
    pub(super) name: Option<String>,
    pub(super) weight: u32,
    pub(super) peer: Arc<Peer>,
    down: Mutex<Option<Instant>>,
}

impl Versions {
    /// The versions, of which there is one at least.
    pub(super) fn new(versions: Vec<Version>) -> Option<Self> {
        (!versions.is_empty()).then_some(Versions(versions))
    }

    /// Each of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Version> {
        self.0.iter()
    }

    /// The one that most callers get.
    pub(super) fn main(&self) -> &Arc<Peer> {
        let main = self
            .0
            .iter()
            .reduce(|most, next| if next.weight > most.weight { next } else { most });
        &main.unwrap_or(&self.0[0]).peer
    }

    /// The only one.
    pub(super) fn only(&self) -> Option<&Arc<Peer>> {
        match self.0.as_slice() {
            [one] => Some(&one.peer),
            _ => None,
        }
    }

    /// Those that a caller may get, its own first and then by whom it would have if that were down. What is known to be down comes last.
    pub(super) fn of(&self, caller: u64, now: Instant) -> Vec<&Version> {
        let mut claims: Vec<(bool, f64, &Version)> = self
            .0
            .iter()
            .filter_map(|version| {
                let name = version.name.as_deref().unwrap_or_default();
                Some((version.is_down(now), claim(caller, name, version.weight)?, version))
            })
            .collect();
        claims.sort_by(|left, right| left.0.cmp(&right.0).then(right.1.total_cmp(&left.1)));
        claims.into_iter().map(|(_, _, version)| version).collect()
    }
}

impl Version {
    pub(super) fn new(name: Option<String>, weight: u32, peer: Arc<Peer>) -> Self {
        Version {
            name,
            weight,
            peer,
            down: Mutex::default(),
        }
    }

    /// Learns how a call to it ended. Gives whether nobody was reached, so that another version may take the call: nothing of it was done.
    pub(super) fn learn(&self, error: Option<&Error>, now: Instant) -> bool {
        let nobody =
            error.is_some_and(|error| matches!(error.code(), "SERVICE_UNREACHABLE" | "NO_ENDPOINTS" | "DNS_FAILED"));
        *self.down.lock().unwrap_or_else(PoisonError::into_inner) = nobody.then(|| now + DOWN_FOR);
        nobody
    }

    fn is_down(&self, now: Instant) -> bool {
        let down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        down.is_some_and(|until| now < until)
    }
}
