use std::sync::Arc;

use chrono::DateTime;
use tokio::sync::{Mutex, Notify};

use super::group::{GroupRecord, HELD_MAX, HeldEvent, sequences};
use super::outbox::waiting;
use super::shelf::{Kept, Shelf, dead_key, group_key};
use crate::error::{Error, Kind, Result};
use crate::events::Events;
use crate::metrics::{Counter, Metrics};
use crate::name::{GroupName, TopicFilter};
use crate::store::{Condition, Direction, EventQuery, Op, Seq};
use crate::wire::{DeadLetter, Group, Settled, Settlement, Timestamp};

/// Tries of a change while replicas of this service change the same group.
pub(super) const ATTEMPTS: usize = 16;
/// Groups of consumers that share this service's events: each event is given to one of a group at a time, again where it is not
/// acknowledged in time, and becomes a dead letter when that has happened too often. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Groups(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) shelf: Shelf,
    pub(super) events: Events,
    /// Changes of this process stand in line here rather than refusing one another at the store.
    pub(super) turn: Mutex<()>,
    /// Told when events may be given that the log does not tell of.
    pub(super) freed: Notify,
    pub(super) fetched: Counter,
    pub(super) again: Counter,
    pub(super) acknowledged: Counter,
    pub(super) died: Counter,
}

impl Groups {
    pub(super) fn new(shelf: Shelf, events: Events, metrics: &Metrics) -> Self {
        let counter = |name, help| metrics.counter(name, help, vec![]);
        Groups(Arc::new(Inner {
            shelf,
            events,
            turn: Mutex::default(),
            freed: Notify::new(),
            fetched: counter("group_fetched_total", "Events given to consumers of groups."),
            again: counter("group_redelivered_total", "Of them those that were given before."),
            acknowledged: counter(
                "group_acknowledged_total",
                "Events that consumers of groups are done with.",
            ),
            died: counter("group_dead_total", "Events of groups that were given up on."),
        }))
    }

    /// Takes note that a consumer is done with events of a handful.
    ///
    /// # Errors
    /// `GROUP_NOT_FOUND`, `INVALID_CURSOR`.
    pub async fn acknowledge(&self, name: &str, settlement: &Settlement) -> Result<Settled> {
        let only = settlement.cursors.as_deref().map(sequences).transpose()?;
        let settled = self
            .change(name, |record: &mut GroupRecord, ops: &mut Vec<Op>| {
                let taken = record.take(&settlement.lease, only.as_deref());
                for held in &taken {
                    if let Some(letter) = &held.letter {
                        ops.push(self.0.shelf.delete(&dead_key(letter), Condition::Any)?);
                        record.dead = record.dead.saturating_sub(1);
                    }
                }
                Ok(taken.len())
            })
            .await?;
        self.0.acknowledged.add(settled as u64);
        Ok(Settled { events: settled })
    }

    /// Lets another consumer have events of a handful at once.
    ///
    /// # Errors
    /// As [`Groups::acknowledge`].
    pub async fn release(&self, name: &str, settlement: &Settlement) -> Result<Settled> {
        let only = settlement.cursors.as_deref().map(sequences).transpose()?;
        let now = self.0.shelf.clock().now();
        let settled = self
            .change(name, |record: &mut GroupRecord, _: &mut Vec<Op>| {
                let taken = record.take(&settlement.lease, only.as_deref());
                let count = taken.len();
                record.held.extend(taken.into_iter().map(|held| HeldEvent {
                    lease: String::new(),
                    until: now,
                    error: settlement.error.clone(),
                    ..held
                }));
                Ok(count)
            })
            .await?;
        self.0.freed.notify_waiters();
        Ok(Settled { events: settled })
    }

    /// Moves a group to another place. What its consumers hold is no longer theirs.
    ///
    /// # Errors
    /// `GROUP_NOT_FOUND`, or `INVALID_ARGUMENT` where the place cannot be read.
    pub async fn seek(&self, name: &str, to: &str) -> Result<Group> {
        let read = self.place(to).await?;
        self.change(name, |record: &mut GroupRecord, _: &mut Vec<Op>| {
            record.read = read;
            // What was redriven from a dead letter is no part of the log, and stays to be given.
            record.held.retain(|held| held.letter.is_some());
            Ok(())
        })
        .await?;
        self.0.freed.notify_waiters();
        self.get(name).await
    }

    /// Forgets a group; its dead letters stay to be read and dropped.
    ///
    /// # Errors
    /// `GROUP_NOT_FOUND`.
    pub async fn delete(&self, name: &str) -> Result<()> {
        self.get(name).await?;
        let op = self.0.shelf.delete(&group_key(name), Condition::Any)?;
        self.0.shelf.commit(vec![op]).await.map(drop)
    }

    /// Hands a dead letter to its group again.
    pub(super) async fn redrive(&self, kept: Kept<DeadLetter>) -> Result<()> {
        let name = kept.value.holder.clone();
        let now = self.0.shelf.clock().now();
        self.change(&name, |record: &mut GroupRecord, ops: &mut Vec<Op>| {
            if record.held.len() >= HELD_MAX {
                return Err(Error::conflict(format!(
                    "group {name:?} holds {HELD_MAX} events that were not acknowledged; let its consumers catch up first"
                )));
            }
            let redriven = DeadLetter {
                redriven: true,
                ..kept.value.clone()
            };
            record.held.push(HeldEvent {
                sequence: redriven.sequence.parse().unwrap_or(0),
                deliveries: 0,
                lease: String::new(),
                until: now,
                error: None,
                letter: Some(redriven.id.clone()),
            });
            ops.push(self.0.shelf.put(&dead_key(&redriven.id), &redriven, kept.condition)?);
            Ok(())
        })
        .await?;
        self.0.freed.notify_waiters();
        Ok(())
    }

    /// Changes a group and what hangs on it in one commit.
    async fn change<T>(&self, name: &str, change: impl Fn(&mut GroupRecord, &mut Vec<Op>) -> Result<T>) -> Result<T> {
        let key = group_key(name);
        let _turn = self.0.turn.lock().await;
        for _ in 0..ATTEMPTS {
            let kept = self.kept(name).await?;
            let mut record = kept.value.clone();
            let mut ops = Vec::new();
            let told = change(&mut record, &mut ops)?;
            if record == kept.value && ops.is_empty() {
                return Ok(told);
            }
            ops.push(self.0.shelf.put(&key, &record, kept.condition)?);
            if self.0.shelf.commit(ops).await?.is_some() {
                return Ok(told);
            }
        }
        Err(contended(name))
    }

    /// The groups, as the wire shows them.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn list(&self) -> Result<Vec<Group>> {
        let mut groups = Vec::new();
        for (name, record) in self.0.shelf.list::<GroupRecord>("group/").await? {
            groups.push(self.shape(name, record).await?);
        }
        Ok(groups)
    }

    /// One group.
    ///
    /// # Errors
    /// `GROUP_NOT_FOUND`.
    pub async fn get(&self, name: &str) -> Result<Group> {
        self.shape(name.to_owned(), self.kept(name).await?.value).await
    }

    async fn kept(&self, name: &str) -> Result<Kept<GroupRecord>> {
        GroupName::new(name)?;
        self.0.shelf.load(&group_key(name)).await?.ok_or_else(|| {
            Error::not_found(format!("group {name:?} does not exist; its first fetch makes it"))
                .with_code("GROUP_NOT_FOUND")
                .with_details(serde_json::json!({ "group": name }))
        })
    }

    async fn shape(&self, name: String, record: GroupRecord) -> Result<Group> {
        Ok(Group {
            name,
            lag: waiting(&self.0.events, record.event.as_deref().unwrap_or("*"), record.read).await?,
            cursor: record.cursor().to_string(),
            event: record.event,
            outstanding: record.held.len(),
            dead: record.dead,
            created_at: Timestamp(record.created_at),
        })
    }

    /// Reads a place: `start`, `end`, a cursor, or a moment.
    pub(super) async fn place(&self, text: &str) -> Result<Seq> {
        match text {
            "start" => return self.0.events.floor().await,
            "end" => return Ok(self.0.events.head()),
            _ => {}
        }
        if let Ok(cursor) = text.parse::<Seq>() {
            return Ok(cursor.min(self.0.events.head()));
        }
        let since = DateTime::parse_from_rfc3339(text).map_err(|_| {
            Error::invalid(format!(
                "{text:?} is no place in the log; write start, end, a moment (RFC 3339) or a cursor that this service gave"
            ))
        })?;
        let head = self.0.events.head();
        let query = EventQuery {
            filter: TopicFilter::All,
            after: 0,
            before: None,
            since: Some(since.to_utc()),
            direction: Direction::Forward,
            limit: 1,
        };
        let first = self.0.events.read(query).await?.into_iter().next();
        Ok(first.map_or(head, |event| event.seq - 1))
    }
}

pub(super) fn contended(name: &str) -> Error {
    Error::new(
        Kind::Unavailable,
        format!("group {name:?} is changed by too many replicas at once; try again"),
    )
}
