use std::fmt;

use crate::config::Problems;
use crate::error::Error;

/// Why a host did not start.
#[derive(Debug)]
pub enum StartError {
    /// The environment is wrong: exit code 78.
    Config(Problems),
    /// Anything else: exit code 1.
    Fatal(Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Config(problems) => problems.fmt(f),
            StartError::Fatal(error) => f.write_str(&error.chain()),
        }
    }
}

impl std::error::Error for StartError {}

impl From<Error> for StartError {
    fn from(error: Error) -> Self {
        StartError::Fatal(error)
    }
}
