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
#[serde(tag = "op", rename_all = "lowercase", from = "Flat")]
pub enum Operation {
    /// Write a key.
    Put(PutState),
    /// Delete a key.
    #[serde(rename_all = "camelCase")]
    Delete {
        /// The key.
        key: String,
        /// Only where the key has this version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expected_version: Option<u64>,
    },
}

/// An operation as it is read: a value that is kept as its text cannot be read through an enum's tag, which wants it parsed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Flat {
    op: Op,
    key: String,
    value: Option<Json>,
    expected_version: Option<u64>,
    ttl: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Op {
    Put,
    Delete,
}

impl From<Flat> for Operation {
    fn from(flat: Flat) -> Self {
        let Flat {
            op,
            key,
            value,
            expected_version,
            ttl,
        } = flat;
        match op {
            Op::Put => Operation::Put(PutState {
                key,
                value,
                expected_version,
                ttl,
            }),
            Op::Delete => Operation::Delete { key, expected_version },
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_read_with_values_of_every_kind_and_written_as_it_was() {
        let text = r#"{"operations":[{"op":"put","key":"a","value":{"b":[1,null]},"expectedVersion":0},{"op":"delete","key":"c","expectedVersion":2},{"op":"put","key":"d","value":"e"}]}"#;
        let read: Transaction = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        for bad in [r#"{"op":"shred","key":"a"}"#, r#"{"op":"put"}"#, r#"{"key":"a"}"#] {
            assert!(serde_json::from_str::<Operation>(bad).is_err(), "{bad}");
        }
    }
}
