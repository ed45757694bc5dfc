//! How a store fails.

use std::fmt;

use serde_json::json;

use crate::error::{self, Kind};
use crate::store::Remembered;
use crate::wire::JobStatus;

/// A store's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a read or a commit did not happen.
#[derive(Debug)]
pub enum Error {
    /// One operation of the batch may not happen, so none did.
    Refused {
        /// Which, from 0.
        op: usize,
        /// Why.
        why: Refusal,
    },
    /// The disk is full; reads go on.
    Full(String),
    /// Too much waits to be written; nothing of this batch was done.
    Busy,
    /// A sync failed: what was acknowledged is safe, nothing more will be acknowledged by this process.
    Poisoned(String),
    /// The store is closed.
    Closed,
    /// The database cannot be reached or takes too long; of a commit nothing was done.
    Unavailable {
        /// What was being done.
        doing: &'static str,
        /// What came back.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database was lost while it committed, and nobody could say since whether it did: look before trying again.
    InDoubt,
    /// The data cannot be used by this process: another one holds it, or a newer version wrote it. The sentence says what to do.
    Unusable(String),
    /// Anything else: the disk, the database, a bug.
    Backend {
        /// What was being done.
        doing: &'static str,
        /// What came back.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Why an operation may not happen. A rule of the data, not a fault.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// The condition on a key, or the tick of a schedule, does not hold.
    Version {
        /// The key, or the schedule's id.
        key: String,
        /// The version that the key has, 0 where it is absent; of a schedule its next tick in milliseconds since the epoch,
        /// 0 where none is to come.
        current: u64,
    },
    /// An event with this id is there already.
    EventExists,
    /// A job or schedule with this id is there already.
    JobExists {
        /// The id.
        id: String,
    },
    /// No job or schedule has this id.
    NoSuchJob {
        /// The id.
        id: String,
    },
    /// The job is in a status in which this cannot be done.
    Status {
        /// The id.
        id: String,
        /// Its status.
        status: JobStatus,
    },
    /// The job was made anew already.
    Redriven {
        /// The id.
        id: String,
        /// The job that it was made anew as.
        redriven_as: String,
    },
    /// The attempt is not the running one: it was cancelled, or its lease went to another.
    Fenced {
        /// The job.
        id: String,
    },
    /// The request was made before.
    Remembered(Box<Remembered>),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Refused { op, why } => write!(f, "operation {op} of the batch was refused: {why}"),
            Error::Full(what) => write!(f, "the disk is full ({what}); free some space, reads go on"),
            Error::Busy => f.write_str("too many writes wait for the disk; try again"),
            Error::Poisoned(what) => write!(f, "a sync to disk failed ({what}); the process must be restarted"),
            Error::Closed => f.write_str("the store is closed"),
            Error::Unusable(why) => f.write_str(why),
            Error::Unavailable { doing, .. } => write!(f, "the database does not answer (while {doing}); try again"),
            Error::InDoubt => f.write_str(
                "the database was lost while it committed, and whether it did is not known; look before you try again",
            ),
            Error::Backend { doing, .. } => write!(f, "the store failed while {doing}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Version { key, current: 0 } => write!(f, "{key:?} does not exist"),
            Refusal::Version { key, current } => write!(f, "{key:?} is at version {current}"),
            Refusal::EventExists => f.write_str("an event with this id exists already"),
            Refusal::JobExists { id } => write!(f, "a job or schedule {id:?} exists already"),
            Refusal::NoSuchJob { id } => write!(f, "job {id:?} does not exist"),
            Refusal::Status { id, status } => write!(f, "job {id:?} is {status}"),
            Refusal::Redriven { id, redriven_as } => {
                write!(f, "job {id:?} was redriven as {redriven_as:?}; do it to that one")
            }
            Refusal::Fenced { id } => write!(f, "this attempt of job {id:?} is no longer the running one"),
            Refusal::Remembered(_) => f.write_str("this request was made before"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Backend { source, .. } | Error::Unavailable { source, .. } => Some(source.as_ref()),
            _ => None,
        }
    }
}

impl From<Error> for error::Error {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Refused { why, .. } => refused(why),
            Error::Full(_)
            | Error::Busy
            | Error::Closed
            | Error::Poisoned(_)
            | Error::Unusable(_)
            | Error::Unavailable { .. }
            | Error::InDoubt => error::Error::unavailable(message)
                .with_code("STORE_UNAVAILABLE")
                .with_source(error),
            Error::Backend { .. } => error::Error::internal(message).with_source(error),
        }
    }
}

fn refused(why: Refusal) -> error::Error {
    let message = why.to_string();
    match why {
        Refusal::Version { key, current } => error::Error::conflict(message)
            .with_code("VERSION_CONFLICT")
            .with_details(json!({ "key": key, "currentVersion": current })),
        Refusal::EventExists => error::Error::conflict(message).with_code("EVENT_EXISTS"),
        Refusal::JobExists { id } => error::Error::conflict(message)
            .with_code("JOB_EXISTS")
            .with_details(json!({ "id": id })),
        Refusal::NoSuchJob { id } => error::Error::not_found(message)
            .with_code("JOB_NOT_FOUND")
            .with_details(json!({ "id": id })),
        Refusal::Status { id, status } => error::Error::invalid(message)
            .with_code("JOB_STATUS")
            .with_details(json!({ "id": id, "status": status })),
        Refusal::Redriven { id, redriven_as } => error::Error::conflict(message)
            .with_code("JOB_REDRIVEN")
            .with_details(json!({ "id": id, "redrivenAs": redriven_as })),
        Refusal::Fenced { id } => error::Error::conflict(message)
            .with_code("FENCED")
            .with_details(json!({ "id": id })),
        Refusal::Remembered(_) => error::Error::new(Kind::Unprocessable, message).with_code("IDEMPOTENCY_KEY_REUSED"),
    }
}
