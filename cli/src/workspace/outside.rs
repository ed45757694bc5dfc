//! What packages take from outside of their folders.

use anyhow::Result;

use super::Workspace;

impl Workspace {
    /// The patterns of what a package, and those that it is built from, take from outside of their folders; all begin at the root.
    pub(crate) fn outside(&self, package: &str) -> Result<Vec<&str>> {
        let closure = self.closure(package)?;
        Ok(closure
            .into_iter()
            .flat_map(|package| package.watch.iter().map(String::as_str))
            .collect())
    }

    /// The folders of the packages that are not among these.
    pub(crate) fn folders_beside(&self, folders: &[&str]) -> Vec<&str> {
        self.packages
            .values()
            .map(|package| package.folder.as_str())
            .filter(|folder| !folders.contains(folder))
            .collect()
    }
}
