use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Json, Timestamp};

/// One key of state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value.
    pub value: Json,
    /// 1 for the first write, +1 a write.
    pub version: u64,
    /// When it was last written.
    pub updated_at: Timestamp,
    /// When it ceases to be, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// `GET /v1/sys/state` without a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StateList {
    /// In byte order of their keys.
    pub state: Vec<Entry>,
    /// Ask for this with `cursor` to go on; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// `PUT /v1/sys/state`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PutState {
    /// The key.
    pub key: String,
    /// The value; absent is `null`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Json>,
    /// Only where the key has this version; 0 = must not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<u64>,
    /// Milliseconds until the entry ceases to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
}

/// `POST /v1/sys/state/transaction`: all or nothing.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Transaction {
    /// 1 to 128 operations.
    pub operations: Vec<Operation>,
}

/// One operation of a transaction.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// What to do.
    pub op: OperationKind,
    /// The key.
    pub key: String,
    /// The value of a put; absent is `null`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Json>,
    /// Only where the key has this version; 0 = must not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<u64>,
    /// Milliseconds until what was put ceases to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OperationKind {
    /// Writes a key.
    Put,
    /// Deletes a key.
    Delete,
}

/// What a transaction did.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Transacted {
    /// One an operation, in order: the entry written, or `null` for a delete.
    pub results: Vec<Option<Entry>>,
}

/// The `data` of a watch message, whose `event` is `state:put` or `state:deleted`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StateChange {
    /// The key.
    pub key: String,
    /// The entry as written; absent where it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<Entry>,
}
