//! What the database's errors mean to a caller.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use tokio_postgres::error::{Severity, SqlState};

use crate::store::Error;

/// Why a call to the database failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// The connection is gone, or the answer did not come in its time: what was being done may or may not have happened.
    Lost(Box<dyn StdError + Send + Sync>),
    /// The server answered that it did not do it.
    Refused(tokio_postgres::Error),
    /// A row is not what was written.
    Damaged(Box<dyn StdError + Send + Sync>),
}

/// An answer that did not come in its time.
#[derive(Debug)]
struct Late(Duration);

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer within {} ms", self.0.as_millis())
    }
}

impl StdError for Late {}

impl Fault {
    /// No answer in time.
    pub(super) fn late(after: Duration) -> Self {
        Fault::Lost(Box::new(Late(after)))
    }

    /// Sorts what the driver says; `closed` is whether the connection has ended.
    pub(super) fn of(error: tokio_postgres::Error, closed: bool) -> Self {
        let fatal = |severity| matches!(severity, Severity::Fatal | Severity::Panic);
        let lost = match error.as_db_error() {
            Some(db) => db.parsed_severity().is_some_and(fatal),
            None => closed || error.is_closed() || error.source().is_some_and(|cause| cause.is::<std::io::Error>()),
        };
        if lost {
            Fault::Lost(Box::new(error))
        } else {
            Fault::Refused(error)
        }
    }

    /// The error of the port, for what certainly did not happen.
    pub(super) fn into_error(self, doing: &'static str) -> Error {
        match self {
            Fault::Lost(source) => Error::Unavailable { doing, source },
            Fault::Damaged(source) => Error::Backend { doing, source },
            Fault::Refused(error) => match error.code() {
                Some(code) if *code == SqlState::DISK_FULL => Error::Full(doing.to_owned()),
                Some(code) if passes(code) => Error::Unavailable {
                    doing,
                    source: Box::new(error),
                },
                _ => Error::Backend {
                    doing,
                    source: Box::new(error),
                },
            },
        }
    }
}

/// Whether what kept the server from doing it goes away by itself.
fn passes(code: &SqlState) -> bool {
    const PASSING: [SqlState; 6] = [
        SqlState::QUERY_CANCELED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::READ_ONLY_SQL_TRANSACTION,
    ];
    PASSING.contains(code) || ["08", "53", "57"].contains(&code.code().get(..2).unwrap_or_default())
}

/// The driver's sentence with its causes: its own `Display` says "db error" and no more.
pub(super) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
