//! Files of keys and tokens: written so that only their owner can read them, and never over one that is there unless that is asked for.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use syscall_sdk::auth::SigningKey;
use syscall_sdk::config::Secret;

/// What only the owner may read and write.
const OWNER: u32 = 0o600;
/// A directory that only the owner may enter.
const OWNERS: u32 = 0o700;

/// Makes a root key in a file that is not there yet.
pub(crate) fn make_root(path: &Path) -> Result<SigningKey> {
    let key = SigningKey::generate()?;
    write_new(path, &key.to_jwk())?;
    Ok(key)
}

/// Reads a root key.
pub(crate) fn read_root(path: &Path) -> Result<SigningKey> {
    let text = fs::read_to_string(path).with_context(|| {
        format!(
            "the root key {} cannot be read; name its file with --root-key, or make one with `blackroad token keygen`",
            path.display()
        )
    })?;
    let text = Secret::new(text);
    SigningKey::of_jwk(text.reveal()).with_context(|| format!("{} holds no root key", path.display()))
}

/// Writes a secret into a file that is not there yet.
pub(crate) fn write_new(path: &Path, secret: &Secret) -> Result<()> {
    if path.exists() {
        bail!(
            "{} is there already, and a key that is lost cannot be made again; name another file",
            path.display()
        );
    }
    replace(path, secret)
}

/// Writes a secret into a file, whole or not at all.
pub(crate) fn replace(path: &Path, secret: &Secret) -> Result<()> {
    let cannot = || format!("{} cannot be written", path.display());
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(OWNERS);
        builder.create(directory).with_context(cannot)?;
    }
    // Beside it first: who reads it meanwhile reads the old one, and a full disk leaves that as it was.
    let beside = path.with_extension("new");
    let _ = fs::remove_file(&beside);
    let mut file = OpenOptions::new();
    let mut file = file
        .write(true)
        .create_new(true)
        .mode(OWNER)
        .open(&beside)
        .with_context(cannot)?;
    file.write_all(secret.reveal().as_bytes()).with_context(cannot)?;
    file.write_all(b"\n").with_context(cannot)?;
    file.sync_all().with_context(cannot)?;
    fs::rename(&beside, path).with_context(cannot)
}
