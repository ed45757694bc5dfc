//! A set of files, told as folders and single files: small enough to be written as patterns and asked alike.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

/// Folders and files that belong, and folders in them that do not.
#[derive(Debug, Default)]
pub(super) struct Area {
    folders: BTreeSet<String>,
    left_out: BTreeSet<String>,
    files: BTreeSet<String>,
}

impl Area {
    /// All of a folder belongs; empty is the root.
    pub(super) fn take_folder(&mut self, folder: &str) {
        self.folders.insert(folder.to_owned());
    }

    /// Nothing of a folder belongs, though it lies in one that does.
    pub(super) fn leave_folder(&mut self, folder: &str) {
        self.left_out.insert(folder.to_owned());
    }

    /// A file, or with `/**` a folder, belongs. Nothing else of the patterns' language is taken: what each file is asked for here must be
    /// what the platform makes of the same words.
    pub(super) fn take(&mut self, pattern: &str) -> Result<()> {
        let inner = pattern.trim_start_matches('/');
        let plain = inner.strip_suffix("/**").unwrap_or(inner);
        ensure!(
            !plain.is_empty() && !plain.contains(['*', '?', '[', '!', '\\', '#']) && !plain.ends_with('/'),
            "the watch pattern {pattern:?} is neither a file (/docs/page.md) nor a folder (/docs/**), from the root of the repository"
        );
        match inner.strip_suffix("/**") {
            Some(folder) => self.folders.insert(folder.to_owned()),
            None => self.files.insert(inner.to_owned()),
        };
        Ok(())
    }

    /// Whether a path belongs.
    pub(super) fn holds(&self, path: &str) -> bool {
        let path = path.trim_start_matches("./");
        self.files.contains(path) || self.lies_in_it(path)
    }

    /// The same in the words of `.gitignore`, where the last pattern that fits a path decides.
    pub(super) fn patterns(&self) -> Vec<String> {
        let mut patterns = Vec::new();
        // A folder sorts before those in it, so that what is nearer comes later.
        for folder in self.folders.union(&self.left_out) {
            if self.folders.contains(folder) {
                if !self.lies_in_it(folder) {
                    patterns.push(if folder.is_empty() {
                        "/**".to_owned()
                    } else {
                        format!("/{folder}/**")
                    });
                }
            } else {
                // Both: git does not look into a folder that is out, other readers match paths alone.
                patterns.push(format!("!/{folder}/"));
                patterns.push(format!("!/{folder}/**"));
            }
        }
        patterns.extend(
            self.files
                .iter()
                .filter(|file| !self.lies_in_it(file))
                .map(|file| format!("/{file}")),
        );
        patterns
    }

    /// Whether the folders say so: the nearest that is spoken of decides, since what is left out may hold what is wanted.
    fn lies_in_it(&self, path: &str) -> bool {
        let spoken = folders_of(path).find(|folder| self.folders.contains(*folder) || self.left_out.contains(*folder));
        spoken.is_some_and(|folder| self.folders.contains(folder))
    }
}

/// The folders that a path lies in, the nearest first, the root last.
fn folders_of(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(parent(path), |folder| parent(folder))
}

fn parent(path: &str) -> Option<&str> {
    match path.rsplit_once('/') {
        Some((folder, _)) => Some(folder),
        None if path.is_empty() => None,
        None => Some(""),
    }
}
