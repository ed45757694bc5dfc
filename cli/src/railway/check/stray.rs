//! Files of the platform's older way of configuration.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::Finding;

/// What the older way calls its files.
const OLDER: [&str; 2] = ["railway.json", "railway.toml"];
/// Folders that are no part of the repository.
const ELSEWHERE: [&str; 3] = [".git", "node_modules", "target"];
/// Deepest folder that is looked into: a loop of links ends there, and no repository is this deep.
const DEEPEST: usize = 16;

/// Every such file below the root.
pub(super) fn files(root: &Path) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    look(root, root, 0, &mut found)?;
    Ok(found)
}

fn look(root: &Path, folder: &Path, depth: usize, found: &mut Vec<Finding>) -> Result<()> {
    if depth > DEEPEST {
        return Ok(());
    }
    let entries = std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if entry.file_type()?.is_dir() {
            if !ELSEWHERE.contains(&name) {
                look(root, &entry.path(), depth + 1, found)?;
            }
        } else if OLDER.contains(&name) {
            let path = entry.path();
            let at = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            let what = if depth == 0 {
                "is read for every service of the repository that names no file of its own, goes before railway/fleet.ts, and is not read at all from 2026-12-01"
            } else {
                "is the platform's older way: new services do not read it, no service does from 2026-12-01, and `railway config plan` stops at it"
            };
            found.push(Finding::new(
                at,
                what,
                "delete it; what it says belongs into registry.toml",
            ));
        }
    }
    Ok(())
}
