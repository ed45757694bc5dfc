//! The service's event log: emit, follow from any place without loss or repeat, read back.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::name::{Topic, TopicFilter};
use crate::store::{Batch, Direction, Emit, Event, EventQuery, Heads, Outcome, Seq, Store};
use crate::telemetry;
use crate::wire::{self, Json, Timestamp};

/// Events read from the store at once.
const PAGE: usize = 256;
/// Families of events that the kernel of every service emits: what goes on the record, and that the configuration was replaced.
const OF_THE_KERNEL: [&str; 2] = ["audit", "config"];

/// A service's event log. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Events {
    store: Arc<dyn Store>,
    clock: Clock,
    source: Arc<str>,
}

impl Events {
    /// The log of the service that is registered by a name.
    pub fn new(store: Arc<dyn Store>, clock: Clock, source: impl Into<Arc<str>>) -> Self {
        Events {
            store,
            clock,
            source: source.into(),
        }
    }

    /// Emits an event; it is durable when this returns.
    ///
    /// # Errors
    /// Where the name is malformed or the store refuses.
    pub async fn emit(&self, topic: &str, data: Option<Json>) -> Result<wire::Emitted> {
        let emit = Self::emit_op(topic, data)?;
        let id = emit.id.clone();
        let at = self.clock.now();
        match self.store.commit(Batch::new(at).with(emit)).await?.first() {
            Some(Outcome::Emitted(_)) => Ok(wire::Emitted {
                id,
                timestamp: Timestamp(at),
            }),
            other => Err(Error::internal(format!("an emit came to {other:?}"))),
        }
    }

    /// The operation that emits an event, for a batch; it bears the trace of the caller.
    ///
    /// # Errors
    /// Where the name is malformed.
    pub fn emit_op(topic: &str, data: Option<Json>) -> Result<Emit> {
        Ok(Emit {
            id: Uuid::now_v7().to_string(),
            topic: Topic::new(topic)?.to_string(),
            data,
            trace: telemetry::current_trace().map(|trace| trace.to_string()),
        })
    }

    /// Refuses a name that nobody emits from outside: what such an event says, others take for the service's own word. These are the
    /// families of the kernel, and those that the service [keeps for its own code](crate::service::Service::own_events).
    ///
    /// # Errors
    /// `RESERVED_EVENT`.
    pub fn check_from_outside(topic: &str, own: &[&str]) -> Result<()> {
        let reserved = topic
            .split_once(':')
            .filter(|(family, _)| OF_THE_KERNEL.contains(family) || own.contains(family));
        let Some((family, _)) = reserved else {
            return Ok(());
        };
        Err(Error::new(
            Kind::Forbidden,
            format!("events whose name begins with \"{family}:\" are the service's own; choose another name"),
        )
        .with_code("RESERVED_EVENT"))
    }

    /// Follows events: those after a place in the log, later than a moment where one is given, and then as they come.
    pub fn follow(&self, filter: TopicFilter, after: Seq, since: Option<DateTime<Utc>>) -> Follow {
        Follow {
            heads: self.store.heads(),
            store: Arc::clone(&self.store),
            filter,
            after,
            since,
        }
    }

    /// Waits for the next event of a name. Cancel-safe.
    ///
    /// # Errors
    /// Where the store cannot be read or is closed.
    pub async fn once(&self, topic: &str) -> Result<Event> {
        let mut follow = self.follow(TopicFilter::Exact(Topic::new(topic)?), self.head(), None);
        let mut events = follow.next().await?;
        Ok(events.swap_remove(0))
    }

    /// The latest events, newest first, before a place in the log.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn recent(&self, filter: TopicFilter, before: Option<Seq>, limit: usize) -> Result<Vec<Event>> {
        let query = EventQuery {
            filter,
            after: 0,
            before,
            since: None,
            direction: Direction::Backward,
            limit,
        };
        Ok(self.store.events(query).await?)
    }

    /// Reads the log as asked.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn read(&self, query: EventQuery) -> Result<Vec<Event>> {
        Ok(self.store.events(query).await?)
    }

    /// The clock that events are stamped by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The place of the latest event.
    pub fn latest(&self) -> Seq {
        self.store.heads().borrow().event
    }

    /// The place in the log that is now.
    pub fn head(&self) -> Seq {
        self.store.heads().borrow().seq
    }

    /// What retention has eaten: a reader that stood below this has missed events.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn floor(&self) -> Result<Seq> {
        Ok(self.store.stats().await?.event_floor)
    }

    /// An event as the wire shows it.
    pub fn to_wire(&self, event: Event) -> wire::Event {
        wire::Event {
            id: event.id,
            event: event.topic,
            timestamp: Timestamp(event.at),
            source: self.source.to_string(),
            data: event.data,
        }
    }

    /// The registry name that events bear as their source.
    pub fn source(&self) -> &str {
        &self.source
    }
}

/// Events, as they come.
#[derive(Debug)]
pub struct Follow {
    heads: tokio::sync::watch::Receiver<Heads>,
    store: Arc<dyn Store>,
    filter: TopicFilter,
    after: Seq,
    since: Option<DateTime<Utc>>,
}

impl Follow {
    /// The next events, at least one, in log order. Cancel-safe.
    ///
    /// # Errors
    /// Where the store cannot be read or is closed.
    pub async fn next(&mut self) -> Result<Vec<Event>> {
        loop {
            let head = self.heads.borrow_and_update().event;
            if head > self.after {
                let query = EventQuery {
                    filter: self.filter.clone(),
                    after: self.after,
                    before: None,
                    since: self.since,
                    direction: Direction::Forward,
                    limit: PAGE,
                };
                let events = self.store.events(query).await?;
                if let Some(last) = events.last() {
                    self.after = last.seq;
                    return Ok(events);
                }
                // Nothing up to the head was wanted; it need not be read again.
                self.after = head;
            }
            self.heads
                .changed()
                .await
                .map_err(|_| Error::unavailable("the store is closed"))?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_services_say_themselves_is_said_by_nobody_else() {
        let check = |topic| Events::check_from_outside(topic, &["user"]);
        for reserved in ["audit:recorded", "config:updated", "user:deleted", "user:"] {
            assert_eq!(check(reserved).unwrap_err().code(), "RESERVED_EVENT", "{reserved}");
        }
        for free in [
            "order:placed",
            "user-group:made",
            "users:x",
            "user",
            "mesh:joined",
            "a:user:b",
        ] {
            assert!(check(free).is_ok(), "{free}");
        }
    }
}
