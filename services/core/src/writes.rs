//! Writes that others may come before.

use std::future::Future;

use syscall_sdk::error::{Error, Result};

/// Attempts of a change before another writer has won too often: as many at once on one user mean a fault, not a crowd.
const ATTEMPTS: usize = 16;

/// Whether a commit was refused because what it read has changed since.
pub(crate) fn came_late<T>(outcome: &Result<T>) -> bool {
    matches!(outcome, Err(error) if error.code() == "VERSION_CONFLICT")
}

/// Reads, decides and commits, again wherever someone came in between: what they did decides what this may do.
///
/// # Errors
/// `CONFLICT` after 16 attempts; the attempt's own errors.
pub(crate) async fn until_first<T, F, Fut>(what: &str, mut attempt: F) -> Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T>>,
{
    for _ in 0..ATTEMPTS {
        let outcome = attempt().await;
        if !came_late(&outcome) {
            return outcome;
        }
    }
    Err(Error::conflict(format!(
        "{what} is being changed by too many at once; try again"
    )))
}
