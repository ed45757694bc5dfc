use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Emitted, Json, Timestamp};

/// An event as CloudEvents 1.0 writes it in JSON, its names all lower case. What else an event may bear is passed over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CloudEvent {
    /// `1.0`.
    pub specversion: String,
    /// Its name among the events of its source.
    pub id: String,
    /// Who emitted it: a URI reference.
    pub source: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: String,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// `application/json`, where there is data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datacontenttype: Option<String>,
    /// The facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Json>,
    /// Bytes in base64; not taken here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_base64: Option<String>,
    /// The trace in which it was emitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// What emitting several events answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EmittedBatch {
    /// One an event, in order.
    pub events: Vec<Emitted>,
}
