use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CreateJob, EmitRequest, Emitted, Entry, Job, PutState};

/// `POST /v1/sys/commit`: all of it happens, or none.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CommitRequest {
    /// 1 to 128 operations, in order.
    pub ops: Vec<CommitOp>,
}

/// One operation: an object with one key that says which.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CommitOp {
    /// Writes a key.
    Put(PutState),
    /// Deletes a key.
    Delete(DeleteState),
    /// Writes nothing; the commit happens only where it holds.
    Check(CheckState),
    /// Emits an event.
    Emit(EmitRequest),
    /// Creates a job, or with a cron expression a schedule.
    Job(Box<CreateJob>),
}

/// See [`CommitOp::Delete`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeleteState {
    /// The key.
    pub key: String,
    /// Only where the key has this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<u64>,
}

/// See [`CommitOp::Check`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckState {
    /// The key.
    pub key: String,
    /// The version that it must have; 0 = must not exist.
    pub expected_version: u64,
}

/// What committing answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Committed {
    /// One an operation, in order.
    pub results: Vec<CommitResult>,
}

/// What an operation came to, under the key that said what it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CommitResult {
    /// The entry as written.
    Put(Entry),
    /// Whether there was anything to delete.
    Delete(DeletedState),
    /// It held.
    Check(CheckState),
    /// The event.
    Emit(Emitted),
    /// The job: made, or alive already under the same unique key.
    Job(Box<Job>),
}

/// What deleting a key answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeletedState {
    /// The key.
    pub key: String,
    /// Whether it was there.
    pub deleted: bool,
}
