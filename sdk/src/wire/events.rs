use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Json, Timestamp};

/// `POST /v1/sys/event`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EmitRequest {
    /// What happened.
    pub event: String,
    /// The facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Json>,
}

/// What emitting answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Emitted {
    /// The event's id.
    pub id: String,
    /// When it was emitted.
    pub timestamp: Timestamp,
}

/// One event, and every message of an event stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Its id.
    pub id: String,
    /// What happened.
    pub event: String,
    /// When.
    pub timestamp: Timestamp,
    /// The registry name of who emitted it.
    pub source: String,
    /// The facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Json>,
}

/// `GET /v1/sys/events/recent`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecentEvents {
    /// Newest first.
    pub events: Vec<Event>,
    /// Ask for this with `before` to go on; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}
