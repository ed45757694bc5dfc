//! Events across services: durable subscriptions, at least once and resumed, and groups of consumers that share a log.
//!
//! The source keeps a cursor for each subscription and pushes what comes after it, one batch at a time, by RPC where the subscriber is
//! another service ([`Outbox`]); the subscriber commits each event's effect together with the event's place in the log ([`Inbox`]), so
//! that what is delivered twice has its effect once. Nothing is sent while nothing happens. Consumers that are no services of the fleet
//! pull instead, in [`Groups`] that share the work. What cannot be handled becomes a [dead letter](DeadLetters).
//!
//! All of it lies in a namespace of the store that no syscall reaches, so that every backend keeps it alike.

mod arrival;
mod begun;
mod dead;
mod fetch;
mod group;
mod groups;
mod held;
mod inbox;
mod intake;
mod outbox;
mod push;
mod redrive;
mod register;
mod shelf;
mod source;
mod stands;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use arrival::{Advance, Arrival, EventHandler};
pub use dead::DeadLetters;
pub use groups::Groups;
pub use held::Declared;
pub use inbox::Inbox;
pub use outbox::Outbox;
pub use stands::{Stand, Standing, Trouble};

use crate::error::Result;
use crate::events::Events;
use crate::metrics::Metrics;
use crate::rpc::Client;
use crate::store::Store;
use crate::wire;
use outbox::OutboxOptions;
use shelf::Shelf;

/// Failures of one event after which a subscription gives up on it, unless it says otherwise: with the default backoff about four
/// minutes in which the events behind it wait.
pub const DEFAULT_ATTEMPTS: u32 = 8;
/// Dead letters that one subscription or group may have. Past it the subscription stands rather than losing more: a list this long is
/// not read one by one, and whatever filled it wants to be mended first.
pub const DEAD_MAX: u64 = 1_000;
/// Events that wait are counted up to this; past it a person needs no exact number, and counting would cost more than reading.
const LAG_MAX: usize = 1_000;

/// The events half of a kernel that reaches beyond its own log. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Subscriptions {
    /// What others push here.
    pub inbox: Inbox,
    /// What is pushed to others.
    pub outbox: Outbox,
    /// Who pulls from here together.
    pub groups: Groups,
    /// What was given up on.
    pub dead: DeadLetters,
    shelf: Shelf,
}

impl Subscriptions {
    /// The subscriptions of the service with a key, over its store.
    pub fn new(
        key: &str,
        store: &Arc<dyn Store>,
        events: &Events,
        metrics: &Metrics,
        rpc: &Client,
        declared: Vec<Declared>,
    ) -> Self {
        let shelf = Shelf::new(Arc::clone(store), events.clock().clone());
        let inbox = Inbox::new(shelf.clone(), metrics, declared);
        let groups = Groups::new(shelf.clone(), events.clone(), metrics);
        let outbox = Outbox::new(OutboxOptions {
            key: key.to_owned(),
            shelf: shelf.clone(),
            events: events.clone(),
            metrics: metrics.clone(),
            inbox: inbox.clone(),
            rpc: rpc.clone(),
        });
        Subscriptions {
            dead: DeadLetters::new(shelf.clone(), inbox.clone(), groups.clone()),
            shelf,
            inbox,
            outbox,
            groups,
        }
    }

    /// Whether this service's log begins now, with a store that was empty or is another.
    ///
    /// # Errors
    /// Where the store cannot be read or written.
    pub async fn begins_now(&self) -> Result<bool> {
        self.outbox.begins_now().await
    }

    /// Both sides as the wire shows them.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn list(&self) -> Result<wire::Subscriptions> {
        Ok(wire::Subscriptions {
            outgoing: self.outbox.list().await?,
            incoming: self.inbox.list().await?,
        })
    }
}
