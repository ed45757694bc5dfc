use std::error::Error as StdError;
use std::fmt;
use std::io;

/// Why a pipe ended before both ends had said all: the source of the [`io::Error`] that reading then gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    cause: Cause,
    sentence: String,
}

/// What broke a pipe, as far as its user would do something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The other end was dropped, or its service is shutting down (close code 1001). Open the pipe anew.
    Gone,
    /// The handler failed, and says why (1011).
    Failed,
    /// Something was sent that the contract does not know (1002).
    Protocol,
    /// The connection broke, with no word of why.
    Lost,
    /// Nothing was heard for [`SILENT_AFTER`](super::SILENT_AFTER).
    Silent,
}

impl Broken {
    pub(crate) fn new(cause: Cause, sentence: impl Into<String>) -> Self {
        Broken {
            cause,
            sentence: sentence.into(),
        }
    }

    /// Finds why a pipe broke in what reading or writing gave; `None` for what is no pipe's error.
    pub fn of(error: &io::Error) -> Option<&Broken> {
        error.get_ref()?.downcast_ref()
    }

    /// What broke it.
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// What is said of it.
    pub fn sentence(&self) -> &str {
        &self.sentence
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl StdError for Broken {}

impl From<Broken> for io::Error {
    fn from(broken: Broken) -> Self {
        let kind = match broken.cause {
            Cause::Gone => io::ErrorKind::ConnectionAborted,
            Cause::Failed => io::ErrorKind::Other,
            Cause::Protocol => io::ErrorKind::InvalidData,
            Cause::Lost => io::ErrorKind::ConnectionReset,
            Cause::Silent => io::ErrorKind::TimedOut,
        };
        io::Error::new(kind, broken)
    }
}
