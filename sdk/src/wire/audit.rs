use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// How far a record's time may be from the keeper's before readers are told: a redeploy of core and the longest wait before a delivery is
/// tried again fit in.
const APART_MAX: TimeDelta = TimeDelta::minutes(5);

/// What a service puts on the record: the data of its event `audit:recorded`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditRecord {
    /// What was done or tried, such as `key.create`.
    pub action: String,
    /// Who, such as `user/7`, `service:core`, `kernel` or `anonymous`.
    pub actor: String,
    /// From which address, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// How often within a minute, where repeats are told as one.
    #[serde(default = "once")]
    pub count: u64,
    /// What else an auditor asks for, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
    /// How it was decided.
    pub outcome: AuditOutcome,
    /// Why, in a sentence or a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// On what, such as `key/abc` or a route.
    pub target: String,
    /// The trace in which it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

fn once() -> u64 {
    1
}

/// How it was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuditOutcome {
    /// It was let happen.
    Allowed,
    /// It was refused.
    Denied,
    /// It was let happen and did not come off.
    Failed,
}

/// One entry of the chain.
///
/// Its fields stand in the order of the alphabet, as [`crate::audit`] hashes them: SHA-256 over the entry's JSON without `hash`, keys
/// sorted, no spaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditEntry {
    /// What was done or tried.
    pub action: String,
    /// Who.
    pub actor: String,
    /// From which address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// When the service put it on the record.
    pub at: Timestamp,
    /// How often within a minute.
    pub count: u64,
    /// What else an auditor asks for, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
    /// The event by which the service put it on the record.
    pub event: String,
    /// SHA-256 of all the rest, in hexadecimal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hash: String,
    /// How it was decided.
    pub outcome: AuditOutcome,
    /// The `hash` of the entry before; of the first, 64 zeros.
    pub previous: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the keeper took it. What a service says of the time is the service's word; this is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<Timestamp>,
    /// Its place in the chain, from 1, without gaps.
    pub sequence: u64,
    /// The registry name of the service that put it on the record.
    pub service: String,
    /// The event's place in that service's log.
    pub source_sequence: u64,
    /// On what.
    pub target: String,
    /// The trace in which it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

impl AuditEntry {
    /// How much later than it says it came to the keeper, where that is over five minutes either way: somebody was away, a clock is wrong, or
    /// whoever has the service's credential puts another time on the record.
    pub fn apart(&self) -> Option<TimeDelta> {
        let apart = self.received?.0 - self.at.0;
        (apart.abs() > APART_MAX).then_some(apart)
    }
}

/// Where the chain ends: who keeps this elsewhere can tell later whether anything up to here was touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditHead {
    /// The last entry's place; 0 of an empty chain.
    pub sequence: u64,
    /// The last entry's hash; of an empty chain, 64 zeros.
    pub hash: String,
}

/// `GET /v1/audit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditPage {
    /// Oldest first with `after`, newest first otherwise.
    pub entries: Vec<AuditEntry>,
    /// Where the chain ends.
    pub head: AuditHead,
    /// Ask for this with `after`, or with `before`, to go on; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<u64>,
}
