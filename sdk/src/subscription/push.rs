use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Notify, watch};

use super::outbox::{Outbox, OutboxOptions};
use super::shelf::{Kept, OutRecord, out_key};
use crate::contract::delivery;
use crate::error::{Error, Kind, Result};
use crate::metrics::Counter;
use crate::name::TopicFilter;
use crate::policy::{Backoff, RPC_MAX_TIMEOUT, jitter};
use crate::rpc::CallOptions;
use crate::store::{Direction, Event, EventQuery, Heads, Seq};
use crate::wire::{Deliver, Delivered, Delivery, Json};

/// Events of one batch: enough that the call around them is cheap, few enough that a failure repeats little.
const BATCH: usize = 64;
/// Bytes of data in one batch: half of the largest body, so that what is around the data fits as well.
const BATCH_MAX_BYTES: usize = 512 * 1024;
/// Between tries to reach a subscriber. For ever: it subscribed, and what it subscribed to is kept for days.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_millis(250), Duration::from_secs(30));
/// Unwanted events after which the place is written down, so that a restart does not read them all again.
const NOTE_EVERY: u64 = 10_000;
/// How long a subscription is kept whose subscriber says that it has none such: longer than events are, and longer than a rollout.
const FORGET_AFTER: TimeDelta = TimeDelta::days(8);

/// Pushes one subscription: one batch at a time, and nothing while there is nothing.
#[derive(Debug)]
pub(super) struct Pusher {
    options: OutboxOptions,
    subscriber: String,
    id: String,
    kick: Notify,
    at: AtomicU64,
    error: Mutex<Option<String>>,
    delivered: Counter,
    failures: Counter,
    gaps: Counter,
}

/// What one round came to.
enum Round {
    /// There may be more.
    Again,
    /// Nothing more until the log grows.
    Idle,
    /// The rest has to wait.
    Wait(Duration),
}

/// Where a pusher is.
struct Place {
    kept: Kept<OutRecord>,
    filter: TopicFilter,
    at: Seq,
    /// Retention can have got ahead of who stood still, so it is asked once after each start and each failure.
    floor_known: bool,
}

impl Pusher {
    pub(super) fn new(options: &OutboxOptions, subscriber: &str, id: &str, record: &OutRecord) -> Self {
        let counter = |name, help| {
            let labels = vec![("subscriber", subscriber.to_owned()), ("subscription", id.to_owned())];
            options.metrics.counter(name, help, labels)
        };
        Pusher {
            delivered: counter("subscription_delivered_total", "Events that a subscriber has taken."),
            failures: counter(
                "subscription_delivery_failures_total",
                "Deliveries that did not come through.",
            ),
            gaps: counter(
                "subscription_gaps_total",
                "Times that retention dropped events before they were delivered.",
            ),
            options: options.clone(),
            subscriber: subscriber.to_owned(),
            id: id.to_owned(),
            kick: Notify::new(),
            at: AtomicU64::new(record.scanned),
            error: Mutex::default(),
        }
    }

    /// Tries at once: the subscriber has just been heard of.
    pub(super) fn kick(&self) {
        self.kick.notify_one();
    }

    /// Up to where it has delivered or passed over.
    pub(super) fn at(&self) -> Seq {
        self.at.load(Ordering::Relaxed)
    }

    /// Why the latest delivery did not come through.
    pub(super) fn error(&self) -> Option<String> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note_error(&self, error: Option<String>) {
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }

    /// Pushes until the subscription or the store is gone.
    pub(super) async fn run(&self, outbox: &Outbox) {
        let mut heads = self.options.shelf.store().heads();
        let mut failing: Option<(u32, DateTime<Utc>)> = None;
        loop {
            let error = match self.push(&mut heads, &mut failing).await {
                Ok(()) => return,
                Err(error) => error,
            };
            let now = self.options.shelf.clock().now();
            let (nth, since) = failing.map_or((1, now), |(nth, since)| (nth.saturating_add(1), since));
            failing = Some((nth, since));
            self.failures.one();
            self.note_error(Some(error.chain()));
            if nth == 1 {
                // Once is worth a line; that it goes on is seen in the figures.
                tracing::warn!(subscriber = self.subscriber, subscription = self.id, error = %error.chain(), "events could not be delivered; trying again");
            }
            let unknown = error.code() == "SUBSCRIPTION_NOT_FOUND" && now - since > FORGET_AFTER;
            if unknown && outbox.forget(&self.subscriber, &self.id).await.is_ok() {
                return;
            }
            let wait = error.retry_after().unwrap_or_else(|| BACKOFF.wait(nth, jitter()));
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.kick.notified() => {}
            }
        }
    }

    /// Delivers batch after batch; ends well where there is nothing left to push for.
    async fn push(&self, heads: &mut watch::Receiver<Heads>, failing: &mut Option<(u32, DateTime<Utc>)>) -> Result<()> {
        let Some(mut place) = self.place().await? else {
            return Ok(());
        };
        loop {
            let head = heads.borrow_and_update().event;
            let round = self.round(&mut place, head).await?;
            self.at.store(place.at, Ordering::Relaxed);
            if failing.take().is_some() {
                self.note_error(None);
            }
            let kicked = match round {
                Round::Again => false,
                Round::Idle => tokio::select! {
                    changed = heads.changed() => {
                        if changed.is_err() {
                            return Ok(());
                        }
                        false
                    }
                    () = self.kick.notified() => true,
                },
                Round::Wait(wait) => tokio::select! {
                    () = tokio::time::sleep(wait) => false,
                    () = self.kick.notified() => true,
                },
            };
            if kicked {
                // The subscriber may have said that it is elsewhere, or wants something else.
                match self.place().await? {
                    Some(now) => place = now,
                    None => return Ok(()),
                }
            }
        }
    }

    async fn place(&self) -> Result<Option<Place>> {
        let key = out_key(&self.subscriber, &self.id);
        let Some(kept) = self.options.shelf.load::<OutRecord>(&key).await? else {
            return Ok(None);
        };
        Ok(Some(Place {
            filter: TopicFilter::parse(Some(&kept.value.event))?,
            at: kept.value.scanned,
            floor_known: false,
            kept,
        }))
    }

    async fn round(&self, place: &mut Place, head: Seq) -> Result<Round> {
        if place.at >= head {
            return Ok(Round::Idle);
        }
        let mut gap = None;
        if !place.floor_known {
            let floor = self.options.events.floor().await?;
            gap = (place.at < floor).then_some(floor);
            place.floor_known = true;
        }
        let query = EventQuery {
            filter: place.filter.clone(),
            after: place.at,
            before: None,
            since: None,
            direction: Direction::Forward,
            limit: BATCH,
        };
        let events = self.options.events.read(query).await?;
        if events.is_empty() {
            place.at = head;
            if head - place.kept.value.scanned >= NOTE_EVERY {
                let record = OutRecord {
                    scanned: head,
                    ..place.kept.value.clone()
                };
                self.note(place, record).await?;
            }
            return Ok(Round::Again);
        }
        if gap.is_some() {
            self.gaps.one();
        }
        let deliver = self.batch(events, place.at, head, gap).await?;
        let sent = deliver.events.iter().map(|event| event.sequence).collect::<Vec<_>>();
        let delivered = self.deliver(deliver).await?;
        let taken = delivered.taken;
        self.delivered
            .add(sent.iter().filter(|sequence| **sequence <= taken).count() as u64);
        place.at = place.at.max(taken);
        if taken > place.kept.value.taken {
            let record = OutRecord {
                taken,
                scanned: place.at,
                ..place.kept.value.clone()
            };
            self.note(place, record).await?;
        }
        Ok(match delivered.retry_after {
            Some(millis) => Round::Wait(Duration::from_millis(millis)),
            None => Round::Again,
        })
    }

    /// Writes the place down. Where somebody else has written it, what they wrote is taken over.
    async fn note(&self, place: &mut Place, record: OutRecord) -> Result<()> {
        let shelf = &self.options.shelf;
        let key = out_key(&self.subscriber, &self.id);
        let op = shelf.put(&key, &record, place.kept.condition)?;
        match shelf.commit(vec![op]).await? {
            Some(revision) => {
                place.kept = Kept {
                    value: record,
                    condition: crate::store::Condition::Revision(revision),
                };
            }
            None => {
                if let Some(now) = self.place().await? {
                    *place = now;
                }
            }
        }
        Ok(())
    }

    async fn batch(&self, events: Vec<Event>, after: Seq, head: Seq, gap: Option<Seq>) -> Result<Deliver> {
        let (log, _) = self.options.shelf.log().await?;
        let mut bytes = 0;
        let mut deliveries = Vec::with_capacity(events.len());
        for event in events {
            let size = event.data.as_ref().map_or(0, |data| data.text().len());
            let cut = size > BATCH_MAX_BYTES;
            bytes += if cut { 0 } else { size };
            if bytes > BATCH_MAX_BYTES && !deliveries.is_empty() {
                break;
            }
            let (sequence, traceparent) = (event.seq, event.trace.clone());
            let mut event = self.options.events.to_wire(event);
            if cut {
                event.data = None;
            }
            deliveries.push(Delivery {
                sequence,
                event,
                traceparent,
                cut,
            });
        }
        // The log may have grown while it was read.
        let last = deliveries.last().map_or(head, |delivery| delivery.sequence);
        Ok(Deliver {
            source: self.options.key.clone(),
            id: self.id.clone(),
            log,
            head: head.max(last),
            after,
            gap,
            events: deliveries,
        })
    }

    /// One call, or none where the subscriber is this service itself.
    async fn deliver(&self, deliver: Deliver) -> Result<Delivered> {
        if self.subscriber == self.options.key {
            return self.options.inbox.deliver(deliver).await;
        }
        let params =
            Json::of(&deliver).map_err(|error| Error::internal("a delivery has no JSON form").with_source(error))?;
        let options = CallOptions {
            timeout: Some(RPC_MAX_TIMEOUT),
            ..CallOptions::default()
        };
        let result = self
            .options
            .rpc
            .call_by_name(&self.subscriber, delivery::DELIVER, Some(&params), options)
            .await?;
        result.to().map_err(|error| {
            Error::new(
                Kind::BadGateway,
                format!("{} answered a delivery with another shape", self.subscriber),
            )
            .with_source(error)
        })
    }
}
