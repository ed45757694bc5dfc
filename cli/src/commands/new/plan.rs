//! What is to be written, all of it or nothing: each file is written beside its place first, and then they are put there one after the other;
//! where one cannot be, those before it are put back.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// End of the files that lie beside their places for a moment.
const BESIDE: &str = ".blackroad-new";

/// Files below a folder, and what is to stand in them.
#[derive(Debug)]
pub(super) struct Plan {
    root: PathBuf,
    files: BTreeMap<PathBuf, File>,
}

#[derive(Debug)]
struct File {
    /// `None` where there is none yet.
    before: Option<String>,
    after: String,
}

impl Plan {
    /// A plan for a folder, with nothing in it.
    pub(super) fn new(root: PathBuf) -> Self {
        Plan {
            root,
            files: BTreeMap::new(),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Each path with whether the file is a new one.
    pub(super) fn files(&self) -> impl Iterator<Item = (&Path, bool)> {
        self.files
            .iter()
            .map(|(path, file)| (path.as_path(), file.before.is_none()))
    }

    /// A file that must not be there yet.
    pub(super) fn create(&mut self, path: impl Into<PathBuf>, text: String) -> Result<()> {
        let path = path.into();
        if self.root.join(&path).exists() {
            bail!("{} is there already; choose another name, or remove it", path.display());
        }
        self.files.insert(
            path,
            File {
                before: None,
                after: text,
            },
        );
        Ok(())
    }

    /// A file that is there, with a change; `None` where the place for the change is not found.
    pub(super) fn change(&mut self, path: &str, change: impl FnOnce(&str) -> Option<String>) -> Result<()> {
        let before = self.read(path)?;
        let Some(after) = change(&before) else {
            bail!(
                "{path} does not look as it does in a fleet that `blackroad new` knows: no line of another service is in it; add the \
                 service by hand, as docs/how-to/add-a-service.md says"
            );
        };
        let before = Some(before);
        self.files.insert(PathBuf::from(path), File { before, after });
        Ok(())
    }

    /// What stands in a file of the folder now.
    pub(super) fn read(&self, path: &str) -> Result<String> {
        fs::read_to_string(self.root.join(path)).with_context(|| format!("{path} cannot be read"))
    }

    /// Writes all of it, or nothing.
    ///
    /// # Errors
    /// Where a file cannot be written, or was changed since the plan was made; then the folder is as it was.
    pub(super) fn write(&self) -> Result<()> {
        let mut made = Undo::default();
        let written = self.put_beside(&mut made).and_then(|()| self.put_in_place(&mut made));
        if let Err(error) = written {
            made.undo();
            return Err(error.context("nothing was changed"));
        }
        Ok(())
    }

    fn put_beside(&self, made: &mut Undo) -> Result<()> {
        for (path, file) in &self.files {
            let place = self.root.join(path);
            let folder = place.parent().unwrap_or(&self.root);
            made.folders(folder)?;
            let beside = beside(&place);
            made.files.push((beside.clone(), None));
            fs::write(&beside, &file.after).with_context(|| format!("{} cannot be written", place.display()))?;
        }
        Ok(())
    }

    fn put_in_place(&self, made: &mut Undo) -> Result<()> {
        for (path, file) in &self.files {
            let place = self.root.join(path);
            if read(&place)? != file.before {
                bail!("{} was changed meanwhile; do it again", place.display());
            }
            made.files.push((place.clone(), file.before.clone()));
            fs::rename(beside(&place), &place).with_context(|| format!("{} cannot be written", place.display()))?;
        }
        Ok(())
    }
}

fn beside(place: &Path) -> PathBuf {
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(BESIDE);
    place.with_file_name(name)
}

fn read(place: &Path) -> Result<Option<String>> {
    match fs::read_to_string(place) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", place.display())),
    }
}

/// What was made, so that it can be taken back: files with what stood in them before, folders from the outermost on.
#[derive(Debug, Default)]
struct Undo {
    files: Vec<(PathBuf, Option<String>)>,
    folders: Vec<PathBuf>,
}

impl Undo {
    /// Makes a folder and those above it that are missing.
    fn folders(&mut self, folder: &Path) -> Result<()> {
        let mut missing: Vec<&Path> = folder.ancestors().take_while(|one| !one.exists()).collect();
        missing.reverse();
        for one in missing {
            fs::create_dir(one).with_context(|| format!("{} cannot be made", one.display()))?;
            self.folders.push(one.to_owned());
        }
        Ok(())
    }

    /// Takes everything back, the latest first. What cannot be taken back is said, and the rest goes on.
    fn undo(self) {
        for (path, before) in self.files.into_iter().rev() {
            let undone = match before {
                Some(text) => fs::write(&path, text),
                None => fs::remove_file(&path),
            };
            if let Err(error) = undone
                && error.kind() != io::ErrorKind::NotFound
            {
                eprintln!("{} could not be put back: {error}", path.display());
            }
        }
        for folder in self.folders.into_iter().rev() {
            // One that somebody else has put something into meanwhile stays.
            let _ = fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(folder: &Path) -> Vec<(PathBuf, String)> {
        let mut all = Vec::new();
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                all.push((path.clone(), String::new()));
                all.extend(listing(&path));
            } else {
                all.push((path.clone(), fs::read_to_string(&path).expect("text")));
            }
        }
        all.sort();
        all
    }

    #[test]
    fn where_one_file_cannot_be_written_the_folder_is_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.txt"), "one\n").unwrap();
        // A file where the plan wants a folder.
        fs::write(folder.path().join("z"), "").unwrap();
        let before = listing(folder.path());
        let mut plan = Plan::new(folder.path().to_owned());
        plan.change("a.txt", |text| Some(format!("{text}two\n"))).unwrap();
        plan.create("b/c/d.txt", "new".to_owned()).unwrap();
        plan.create("z/e.txt", "new".to_owned()).unwrap();
        let error = format!("{:#}", plan.write().unwrap_err());
        assert!(error.starts_with("nothing was changed: "), "{error}");
        assert_eq!(listing(folder.path()), before);
    }

    #[test]
    fn what_was_changed_meanwhile_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("b.txt"), "one\n").unwrap();
        let mut plan = Plan::new(folder.path().to_owned());
        plan.create("a/new.txt", "new".to_owned()).unwrap();
        plan.change("b.txt", |text| Some(format!("{text}two\n"))).unwrap();
        fs::write(folder.path().join("b.txt"), "other\n").unwrap();
        let before = listing(folder.path());
        assert!(plan.write().is_err());
        assert_eq!(listing(folder.path()), before);
        fs::write(folder.path().join("b.txt"), "one\n").unwrap();
        plan.write().unwrap();
        let after: Vec<_> = listing(folder.path()).into_iter().map(|(_, text)| text).collect();
        assert_eq!(after, ["", "new", "one\ntwo\n"]);
    }
}
