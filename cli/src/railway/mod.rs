//! The platform's infrastructure as code, made of `registry.toml` and the cargo graph, and what would go wrong with it.

pub(crate) mod check;
mod domains;
mod fleet;
mod service;
mod variables;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use syscall_sdk::registry::Registry;

use crate::workspace::{self, Workspace};

/// What is rendered, from the root of the checkout.
pub(crate) const FLEET: &str = "railway/fleet.ts";
/// Where the platform's command line looks; it hands the other on.
pub(crate) const ENTRY: &str = ".railway/railway.ts";
/// All that it says.
const HANDED_ON: &str = "\
// `railway config plan` looks here; what it finds is rendered by `blackroad railway render`.
export { default } from \"../railway/fleet.ts\";
";

/// A checkout, with what the files are made of.
#[derive(Debug)]
pub(crate) struct Checkout {
    root: PathBuf,
    registry: Registry,
    workspace: Workspace,
}

impl Checkout {
    /// The one that this directory lies in.
    pub(crate) fn here() -> Result<Self> {
        let root = workspace::root()?;
        Ok(Checkout {
            registry: workspace::registry(&root)?,
            workspace: Workspace::load(&root)?,
            root,
        })
    }

    /// Every file with its text.
    pub(crate) fn files(&self) -> Result<[(&'static str, String); 2]> {
        let fleet = fleet::text(self.registry.file(), &self.workspace)?;
        Ok([(FLEET, fleet), (ENTRY, HANDED_ON.to_owned())])
    }

    /// Writes the files where they differ, and gives those that did.
    pub(crate) fn write(&self) -> Result<Vec<&'static str>> {
        let mut written = Vec::new();
        for (path, text) in self.files()? {
            let place = self.root.join(path);
            if read(&place).as_deref() == Some(&text) {
                continue;
            }
            if let Some(folder) = place.parent() {
                std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
            }
            std::fs::write(&place, text).with_context(|| format!("{path} cannot be written"))?;
            written.push(path);
        }
        Ok(written)
    }
}

fn read(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

#[cfg(test)]
mod tests;
