//! The fleet in whose folder a command is typed.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// The file that says where a fleet is.
const REGISTRY: &str = "registry.toml";
/// The manifest of the crate that its services share.
const CONTRACTS: &str = "services/contracts/Cargo.toml";

/// The folder of the fleet in which this was typed.
pub(super) fn find() -> Result<PathBuf> {
    let here = std::env::current_dir().context("the folder in which this was typed cannot be found")?;
    let is_fleet = |folder: &&Path| folder.join(REGISTRY).is_file() && folder.join(CONTRACTS).is_file();
    match here.ancestors().find(is_fleet) {
        Some(folder) => Ok(folder.to_owned()),
        None => bail!(
            "neither {} nor a folder above it is a fleet: there is no {REGISTRY} beside {CONTRACTS}; go into one, or make one with \
             `blackroad new fleet NAME --domain DOMAIN`",
            here.display()
        ),
    }
}

/// The clone of the SDK's repository in which this was typed, where it was.
pub(super) fn of_sdk() -> Option<PathBuf> {
    let folder = find().ok()?;
    is_sdk(&folder).then_some(folder)
}

/// Whether a folder is a clone of the SDK's repository.
pub(super) fn is_sdk(folder: &Path) -> bool {
    folder.join("sdk/Cargo.toml").is_file() && folder.join("cli/Cargo.toml").is_file()
}

/// How the names of a fleet's packages begin, by the manifest of its contracts.
pub(super) fn prefix(manifest: &str) -> Result<String> {
    let names = manifest.lines().filter_map(|line| line.strip_prefix("name = \""));
    let prefix = names.filter_map(|name| name.strip_suffix("-contracts\"")).next();
    prefix.map(str::to_owned).with_context(|| {
        format!("{CONTRACTS} has no line name = \"…-contracts\", by which the packages of a fleet are called")
    })
}
