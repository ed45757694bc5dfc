use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::push::Pusher;
use super::shelf::{Kept, OutRecord, Shelf, out_key};
use super::{Inbox, LAG_MAX};
use crate::error::{Error, Kind, Result};
use crate::events::Events;
use crate::lifecycle::Scope;
use crate::metrics::Metrics;
use crate::name::{ServiceKey, TopicFilter};
use crate::rpc::Client;
use crate::store::{Condition, Direction, EventQuery, Seq};
use crate::wire::{Outgoing, Subscribe, Subscribed, Timestamp, Wanted};

/// Subscriptions that one service pushes: fifty services with twenty each. Each costs a task and a row.
const SUBSCRIPTIONS_MAX: usize = 1_000;
/// The net under the wake-ups: a subscription that another replica of this service took on is known here no later than this.
const SWEEP: Duration = Duration::from_secs(60);
/// Tries of a registration while the cursor under it is being moved.
const ATTEMPTS: usize = 16;

/// What an outbox needs.
#[derive(Clone, Debug)]
pub(super) struct OutboxOptions {
    /// This service's registry key.
    pub(super) key: String,
    pub(super) shelf: Shelf,
    /// The log.
    pub(super) events: Events,
    /// Where it counts.
    pub(super) metrics: Metrics,
    /// For subscriptions of a service to itself, which need no call.
    pub(super) inbox: Inbox,
    /// For all others.
    pub(super) rpc: Client,
}

/// What this service pushes to others. Cheap to clone.
#[derive(Clone)]
pub struct Outbox(Arc<Inner>);

struct Inner {
    options: OutboxOptions,
    /// What is being pushed now, by subscriber and subscription.
    pushers: Mutex<BTreeMap<(String, String), Arc<Pusher>>>,
    changed: Notify,
}

impl Outbox {
    pub(super) fn new(options: OutboxOptions) -> Self {
        let outbox = Outbox(Arc::new(Inner {
            options,
            pushers: Mutex::default(),
            changed: Notify::new(),
        }));
        let seen = Arc::downgrade(&outbox.0);
        outbox.0.options.metrics.levels(
            "subscription_lag",
            "How far the latest event is past what a subscriber has taken, in the log's sequence; 0 when nothing waits.",
            move || seen.upgrade().map_or_else(Vec::new, |inner| inner.lags()),
        );
        outbox
    }

    pub(super) async fn begins_now(&self) -> Result<bool> {
        let (_, begins) = self.0.options.shelf.log().await?;
        Ok(begins)
    }

    /// Takes on the subscriptions of a service. Those that are known go on from where they are.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where a name is malformed or there are too many; what keeps the store from being written.
    pub async fn subscribe(&self, subscribe: Subscribe) -> Result<Subscribed> {
        let subscriber = ServiceKey::new(&subscribe.subscriber)?;
        let (log, _) = self.0.options.shelf.log().await?;
        let known = self.0.options.shelf.list::<OutRecord>("out/").await?.len();
        if known + subscribe.subscriptions.len() > SUBSCRIPTIONS_MAX {
            return Err(Error::invalid(format!(
                "a service pushes at most {SUBSCRIPTIONS_MAX} subscriptions"
            )));
        }
        for wanted in &subscribe.subscriptions {
            TopicFilter::parse(Some(&wanted.event))?;
            TopicFilter::parse(Some(&wanted.id))?;
            self.take_on(subscriber.as_str(), wanted, &log).await?;
            let pusher = self
                .pushers()
                .get(&(subscriber.to_string(), wanted.id.clone()))
                .cloned();
            if let Some(pusher) = pusher {
                pusher.kick();
            }
        }
        self.0.changed.notify_one();
        Ok(Subscribed { log })
    }

    async fn take_on(&self, subscriber: &str, wanted: &Wanted, log: &str) -> Result<()> {
        let shelf = &self.0.options.shelf;
        let key = out_key(subscriber, &wanted.id);
        for _ in 0..ATTEMPTS {
            let kept: Option<Kept<OutRecord>> = shelf.load(&key).await?;
            let condition = kept.as_ref().map_or(Condition::Absent, |kept| kept.condition);
            let taken = wanted.taken.as_ref();
            // A place beyond the end is none of this log's: to go by it would be to wait for it.
            let end = self.0.options.events.head();
            let here = taken.filter(|taken| taken.log == log && taken.sequence <= end);
            let here = here.map(|taken| taken.sequence);
            let record = match (kept.map(|kept| kept.value), here) {
                (Some(record), None) => OutRecord {
                    event: wanted.event.clone(),
                    ..record
                },
                // The subscriber knows best what it has: it may be ahead, where our note of it was not written, or behind, where its
                // store was set back.
                (Some(record), Some(sequence)) => OutRecord {
                    event: wanted.event.clone(),
                    taken: sequence,
                    scanned: if sequence < record.taken {
                        sequence
                    } else {
                        record.scanned.max(sequence)
                    },
                    ..record
                },
                (None, here) => {
                    let begin = match (here, taken) {
                        (Some(sequence), _) => sequence,
                        // It followed a log that is no more: everything in this one is new to it.
                        (None, Some(_)) => self.0.options.events.floor().await?,
                        (None, None) if wanted.from_start => self.0.options.events.floor().await?,
                        (None, None) => self.0.options.events.head(),
                    };
                    OutRecord {
                        event: wanted.event.clone(),
                        taken: begin,
                        scanned: begin,
                        created_at: shelf.clock().now(),
                    }
                }
            };
            if shelf
                .commit(vec![shelf.put(&key, &record, condition)?])
                .await?
                .is_some()
            {
                return Ok(());
            }
        }
        Err(Error::new(
            Kind::Unavailable,
            "the subscription is being changed by too many at once",
        ))
    }

    /// Forgets a subscription that its subscriber has not known for a long time.
    pub(super) async fn forget(&self, subscriber: &str, id: &str) -> Result<()> {
        let shelf = &self.0.options.shelf;
        let op = shelf.delete(&out_key(subscriber, id), Condition::Any)?;
        shelf.commit(vec![op]).await.map(drop)
    }

    /// Pushes what is subscribed to, for as long as the scope lasts.
    pub async fn run(self, scope: Scope) {
        loop {
            match self.0.options.shelf.list::<OutRecord>("out/").await {
                Ok(all) => {
                    for (rest, record) in all {
                        self.begin(&scope, &rest, &record);
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %error.chain(), "the subscriptions of others could not be read; trying again");
                }
            }
            tokio::select! {
                () = self.0.changed.notified() => {}
                () = tokio::time::sleep(SWEEP) => {}
            }
        }
    }

    fn begin(&self, scope: &Scope, rest: &str, record: &OutRecord) {
        let Some((subscriber, id)) = rest.split_once('/') else {
            return;
        };
        let place = (subscriber.to_owned(), id.to_owned());
        let mut pushers = self.pushers();
        if pushers.contains_key(&place) {
            return;
        }
        let pusher = Arc::new(Pusher::new(&self.0.options, subscriber, id, record));
        pushers.insert(place.clone(), Arc::clone(&pusher));
        drop(pushers);
        let outbox = self.clone();
        scope.spawn_background("push-events", async move {
            pusher.run(&outbox).await;
            outbox.pushers().remove(&place);
        });
    }

    /// The subscriptions, as the wire shows them.
    pub(super) async fn list(&self) -> Result<Vec<Outgoing>> {
        let mut list = Vec::new();
        for (rest, record) in self.0.options.shelf.list::<OutRecord>("out/").await? {
            let Some((subscriber, id)) = rest.split_once('/') else {
                continue;
            };
            let pusher = self.pushers().get(&(subscriber.to_owned(), id.to_owned())).cloned();
            list.push(Outgoing {
                lag: waiting(&self.0.options.events, &record.event, record.scanned).await?,
                subscriber: subscriber.to_owned(),
                id: id.to_owned(),
                event: record.event,
                cursor: record.scanned.to_string(),
                created_at: Timestamp(record.created_at),
                error: pusher.and_then(|pusher| pusher.error()),
            });
        }
        Ok(list)
    }

    /// Why the latest delivery to a subscription, as `subscriber/id`, did not come through.
    pub(super) fn error_of(&self, name: &str) -> Option<String> {
        let (subscriber, id) = name.split_once('/')?;
        let pusher = self.pushers().get(&(subscriber.to_owned(), id.to_owned())).cloned();
        pusher?.error()
    }

    fn pushers(&self) -> MutexGuard<'_, BTreeMap<(String, String), Arc<Pusher>>> {
        self.0.pushers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn lags(&self) -> Vec<(crate::metrics::Labels, f64)> {
        let head = self.options.events.latest();
        let pushers = self.pushers.lock().unwrap_or_else(PoisonError::into_inner);
        pushers
            .iter()
            .map(|((subscriber, id), pusher)| {
                let labels = vec![("subscriber", subscriber.clone()), ("subscription", id.clone())];
                (labels, head.saturating_sub(pusher.at()) as f64)
            })
            .collect()
    }
}

/// Events of a name after a place, counted up to a bound.
pub(super) async fn waiting(events: &Events, event: &str, after: Seq) -> Result<u64> {
    let query = EventQuery {
        filter: TopicFilter::parse(Some(event))?,
        after,
        before: None,
        since: None,
        direction: Direction::Forward,
        limit: LAG_MAX,
    };
    Ok(events.read(query).await?.len() as u64)
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("service", &self.0.options.key)
            .finish_non_exhaustive()
    }
}
