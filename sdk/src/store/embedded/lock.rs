//! One owner a file: a lock beside the database that dies with its process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use crate::store::{Error, Result};

/// Held while the database is open; the system lets go of it even where the process is killed.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a database and notes who holds it.
    pub(super) fn take(database: &Path, owner: &str) -> Result<Self> {
        let path = beside(database, ".lock");
        let failed = |error| Error::Backend {
            doing: "opening its lock file",
            source: Box::new(error),
        };
        // Kept when it is let go: deleting it would let two openers lock two files of the same name.
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(database, &mut file)),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0)
            .and_then(|()| write!(file, "process {} ({owner})", std::process::id()))
            .map_err(failed)?;
        Ok(Lock { _file: file })
    }
}

/// A file that lies beside the database and is named after it.
pub(super) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn held(database: &Path, file: &mut File) -> Error {
    let mut holder = String::new();
    // Who holds it is a courtesy; that someone does is the point.
    if file.read_to_string(&mut holder).is_err() || holder.is_empty() {
        holder.push_str("another process");
    }
    Error::Unusable(format!(
        "{} is held by {holder}; stop that process, or give this one a data directory of its own",
        database.display()
    ))
}
