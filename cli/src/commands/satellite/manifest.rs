//! The workspace's manifest, cut down to the packages that are there; what is left of it reads as it did, with its comments.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use toml_edit::{Array, DocumentMut, Item, TableLike, value};

/// Tables of a package in which dependencies are named.
const DEPENDENCIES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Writes the manifest of a workspace that has these folders alone; a command without `-p` is about the service's.
pub(super) fn cut(root: &Path, to: &Path, folders: &[&str], own: &str) -> Result<()> {
    let mut manifest = read(&root.join("Cargo.toml"))?;
    let mut used = BTreeSet::new();
    for folder in folders {
        let package = read(&root.join(folder).join("Cargo.toml"))?;
        for table in DEPENDENCIES {
            used.extend(names(package.get(table)));
        }
        let targets = package.get("target").and_then(Item::as_table_like);
        for target in targets.into_iter().flat_map(TableLike::iter) {
            for table in DEPENDENCIES {
                used.extend(names(target.1.get(table)));
            }
        }
    }
    let workspace = manifest["workspace"]
        .as_table_mut()
        .context("the manifest of the checkout is that of a workspace")?;
    workspace["members"] = value(folders.iter().copied().collect::<Array>());
    workspace["default-members"] = value([own].into_iter().collect::<Array>());
    workspace.remove("exclude");
    if let Some(dependencies) = workspace.get_mut("dependencies").and_then(Item::as_table_like_mut) {
        let dropped: Vec<String> = dependencies
            .iter()
            .map(|(name, _)| name.to_owned())
            .filter(|name| !used.contains(name))
            .collect();
        for name in dropped {
            dependencies.remove(&name);
        }
    }
    write(&to.join("Cargo.toml"), &manifest)
}

/// Takes out what a profile says of packages that the lock file does not have, of which cargo would warn at every command.
pub(super) fn drop_profiles(folder: &Path) -> Result<()> {
    let lock = read(&folder.join("Cargo.lock"))?;
    let locked: BTreeSet<&str> = lock["package"]
        .as_array_of_tables()
        .into_iter()
        .flatten()
        .filter_map(|package| package.get("name")?.as_str())
        .collect();
    let file = folder.join("Cargo.toml");
    let mut manifest = read(&file)?;
    let profiles = manifest.get_mut("profile").and_then(Item::as_table_like_mut);
    for (_, profile) in profiles.into_iter().flat_map(TableLike::iter_mut) {
        let Some(packages) = profile.get_mut("package").and_then(Item::as_table_like_mut) else {
            continue;
        };
        let gone: Vec<String> = packages
            .iter()
            .map(|(name, _)| name.to_owned())
            .filter(|name| name != "*" && !locked.contains(name.as_str()))
            .collect();
        for name in gone {
            packages.remove(&name);
        }
    }
    write(&file, &manifest)
}

fn names(table: Option<&Item>) -> impl Iterator<Item = String> {
    let table = table.and_then(Item::as_table_like);
    table
        .into_iter()
        .flat_map(|table| table.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>())
}

fn read(file: &Path) -> Result<DocumentMut> {
    let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    text.parse().with_context(|| format!("{} is no TOML", file.display()))
}

fn write(file: &Path, manifest: &DocumentMut) -> Result<()> {
    fs::write(file, manifest.to_string()).with_context(|| format!("{} cannot be written", file.display()))
}
