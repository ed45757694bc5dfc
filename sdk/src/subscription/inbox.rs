use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::begun::{DEATHS_MAX, killed};
use super::dead::letter;
use super::held::Held;
use super::shelf::{Failing, InRecord, Kept, Shelf, dead_key, in_key};
use super::source::Source;
use super::{Advance, Arrival, DEAD_MAX, Declared};
use crate::error::{Error, Kind, Result};
use crate::metrics::Metrics;
use crate::policy::jitter;
use crate::store::{Condition, Seq};
use crate::wire::{DeadLetterKind, Deliver, Delivered, Delivery, Incoming, LogPlace, Timestamp, Wanted};

/// After so long no further event of a batch is begun, so that the answer is sent before the longest call is over.
const BATCH_TIME: Duration = Duration::from_secs(10);
/// When to come again where a batch is still at work, such as one whose caller gave up.
const BUSY_WAIT: Duration = Duration::from_secs(1);
/// When to come again where the dead letters are full: a person has to act first.
const FULL_WAIT: Duration = Duration::from_secs(60);

/// What others push to this service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Inbox(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shelf: Shelf,
    held: BTreeMap<String, Held>,
    sources: BTreeMap<String, Source>,
}

/// What came of one event.
enum Step {
    /// Its effect is committed, or it is a dead letter; the next may come.
    Taken,
    /// It is tried again after a while, and the events behind it wait.
    Wait(Duration),
}

impl Inbox {
    pub(super) fn new(shelf: Shelf, metrics: &Metrics, declared: Vec<Declared>) -> Self {
        let mut held = BTreeMap::new();
        let mut sources: BTreeMap<String, Source> = BTreeMap::new();
        for declared in declared {
            sources.entry(declared.source.clone()).or_default();
            let one = Held::new(declared, metrics);
            held.insert(one.holder.clone(), one);
        }
        Inbox(Arc::new(Inner { shelf, held, sources }))
    }

    /// The services that are subscribed to.
    pub fn sources(&self) -> Vec<String> {
        self.0.sources.keys().cloned().collect()
    }

    /// What is wanted of a source, for its registration.
    pub(super) async fn wanted(&self, source: &str) -> Result<Vec<Wanted>> {
        let mut wanted = Vec::new();
        for held in self.of(source) {
            let kept: Option<Kept<InRecord>> = self.0.shelf.load(&in_key(&held.holder)).await?;
            wanted.push(Wanted {
                id: held.declared.event.clone(),
                event: held.declared.event.clone(),
                taken: kept.map(|kept| LogPlace {
                    log: kept.value.log,
                    sequence: kept.value.sequence,
                }),
                from_start: held.declared.from_start,
            });
        }
        Ok(wanted)
    }

    /// Notes whether a source knows of its subscriptions.
    pub(super) fn note_registered(&self, source: &str, registered: bool) {
        for held in self.of(source) {
            held.registered.store(registered, Ordering::Relaxed);
        }
    }

    fn of(&self, source: &str) -> impl Iterator<Item = &Held> {
        self.0.held.values().filter(move |held| held.declared.source == source)
    }

    /// A source says that it knows of no subscriptions; gives how many there are.
    pub fn renew(&self, source: &str) -> usize {
        if let Some(known) = self.0.sources.get(source) {
            self.note_registered(source, false);
            known.renew.notify_one();
        }
        self.of(source).count()
    }

    /// Waits until a source has asked for its subscriptions. Cancel-safe.
    pub(super) async fn asked_to_renew(&self, source: &str) {
        match self.0.sources.get(source) {
            Some(source) => source.renew.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Takes the next events of a subscription, in order, as far as they can be handled.
    ///
    /// # Errors
    /// `SUBSCRIPTION_NOT_FOUND` where the service declares none such, or what keeps the store from being read or written. Nothing is
    /// lost by an error: the source delivers again.
    pub async fn deliver(&self, deliver: Deliver) -> Result<Delivered> {
        let held = self.held(&format!("{}/{}", deliver.source, deliver.id))?;
        let Ok(_turn) = held.turn.try_lock() else {
            return Ok(waits(deliver.after, BUSY_WAIT));
        };
        let (mut kept, mut gap) = self.place(held, &deliver).await?;
        gap |= deliver.gap.is_some();
        let until = Instant::now() + BATCH_TIME;
        for delivery in deliver.events {
            if delivery.sequence <= kept.value.sequence {
                continue;
            }
            if let Some(wait) = self.still_waits(&kept.value, delivery.sequence) {
                return Ok(waits(kept.value.sequence, wait));
            }
            if Instant::now() >= until {
                break;
            }
            match self.take(held, &mut kept, delivery, gap).await? {
                Step::Taken => gap = false,
                Step::Wait(wait) => return Ok(waits(kept.value.sequence, wait)),
            }
        }
        Ok(Delivered {
            taken: kept.value.sequence,
            retry_after: None,
        })
    }

    /// Where this subscription is in the log that is delivered from, and whether something was lost on the way.
    async fn place(&self, held: &Held, deliver: &Deliver) -> Result<(Kept<InRecord>, bool)> {
        let fresh = InRecord {
            log: deliver.log.clone(),
            sequence: deliver.after,
            failing: None,
            dead: 0,
            begun: None,
        };
        let Some(kept) = self.0.shelf.load::<InRecord>(&in_key(&held.holder)).await? else {
            return Ok((
                Kept {
                    value: fresh,
                    condition: Condition::Absent,
                },
                false,
            ));
        };
        // A log that is another, or that ends before what was taken of it, was lost or set back; its sequence says nothing of ours.
        if kept.value.log == deliver.log && kept.value.sequence <= deliver.head {
            return Ok((kept, false));
        }
        tracing::warn!(
            subscription = held.holder,
            "the source lost its log; going on with what it has now"
        );
        let value = InRecord {
            dead: kept.value.dead,
            ..fresh
        };
        Ok((
            Kept {
                value,
                condition: kept.condition,
            },
            true,
        ))
    }

    fn still_waits(&self, record: &InRecord, sequence: Seq) -> Option<Duration> {
        let failing = record.failing.as_ref().filter(|failing| failing.sequence == sequence)?;
        (failing.retry_at - self.0.shelf.clock().now())
            .to_std()
            .ok()
            .filter(|wait| !wait.is_zero())
    }

    /// Handles one event, and commits that it was.
    async fn take(&self, held: &Held, kept: &mut Kept<InRecord>, delivery: Delivery, gap: bool) -> Result<Step> {
        let sequence = delivery.sequence;
        let failures = kept.value.failures_of(sequence);
        let deaths = kept.value.deaths_of(sequence);
        // What this life has begun itself has not ended it.
        let gone = deaths > DEATHS_MAX || (deaths == DEATHS_MAX && !held.begun.load(Ordering::Relaxed));
        if !self.begin(held, kept, sequence).await? {
            return self.overtaken(held, kept, sequence).await;
        }
        let next = InRecord {
            sequence,
            failing: None,
            begun: None,
            ..kept.value.clone()
        };
        let key = in_key(&held.holder);
        let advance = Advance::new(vec![self.0.shelf.put(&key, &next, kept.condition)?]);
        let arrival = Arrival {
            event: Arc::new(delivery.event),
            sequence,
            attempt: failures + if gone { deaths } else { 1 },
            gap,
            advance: advance.clone(),
        };
        let outcome = if gone {
            Err(killed(deaths))
        } else if delivery.cut {
            Err(Error::new(
                Kind::TooLarge,
                "the event's data is too large to be pushed; read it at its source, and put such things elsewhere with their URL in the event",
            ))
        } else {
            held.handle(arrival.clone(), delivery.traceparent.as_deref()).await
        };
        let revision = match (advance.revision(), &outcome) {
            // Committed by the handler: whatever it said afterwards, the event has had its effect.
            (Some(revision), _) => Some(revision),
            (None, Ok(())) => self.0.shelf.commit(advance.ops().to_vec()).await?,
            (None, Err(error)) => {
                return self.fail(held, kept, &arrival, error).await;
            }
        };
        let Some(revision) = revision else {
            return self.overtaken(held, kept, sequence).await;
        };
        held.handled.one();
        *kept = Kept {
            value: next,
            condition: Condition::Revision(revision),
        };
        Ok(Step::Taken)
    }

    /// Another replica of this service has written the place meanwhile; what it says holds.
    async fn overtaken(&self, held: &Held, kept: &mut Kept<InRecord>, sequence: Seq) -> Result<Step> {
        if let Some(now) = self.0.shelf.load(&in_key(&held.holder)).await? {
            *kept = now;
        }
        Ok(if kept.value.sequence >= sequence {
            Step::Taken
        } else {
            Step::Wait(BUSY_WAIT)
        })
    }

    /// Notes a failure: the event is tried again after a while, or given up on.
    async fn fail(&self, held: &Held, kept: &mut Kept<InRecord>, arrival: &Arrival, error: &Error) -> Result<Step> {
        held.failures.one();
        let attempt = arrival.attempt;
        // An event that does not fit stays so; every other failure may pass.
        let gives_up = error.hopeless() || attempt >= held.declared.max_attempts;
        let stands = gives_up && kept.value.dead >= DEAD_MAX;
        let key = in_key(&held.holder);
        let (next, wait, mut ops) = if gives_up && !stands {
            let letter = letter(
                &self.0.shelf,
                DeadLetterKind::Subscription,
                &held.holder,
                arrival,
                error,
            );
            let op = self.0.shelf.put(&dead_key(&letter.id), &letter, Condition::Absent)?;
            let next = InRecord {
                sequence: arrival.sequence,
                failing: None,
                begun: None,
                dead: kept.value.dead + 1,
                ..kept.value.clone()
            };
            (next, None, vec![op])
        } else {
            let wait = match error.retry_after() {
                _ if stands => FULL_WAIT,
                Some(wait) => wait,
                None => held.declared.backoff.wait(attempt, jitter()),
            };
            let failing = Failing {
                sequence: arrival.sequence,
                event: Some(arrival.event.id.clone()),
                failures: attempt,
                retry_at: self.0.shelf.clock().now() + wait,
                error: error.chain(),
            };
            let next = InRecord {
                failing: Some(failing),
                // It came to its end, if not to a good one. One that may not be given up keeps what is known of it.
                begun: kept.value.begun.filter(|_| stands),
                ..kept.value.clone()
            };
            (next, Some(wait), Vec::new())
        };
        ops.push(self.0.shelf.put(&key, &next, kept.condition)?);
        let Some(revision) = self.0.shelf.commit(ops).await? else {
            return self.overtaken(held, kept, arrival.sequence).await;
        };
        tracing::warn!(
            subscription = held.holder, event.id = arrival.event.id, attempt, error = %error.chain(), stands,
            gave_up = wait.is_none(), "an event could not be handled"
        );
        *kept = Kept {
            value: next,
            condition: Condition::Revision(revision),
        };
        Ok(match wait {
            Some(wait) => Step::Wait(wait),
            None => {
                held.died.one();
                Step::Taken
            }
        })
    }

    /// The subscriptions, as the wire shows them.
    pub(super) async fn list(&self) -> Result<Vec<Incoming>> {
        let mut list = Vec::new();
        for held in self.0.held.values() {
            let kept = self.0.shelf.load::<InRecord>(&in_key(&held.holder)).await?;
            let record = kept.map(|kept| kept.value);
            let failing = record.as_ref().and_then(|record| record.failing.clone());
            list.push(Incoming {
                source: held.declared.source.clone(),
                id: held.declared.event.clone(),
                cursor: record.as_ref().map(|record| record.sequence.to_string()),
                registered: held.registered.load(Ordering::Relaxed),
                refused: self
                    .0
                    .sources
                    .get(&held.declared.source)
                    .and_then(|source| source.refused().clone()),
                failures: failing.as_ref().map_or(0, |failing| failing.failures),
                retry_at: failing.as_ref().map(|failing| Timestamp(failing.retry_at)),
                error: failing.map(|failing| failing.error),
                dead: record.map_or(0, |record| record.dead),
            });
        }
        Ok(list)
    }

    pub(super) fn sources_held(&self) -> &BTreeMap<String, Source> {
        &self.0.sources
    }

    pub(super) fn shelf(&self) -> &Shelf {
        &self.0.shelf
    }

    /// The subscriptions, each with how many failures of an event end it.
    pub(super) fn holders(&self) -> impl Iterator<Item = (&str, u32)> {
        let held = self.0.held.values();
        held.map(|held| (held.holder.as_str(), held.declared.max_attempts))
    }

    pub(super) fn held(&self, holder: &str) -> Result<&Held> {
        self.0.held.get(holder).ok_or_else(|| {
            Error::not_found(format!("this service has no subscription {holder:?}")).with_code("SUBSCRIPTION_NOT_FOUND")
        })
    }
}

impl InRecord {
    /// How often an event has failed.
    fn failures_of(&self, sequence: Seq) -> u32 {
        let failing = self.failing.as_ref().filter(|failing| failing.sequence == sequence);
        failing.map_or(0, |failing| failing.failures)
    }
}

fn waits(taken: Seq, wait: Duration) -> Delivered {
    Delivered {
        taken,
        // Rounded up: who comes a moment too early is sent away again.
        retry_after: Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1)),
    }
}
