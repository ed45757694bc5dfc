//! Where the sockets of a run lie: a directory of its own, short enough for a socket's address, readable by this user alone.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use syscall_sdk::config::Variables;

/// The directory.
#[derive(Debug)]
pub(super) struct Directory(PathBuf);

impl Directory {
    /// Makes it, in the user's runtime directory where there is one.
    pub(super) fn make(variables: &Variables) -> Result<Self> {
        let parent = match variables.get("XDG_RUNTIME_DIR").map(PathBuf::from) {
            Some(path) if path.is_dir() => path,
            _ => std::env::temp_dir(),
        };
        let path = parent.join(format!("blackroad-{}", syscall_sdk::name::new_id()));
        std::fs::DirBuilder::new().mode(0o700).create(&path).with_context(|| {
            format!(
                "{} cannot be made, and the processes' sockets would lie there",
                path.display()
            )
        })?;
        Ok(Directory(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Where a service listens.
    pub(super) fn socket(&self, key: &str) -> PathBuf {
        self.0.join(format!("{key}.sock"))
    }

    /// Removes it with what killed processes left in it.
    pub(super) fn remove(&self) {
        // It lies where the system cleans up by itself.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.remove();
    }
}
