//! Which files of a checkout a service is built and tested from.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::workspace::Workspace;

/// Files of the root that belong to whoever builds from it. A README and workflows are written anew.
const OF_ALL: [&str; 8] = [
    ".dockerignore",
    ".gitignore",
    "Cargo.lock",
    "clippy.toml",
    "deny.toml",
    "registry.toml",
    "rust-toolchain.toml",
    "rustfmt.toml",
];
/// Folders of the root that do.
const FOLDERS_OF_ALL: [&str; 1] = [".cargo"];

/// The files, from the root: those that git knows, and those that it would take. What it ignores was made here.
pub(super) fn of(root: &Path, workspace: &Workspace, package: &str) -> Result<Vec<String>> {
    let closure = workspace.closure(package)?;
    let folders: Vec<&str> = closure.iter().map(|package| package.folder.as_str()).collect();
    let beside = workspace.folders_beside(&folders);
    let outside: Vec<&str> = workspace
        .outside(package)?
        .into_iter()
        .map(|pattern| pattern.trim_start_matches('/'))
        .collect();
    let belongs = |file: &str| {
        let in_package = nearest(file, &folders) > nearest(file, &beside);
        let from_outside = outside.iter().any(|pattern| match pattern.strip_suffix("/**") {
            Some(folder) => is_below(file, folder),
            None => file == *pattern,
        });
        in_package
            || from_outside
            || OF_ALL.contains(&file)
            || FOLDERS_OF_ALL.iter().any(|folder| is_below(file, folder))
    };
    let mut files: Vec<String> = known(root)?.into_iter().filter(|file| belongs(file)).collect();
    files.sort();
    Ok(files)
}

/// How near the nearest of these folders around a file is, as the length of its path; 0 is none.
fn nearest(file: &str, folders: &[&str]) -> usize {
    let around = folders.iter().filter(|folder| is_below(file, folder));
    around.map(|folder| folder.len()).max().unwrap_or(0)
}

fn is_below(file: &str, folder: &str) -> bool {
    file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn known(root: &Path) -> Result<Vec<String>> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(root)
        .output()
        .context("git, which knows the files of this checkout, cannot be run")?;
    ensure!(
        listed.status.success(),
        "git does not know {}: {}",
        root.display(),
        String::from_utf8_lossy(&listed.stderr).trim()
    );
    let text = String::from_utf8(listed.stdout).context("a file's name is not UTF-8")?;
    let files = text.split_terminator('\0').map(str::to_owned);
    // What was deleted and is not committed yet is listed too.
    Ok(files.filter(|file| root.join(file).is_file()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_belongs_to_the_nearest_package_around_it() {
        let (ours, others) = (["sdk", "services/web"], ["sdk/fuzz", "cli"]);
        for (file, belongs) in [
            ("sdk/src/lib.rs", true),
            ("sdk/fuzz/src/lib.rs", false),
            ("sdk/fuzz/run/Cargo.toml", false),
            ("sdkx/src/lib.rs", false),
            ("services/web/Cargo.toml", true),
            ("cli/src/main.rs", false),
            ("README.md", false),
        ] {
            assert_eq!(nearest(file, &ours) > nearest(file, &others), belongs, "{file}");
        }
    }
}
