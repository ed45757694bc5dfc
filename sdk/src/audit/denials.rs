use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use super::Record;
use super::record::clean;
use crate::wire::Timestamp;

/// Refusals of one action and minute that are told apart. A person reads no more, and a scanner that goes through routes and addresses
/// writes at most so many entries a minute and service into a trail that is kept for ever; the rest are counted in one.
pub(super) const APART_MAX: usize = 64;

/// Something that was refused, which whoever likes can bring about again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denial<'a> {
    /// What was wanted: `call`, `login`. Named in code alone, never by who calls: each has room of its own, so that a flood of one kind
    /// hides nothing of another.
    pub action: &'static str,
    /// Who called, as far as it is known.
    pub actor: &'a str,
    /// From where.
    pub address: Option<IpAddr>,
    /// On what, such as `POST /v1/sys/job`, `rpc core getUserById` or `user/7`.
    pub target: &'a str,
    /// The code of the refusal.
    pub reason: &'a str,
}

/// Refusals of the current minute: those that are alike are one with a count. Cheap to clone; bounded, and never in a caller's way.
#[derive(Clone, Default)]
pub struct Denials(Arc<Inner>);

#[derive(Default)]
struct Inner {
    held: Mutex<Held>,
    noted: Notify,
}

#[derive(Default)]
struct Held(BTreeMap<&'static str, OfAction>);

#[derive(Default)]
struct OfAction {
    apart: HashMap<Alike, Seen>,
    /// Those for which there was no room, and when the first of them came.
    rest: Option<Seen>,
}

#[derive(PartialEq, Eq, Hash)]
struct Alike {
    actor: String,
    address: Option<IpAddr>,
    target: String,
    reason: String,
}

#[derive(Clone, Copy)]
struct Seen {
    first: DateTime<Utc>,
    count: u64,
}

impl Denials {
    /// Notes a refusal.
    pub fn note(&self, at: DateTime<Utc>, denial: Denial<'_>) {
        let mut held = self.held();
        let alike = Alike {
            actor: clean(denial.actor),
            address: denial.address,
            target: clean(denial.target),
            reason: clean(denial.reason),
        };
        let held = held.0.entry(denial.action).or_default();
        let room = held.apart.len() < APART_MAX || held.apart.contains_key(&alike);
        let seen = if room {
            held.apart.entry(alike).or_insert(Seen { first: at, count: 0 })
        } else {
            held.rest.get_or_insert(Seen { first: at, count: 0 })
        };
        seen.count = seen.count.saturating_add(1);
        self.0.noted.notify_one();
    }

    /// Waits until there is something to tell. Cancel-safe.
    pub async fn noted(&self) {
        self.0.noted.notified().await;
    }

    /// What was noted since the last time, as records; the counting begins anew.
    pub fn take(&self) -> Vec<Record> {
        let held = std::mem::take(&mut *self.held());
        let told = held.0.into_iter().flat_map(|(action, held)| held.told(action));
        told.collect()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OfAction {
    fn told(self, action: &'static str) -> Vec<Record> {
        let since = |record: Record, seen: Seen| {
            record
                .with("since", Timestamp(seen.first).to_string())
                .times(seen.count)
        };
        let mut apart: Vec<(Alike, Seen)> = self.apart.into_iter().collect();
        apart.sort_by_key(|(_, seen)| seen.first);
        let apart = apart.into_iter().map(|(alike, seen)| {
            let record = Record::denied(action, alike.target)
                .by(alike.actor)
                .because(alike.reason);
            let record = match alike.address {
                Some(address) => record.address(address),
                None => record,
            };
            since(record, seen)
        });
        let rest = self.rest.map(|seen| {
            let record = Record::denied(action, "others")
                .by("others")
                .because("more refusals in one minute than are told apart");
            since(record, seen)
        });
        apart.chain(rest).collect()
    }
}

impl fmt::Debug for Denials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Denials")
            .field("actions", &self.held().0.len())
            .finish()
    }
}
