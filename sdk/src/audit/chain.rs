//! The chain: what an entry's hash is made of.
//!
//! The hash is SHA-256 over the entry's JSON without `hash`: keys sorted, no spaces, every value a text or a whole number, which
//! is the canonical form of RFC 8785. Any language can do the sum: `jq -cS 'del(.hash)' | tr -d '\n' | sha256sum`.

use aws_lc_rs::digest::{SHA256, digest};

use crate::error::{Error, Result};
use crate::wire::{AuditEntry, AuditHead};

/// What the first entry bears as the hash of the one before.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The head of a chain without entries.
pub fn empty() -> AuditHead {
    AuditHead {
        sequence: 0,
        hash: GENESIS.to_owned(),
    }
}

/// Puts an entry after a head: its place, the hash of the one before and its own are filled in.
///
/// # Errors
/// Where the entry has no JSON form.
pub fn append(head: &AuditHead, entry: AuditEntry) -> Result<AuditEntry> {
    let mut entry = AuditEntry {
        sequence: head.sequence + 1,
        previous: head.hash.clone(),
        ..entry
    };
    entry.hash = hash(&entry)?;
    Ok(entry)
}

/// The hash of what an entry says.
///
/// # Errors
/// Where the entry has no JSON form.
pub fn hash(entry: &AuditEntry) -> Result<String> {
    let bare = AuditEntry {
        hash: String::new(),
        ..entry.clone()
    };
    let text = line(&bare)?;
    let digest = digest(&SHA256, text.as_bytes());
    Ok(digest.as_ref().iter().fold(String::with_capacity(64), |mut hex, byte| {
        use std::fmt::Write as _;
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    }))
}

/// An entry as one line of an export.
///
/// # Errors
/// Where the entry has no JSON form.
pub fn line(entry: &AuditEntry) -> Result<String> {
    serde_json::to_string(entry).map_err(|error| Error::internal("an audit entry has no JSON form").with_source(error))
}

/// Where a chain stands after an entry.
pub fn head_of(entry: &AuditEntry) -> AuditHead {
    AuditHead {
        sequence: entry.sequence,
        hash: entry.hash.clone(),
    }
}
