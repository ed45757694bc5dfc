//! What the database's errors mean to a caller.

use rusqlite::ErrorCode;

use crate::store::Error;

/// The error of the port for one of the database.
pub(super) fn of(doing: &'static str, error: rusqlite::Error) -> Error {
    if full(&error) {
        return Error::Full(doing.to_owned());
    }
    Error::Backend {
        doing,
        source: Box::new(error),
    }
}

/// Whether there was no room on the disk.
pub(super) fn full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

/// Whether a commit or checkpoint that failed so may have lost what the disk had taken on.
///
/// After a failed sync the kernel may drop the pages and let the next sync succeed, so trying again would acknowledge what
/// is not there (LWN, "PostgreSQL's fsync() surprise"). A full disk is no such thing: SQLite saw it before it synced.
pub(super) fn poisons(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    fn sqlite(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn a_failed_sync_poisons_and_a_full_disk_does_not() {
        assert!(poisons(&sqlite(ffi::SQLITE_IOERR_FSYNC)));
        assert!(poisons(&sqlite(ffi::SQLITE_IOERR_DIR_FSYNC)));
        assert!(!poisons(&sqlite(ffi::SQLITE_FULL)));
    }

    #[test]
    fn a_full_disk_is_told_apart() {
        assert!(matches!(of("committing", sqlite(ffi::SQLITE_FULL)), Error::Full(_)));
        assert!(matches!(
            of("committing", sqlite(ffi::SQLITE_CORRUPT)),
            Error::Backend { .. }
        ));
    }
}
