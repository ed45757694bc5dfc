//! Whether a service runs what it should: the wanted commit, or an older one since which nothing changed that it is built from.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use super::facts::Fact;
use crate::remote::Remote;
use crate::workspace::{self, Workspace};

/// Letters of a commit that are shown; git shows as many.
const SHOWN: usize = 7;

/// What should run.
pub(super) struct Wanted {
    commit: Option<String>,
    /// Whether it was asked for by name.
    named: bool,
    checkout: Option<(PathBuf, Workspace)>,
}

impl Wanted {
    /// The commit that is named, or that of the checkout that this directory lies in; none where there is neither.
    pub(super) fn of(named: Option<&str>) -> Result<Self> {
        if let Some(named) = named {
            let is_commit = (SHOWN..=64).contains(&named.len()) && named.bytes().all(|byte| byte.is_ascii_hexdigit());
            if !is_commit {
                bail!("--commit {named:?} is no commit: {SHOWN} hexadecimal digits or more");
            }
        }
        let checkout = workspace::root().ok().and_then(|root| {
            let workspace = Workspace::load(&root).ok()?;
            Some((root, workspace))
        });
        let here = || {
            let (root, _) = checkout.as_ref()?;
            git(root, &["rev-parse", "HEAD"]).map(|said| said.trim().to_owned())
        };
        Ok(Wanted {
            commit: named.map(str::to_ascii_lowercase).or_else(here),
            named: named.is_some(),
            checkout,
        })
    }

    pub(super) fn commit(&self) -> Option<&str> {
        self.commit.as_deref()
    }

    /// Whether a service that runs a commit has what this program's source has of it.
    pub(super) fn is(&self, commit: Option<&str>) -> bool {
        match (commit, self.commit()) {
            (Some(runs), Some(wanted)) => same(runs, wanted),
            _ => false,
        }
    }

    /// What is to be said of a service that runs a commit.
    pub(super) fn judge(&self, remote: &Remote, key: &str, runs: Option<&str>) -> Fact {
        let Some(wanted) = self.commit() else {
            return runs.map_or_else(|| Fact::unknown("?"), |runs| Fact::unknown(short(runs)));
        };
        let Some(runs) = runs else {
            let says = "does not say which commit it was built from; its image was built without one";
            // On a laptop nobody builds with one.
            return if self.named {
                Fact::drift("none", says)
            } else {
                Fact::unknown("none")
            };
        };
        if same(runs, wanted) {
            return Fact::well(short(runs));
        }
        let told = short(runs);
        match self.changed(remote, key, runs, wanted) {
            Some(0) => Fact::well(format!("{told} =")),
            Some(count) => {
                let files = if count == 1 {
                    "1 file"
                } else {
                    &format!("{count} files")
                };
                Fact::drift(
                    told.clone(),
                    format!(
                        "runs {told}, and {files} that it is built from changed up to {}: deploy it",
                        short(wanted)
                    ),
                )
            }
            None => Fact::drift(
                told.clone(),
                format!(
                    "runs {told} and not {}; this checkout does not know both, so nobody can tell whether it matters",
                    short(wanted)
                ),
            ),
        }
    }

    /// How many files that a service is built from differ between two commits; none where that cannot be told.
    fn changed(&self, remote: &Remote, key: &str, runs: &str, wanted: &str) -> Option<usize> {
        let (root, workspace) = self.checkout.as_ref()?;
        if !runs.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let said = git(root, &["diff", "--name-only", "--no-renames", "-z", runs, wanted, "--"])?;
        let paths: Vec<String> = said.split_terminator('\0').map(str::to_owned).collect();
        let by = workspace.because(&remote.registry, &paths);
        Some(
            by.iter()
                .find(|(touched, _)| touched.as_str() == key)
                .map_or(0, |(_, paths)| paths.len()),
        )
    }
}

/// Whether two names of commits are of one: the shorter begins the longer.
pub(super) fn same(one: &str, other: &str) -> bool {
    let length = one.len().min(other.len());
    length >= SHOWN
        && one.is_char_boundary(length)
        && other.is_char_boundary(length)
        && one[..length].eq_ignore_ascii_case(&other[..length])
}

fn short(commit: &str) -> String {
    commit.chars().take(SHOWN).collect()
}

fn git(root: &std::path::Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).current_dir(root).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
