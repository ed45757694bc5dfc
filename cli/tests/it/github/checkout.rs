//! A clone of this checkout, with an origin of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use super::root;

/// A clone with what is in the working tree as its newest commit, and an empty origin.
pub(crate) struct Checkout(TempDir);

impl Checkout {
    pub(crate) fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let checkout = Checkout(folder);
        let (here, path) = (root(), checkout.path());
        let from = here.to_str().context("a path of UTF-8")?;
        let to = path.to_str().context("a path of UTF-8")?;
        git(&here, &["clone", "--quiet", "--shared", from, to])?;
        // What is being worked on is tested, whether it is committed or not.
        let listed = git(&here, &["ls-files", "--modified", "--others", "--exclude-standard"])?;
        for file in listed.lines() {
            let (from, to) = (here.join(file), path.join(file));
            if from.is_file() {
                fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
                fs::copy(from, to)?;
            } else if to.exists() {
                fs::remove_file(to)?;
            }
        }
        git(&path, &["config", "user.name", "Ada"])?;
        git(&path, &["config", "user.email", "ada@example.org"])?;
        git(&path, &["add", "--all"])?;
        git(
            &path,
            &["commit", "--quiet", "--allow-empty", "--message", "As it is here"],
        )?;
        let origin = checkout.beside("origin.git");
        git(
            &here,
            &["init", "--quiet", "--bare", origin.to_str().context("a path of UTF-8")?],
        )?;
        git(
            &path,
            &[
                "remote",
                "set-url",
                "origin",
                origin.to_str().context("a path of UTF-8")?,
            ],
        )?;
        Ok(checkout)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("checkout")
    }

    /// Another folder, which goes with it.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Adds a line to a file, and commits it.
    pub(crate) fn change(&self, file: &str) -> Result<()> {
        let path = self.path().join(file);
        fs::write(&path, fs::read_to_string(&path)? + "\n")?;
        git(
            self.path(),
            &[
                "commit",
                "--quiet",
                "--all",
                "--message",
                &format!("A line more in {file}"),
            ],
        )?;
        Ok(())
    }
}

/// Runs git in a folder, and gives what it printed.
pub(crate) fn git(folder: impl AsRef<Path>, words: &[&str]) -> Result<String> {
    let ran = Command::new("git").args(words).current_dir(folder).output()?;
    ensure!(
        ran.status.success(),
        "git {words:?}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
    Ok(String::from_utf8(ran.stdout)?.trim().to_owned())
}
