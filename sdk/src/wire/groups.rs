use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Event, Timestamp};

/// `POST /v1/sys/events/groups/{group}/fetch`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fetch {
    /// Only events of this name, or with a trailing `*` of every name that starts so; fixed by the group's first fetch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Where a group that does not exist yet begins: `start`, `end` (unless said), a moment or a cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// At most so many events; 32 unless said, 128 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<usize>,
    /// Milliseconds to wait for an event where there is none; 0 unless said, 30,000 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<u64>,
    /// Milliseconds after which an event that was not acknowledged is given to another; 30,000 unless said, an hour at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<u64>,
}

/// What fetching answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fetched {
    /// Names this handful when it is acknowledged; absent where there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
    /// The events, those that are given again first.
    pub events: Vec<FetchedEvent>,
    /// Retention has dropped events that this group had not been given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<EventGap>,
}

/// An event that a consumer holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FetchedEvent {
    /// Its place in the log.
    pub cursor: String,
    /// How often it has been given out, with this time.
    pub delivery: u32,
    /// The event.
    pub event: Event,
}

/// What retention has dropped: what was after `from`, up to `to`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventGap {
    /// After this.
    pub from: String,
    /// Up to this.
    pub to: String,
}

/// `POST /v1/sys/events/groups/{group}/ack` and `…/release`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Settlement {
    /// The handful.
    pub lease: String,
    /// Only these of it, by their cursors; all of it where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursors: Option<Vec<String>>,
    /// Why they are released; kept in the dead letter that they may become.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What acknowledging or releasing answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Settled {
    /// How many events this was news of; those whose lease was over are no longer this consumer's.
    pub events: usize,
}

/// `POST /v1/sys/events/groups/{group}/seek`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Seek {
    /// `start`, `end`, a moment (RFC 3339: what is later comes next) or a cursor (what is after it comes next).
    pub to: String,
}

/// A group of consumers that share a service's events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Only events of this name or prefix; absent is all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// What is up to this place has been acknowledged.
    pub cursor: String,
    /// Events that consumers hold or that wait to be given again.
    pub outstanding: usize,
    /// Events that nobody has been given yet, counted up to 1,000.
    pub lag: u64,
    /// Its dead letters.
    pub dead: u64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// `GET /v1/sys/events/groups`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Groups {
    /// By name.
    pub groups: Vec<Group>,
}
