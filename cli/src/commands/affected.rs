//! `blackroad affected [--since REV] [PATH...]`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::args::Affected;
use crate::print;
use crate::workspace::{self, Workspace};

/// Most paths that are named beside a service; more are counted.
const NAMED: usize = 2;

pub(crate) fn run(machine: bool, affected: Affected) -> Result<()> {
    let root = workspace::root()?;
    let registry = workspace::registry(&root)?;
    let workspace = Workspace::load(&root)?;
    let Affected { since, mut paths } = affected;
    if since.is_some() || paths.is_empty() {
        paths.extend(changed(&root, since.as_deref().unwrap_or("HEAD"))?);
    }
    if machine {
        let keys = workspace.touched(&registry, &paths);
        return print::json(&keys.iter().map(|key| key.as_str()).collect::<Vec<_>>());
    }
    let touched = workspace.because(&registry, &paths);
    if touched.is_empty() {
        return print::line(format!("no service is touched by {} changed paths", paths.len()));
    }
    let mut table = print::table(&["service", "because of"]);
    for (key, by) in touched {
        let mut told = by.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        if by.len() > NAMED {
            told = format!("{told} and {} more", by.len() - NAMED);
        }
        table.add_row([key.to_string(), told]);
    }
    print::show(&table)
}

/// What differs between a commit and the working tree, and what git does not know yet. A renamed file is there twice: it is gone from where
/// it was.
fn changed(root: &Path, revision: &str) -> Result<Vec<String>> {
    if revision.starts_with('-') {
        bail!("--since {revision:?} is no commit");
    }
    // What GitHub says of a branch that was not there before.
    if !revision.is_empty() && revision.bytes().all(|byte| byte == b'0') {
        return listed(root, &["ls-files", "-z"]);
    }
    let differs = ["diff", "--name-only", "--no-renames", "-z", revision, "--"];
    let mut paths = listed(root, &differs).with_context(|| {
        format!("what changed since {revision:?} is unknown; a shallow clone has no past: `git fetch --unshallow`, or name the paths")
    })?;
    paths.extend(listed(root, &["ls-files", "--others", "--exclude-standard", "-z"])?);
    Ok(paths)
}

fn listed(root: &Path, arguments: &[&str]) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(root)
        .output()
        .context("git cannot be run")?;
    if !output.status.success() {
        bail!(
            "git {}: {}",
            arguments[0],
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text
        .split('\0')
        .filter(|path| !path.is_empty())
        .map(str::to_owned)
        .collect())
}
