//! What the workflows on GitHub do, run here: their scripts with the real git, curl and jq, against a platform that a test stands up.

mod checkout;
mod deploys;
mod platform;
mod releases;
mod satellites;

pub(crate) use checkout::{Checkout, git};

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::binary::Ran;

/// The root of this checkout.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the tests run in a checkout")
}

/// A folder that stands first on the PATH of a script.
pub(super) struct Programs(TempDir);

impl Programs {
    /// `blackroad` is the real one, save that `verify`, `dns` and `conform` are written down and end as they are told by `{COMMAND}_CODE`.
    pub(super) fn new() -> Result<Self> {
        let programs = Programs(tempfile::tempdir()?);
        programs.add(
            "blackroad",
            &format!(
                "case $1 in\n\
                 verify|dns|conform) echo \"$@\" >>\"$0.told\"\n\
                 name=$(echo \"$1\" | tr a-z A-Z)_CODE; eval \"exit \\${{$name:-0}}\" ;;\n\
                 esac\nexec {} \"$@\"",
                env!("CARGO_BIN_EXE_blackroad")
            ),
        )?;
        Ok(programs)
    }

    /// Another program, as the text of a shell script.
    pub(super) fn add(&self, name: &str, script: &str) -> Result<()> {
        let file = self.0.path().join(name);
        fs::write(&file, format!("#!/bin/sh\n{script}\n"))?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
        Ok(())
    }

    /// What `blackroad` was told of what it only wrote down, a line each.
    pub(super) fn told(&self) -> Vec<String> {
        let told = fs::read_to_string(self.0.path().join("blackroad.told")).unwrap_or_default();
        told.lines().map(str::to_owned).collect()
    }

    /// A script of `.github/scripts`, not yet run.
    pub(super) fn script(&self, name: &str, words: &[&str]) -> Result<Command> {
        let mut command = Command::new(root().join(".github/scripts").join(name));
        let path = std::env::var_os("PATH").context("there is a PATH")?;
        let mut folders = vec![self.0.path().to_owned()];
        folders.extend(std::env::split_paths(&path));
        command
            .args(words)
            .current_dir(root())
            .stdin(Stdio::null())
            .env("PATH", std::env::join_paths(folders)?)
            .env("POLL_SECONDS", "0")
            .env("RETRIES", "0");
        for name in [
            "BLACKROAD",
            "ENVIRONMENT",
            "GITHUB_ACTIONS",
            "SERVICES",
            "RAILWAY_TOKEN",
            "SATELLITES",
            "SYNC_TOKEN",
        ] {
            command.env_remove(name);
        }
        Ok(command)
    }
}

/// Runs a command to its end.
pub(super) fn ended(mut command: Command) -> Result<Ran> {
    Ok(command.output()?.into())
}
