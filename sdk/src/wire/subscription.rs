use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Event, Timestamp};

/// A place in a service's event log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogPlace {
    /// Names the log: a service that lost its store begins another.
    pub log: String,
    /// What is up to this sequence has been taken.
    pub sequence: u64,
}

/// `events.subscribe`: a service wants another's events pushed to it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Subscribe {
    /// The subscriber's registry key.
    pub subscriber: String,
    /// What it wants.
    pub subscriptions: Vec<Wanted>,
}

/// One subscription.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Wanted {
    /// Names it among the subscriber's subscriptions to this service.
    pub id: String,
    /// The event's name, or with a trailing `*` every name that starts so.
    pub event: String,
    /// How far the subscriber is; the source's own note of it holds where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<LogPlace>,
    /// Where to begin when neither side knows: with everything that is kept, or (unless said) with what comes next.
    #[serde(default)]
    pub from_start: bool,
}

/// What subscribing answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Subscribed {
    /// The log from which the events will come.
    pub log: String,
}

/// `events.renew`: a source began a new log and knows of no subscriptions; whoever has some subscribes again.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Renew {
    /// The source's registry key.
    pub source: String,
}

/// What renewing answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Renewed {
    /// How many subscriptions there are.
    pub subscriptions: usize,
}

/// `events.deliver`: the next events of one subscription, in log order.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deliver {
    /// The source's registry key.
    pub source: String,
    /// The subscription.
    pub id: String,
    /// The log.
    pub log: String,
    /// How far the log goes.
    pub head: u64,
    /// Where the source believes the subscriber to be.
    pub after: u64,
    /// Retention has dropped what was up to this sequence before it could be delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<u64>,
    /// The events.
    pub events: Vec<Delivery>,
}

/// One event on its way to a subscriber.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Its place in the log.
    pub sequence: u64,
    /// The event.
    pub event: Event,
    /// The `traceparent` of who emitted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// Its data was too large to be pushed and is left out; the source still has it.
    #[serde(default)]
    pub cut: bool,
}

/// What delivering answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivered {
    /// What is up to this sequence has been taken.
    pub taken: u64,
    /// Milliseconds to wait before the rest is delivered; absent where there is nothing to wait for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

/// `GET /v1/sys/events/subscriptions`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Subscriptions {
    /// What this service pushes to others.
    pub outgoing: Vec<Outgoing>,
    /// What others push to this service.
    pub incoming: Vec<Incoming>,
}

/// A subscription at its source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Outgoing {
    /// Who subscribed.
    pub subscriber: String,
    /// The subscription.
    pub id: String,
    /// The event's name, or a prefix with `*`.
    pub event: String,
    /// What is up to this place has been taken.
    pub cursor: String,
    /// Events that wait, counted up to 1,000.
    pub lag: u64,
    /// When it was first made.
    pub created_at: Timestamp,
    /// Why the latest delivery did not come through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A subscription at its subscriber.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Incoming {
    /// Whose events.
    pub source: String,
    /// The subscription.
    pub id: String,
    /// What is up to this place has been taken; absent before the first delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Whether the source knows of it.
    pub registered: bool,
    /// Why the source refuses it, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Failures of the event that is being tried.
    pub failures: u32,
    /// When that event is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// The latest failure of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Its dead letters.
    pub dead: u64,
}

/// An event that was given up on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// Its name among the dead letters of this service.
    pub id: String,
    /// Who gave up: `subscription` or `group`.
    pub kind: DeadLetterKind,
    /// The subscription, as `source/id`, or the group's name.
    pub holder: String,
    /// The event's place in its log.
    pub sequence: String,
    /// The event; its data may be edited before it is redriven.
    pub event: Event,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it was given up.
    pub error: String,
    /// When.
    pub died_at: Timestamp,
    /// Whether it has been handed to the group again and waits for a consumer.
    #[serde(default)]
    pub redriven: bool,
}

/// Who gave up on an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeadLetterKind {
    /// A subscription of this service's code.
    Subscription,
    /// A group of consumers of this service's events.
    Group,
}

/// `GET /v1/sys/events/dead`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetters {
    /// Oldest first.
    pub letters: Vec<DeadLetter>,
    /// Ask for this with `cursor` to go on; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// `PUT /v1/sys/events/dead/{id}`: other data for the event, to be redriven with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EditDeadLetter {
    /// The data; absent is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<super::Json>,
}

/// What redriving answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Redriven {
    /// `handled`: the subscription's handler took it. `queued`: the group's next fetch gets it.
    pub outcome: String,
}
