//! A folder: its names, its files, and the power.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::image::Image;
use crate::{Damage, Lie, Rng};

/// A file, whatever it is called by now.
pub(crate) type Id = usize;

/// Why an operation is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The power is gone, or a sync was to fail.
    Io,
    /// No room.
    Full,
}

#[derive(Debug)]
pub(crate) struct State {
    rng: Rng,
    files: Vec<Image>,
    /// As the program sees them.
    names: BTreeMap<String, Id>,
    /// As they were when the folder was last synced.
    synced_names: BTreeMap<String, Id>,
    /// What happened to names since, in the order in which a file system with a journal keeps it.
    renamed: Vec<Naming>,
    pub(crate) operations: u64,
    pub(crate) syncs: BTreeMap<String, u64>,
    pub(crate) cut_at: Option<u64>,
    pub(crate) cut: bool,
    /// Counts down to the sync that fails; 0 is none.
    pub(crate) failing_sync: u64,
    /// Writes until there is no room, and how many then find none.
    pub(crate) full: Option<(u64, u64)>,
    pub(crate) lie: Option<Lie>,
}

#[derive(Debug)]
enum Naming {
    Create(String, Id),
    Rename(String, String),
    Remove(String),
}

impl State {
    pub(crate) fn new(folder: &Path, rng: Rng) -> io::Result<Self> {
        let mut state = State {
            rng,
            files: Vec::new(),
            names: BTreeMap::new(),
            synced_names: BTreeMap::new(),
            renamed: Vec::new(),
            operations: 0,
            syncs: BTreeMap::new(),
            cut_at: None,
            cut: false,
            failing_sync: 0,
            full: None,
            lie: None,
        };
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if let (Ok(name), true) = (entry.file_name().into_string(), entry.file_type()?.is_file()) {
                state.names.insert(name, state.files.len());
                state.files.push(Image::synced(fs::read(entry.path())?));
            }
        }
        state.synced_names = state.names.clone();
        Ok(state)
    }

    /// Counts an operation; says whether the power goes, or has gone, before it is done.
    fn operate(&mut self) -> Result<(), Refused> {
        if self.cut {
            return Err(Refused::Io);
        }
        self.operations += 1;
        self.cut = self.cut_at.is_some_and(|at| self.operations >= at);
        if self.cut { Err(Refused::Io) } else { Ok(()) }
    }

    /// The file of a name that SQLite opens, made where it is new.
    pub(crate) fn open(&mut self, name: &str) -> Id {
        if let Some(id) = self.names.get(name) {
            return *id;
        }
        let id = self.files.len();
        self.files.push(Image::default());
        // Where the power goes in it, the next operation of the file says so.
        let _ = self.name(Naming::Create(name.to_owned(), id));
        id
    }

    /// Refused without power.
    pub(crate) fn powered(&self) -> Result<(), Refused> {
        if self.cut { Err(Refused::Io) } else { Ok(()) }
    }

    pub(crate) fn write(&mut self, id: Id, at: usize, bytes: &[u8]) -> Result<(), Refused> {
        if let Some((nth, many)) = self.full {
            self.full = match (nth, many) {
                (_, 0) => None,
                (0 | 1, many) => Some((1, many - 1)),
                (nth, many) => Some((nth - 1, many)),
            };
            if nth <= 1 && many > 0 {
                return Err(Refused::Full);
            }
        }
        self.change(|file| file.write(at, bytes), id)
    }

    pub(crate) fn resize(&mut self, id: Id, length: usize) -> Result<(), Refused> {
        self.change(|file| file.resize(length), id)
    }

    /// The change that the power goes in is among those of which some are kept.
    fn change(&mut self, change: impl FnOnce(&mut Image), id: Id) -> Result<(), Refused> {
        self.powered()?;
        change(&mut self.files[id]);
        self.operate()
    }

    /// Syncs a file, or the folder, whose name is `""`.
    pub(crate) fn sync(&mut self, name: &str) -> Result<(), Refused> {
        self.operate()?;
        *self.syncs.entry(name.to_owned()).or_default() += 1;
        if name.is_empty() {
            if self.lie != Some(Lie::Names) {
                for naming in self.renamed.drain(..) {
                    naming.apply(&mut self.synced_names);
                }
            }
            return Ok(());
        }
        // Files that only the standard library writes, such as the lock, are none of the disk's.
        let Some(id) = self.names.get(name) else { return Ok(()) };
        let file = &mut self.files[*id];
        if self.failing_sync > 0 {
            self.failing_sync -= 1;
            if self.failing_sync == 0 {
                file.fail_sync(&mut self.rng);
                return Err(Refused::Io);
            }
        }
        if self.lie != Some(Lie::Files) {
            file.sync();
        }
        Ok(())
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Result<(), Refused> {
        self.powered()?;
        self.name(Naming::Rename(from.to_owned(), to.to_owned()))
    }

    pub(crate) fn remove(&mut self, name: &str) -> Result<(), Refused> {
        self.powered()?;
        self.name(Naming::Remove(name.to_owned()))
    }

    fn name(&mut self, naming: Naming) -> Result<(), Refused> {
        naming.apply(&mut self.names);
        self.renamed.push(naming);
        self.operate()
    }

    /// Leaves in the folder what a cut leaves, all of it synced from then on.
    pub(crate) fn restore(&mut self, folder: &Path, damage: Damage) -> io::Result<()> {
        let kept = self.rng.below(self.renamed.len() as u64 + 1) as usize;
        for naming in self.renamed.drain(..).take(kept) {
            naming.apply(&mut self.synced_names);
        }
        for (name, id) in &self.synced_names {
            let moved = self.names.get(name) != Some(id);
            let (bytes, mut touched) = self.files[*id].cut(damage, &mut self.rng);
            if moved {
                touched.push(0..usize::MAX);
            }
            patch(&folder.join(name), bytes, &touched)?;
        }
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let known = self.names.contains_key(name) && !self.synced_names.contains_key(name);
            // The index of the log is memory that lies in a file: no cut keeps it.
            if known || name.ends_with("-shm") {
                rustix::fs::unlink(&path)?;
            }
        }
        self.names = self.synced_names.clone();
        (self.cut, self.cut_at, self.full, self.failing_sync) = (false, None, None, 0);
        Ok(())
    }
}

impl Naming {
    fn apply(&self, names: &mut BTreeMap<String, Id>) {
        match self {
            Naming::Create(name, id) => {
                names.insert(name.clone(), *id);
            }
            Naming::Rename(from, to) => {
                if let Some(id) = names.remove(from) {
                    names.insert(to.clone(), id);
                }
            }
            Naming::Remove(name) => {
                names.remove(name);
            }
        }
    }
}

/// Makes a file what it is to be, where it may be something else.
fn patch(path: &Path, bytes: &[u8], touched: &[Range<usize>]) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    file.set_len(bytes.len() as u64)?;
    for range in touched {
        let range = range.start.min(bytes.len())..range.end.min(bytes.len());
        file.write_all_at(&bytes[range.clone()], range.start as u64)?;
    }
    Ok(())
}
