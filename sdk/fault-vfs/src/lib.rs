//! A disk that loses its power: what a program has not synced is lost in part, in an order of the disk's own.
//!
//! A [`Disk`] is a folder. What SQLite writes to files in it passes a virtual file system (`vfs`) that is the default one of the
//! process; syncs, renames and deletions, SQLite's and the standard library's alike, pass functions that stand in the place of the C
//! library's (`system`). So the program under test is the one that ships: nothing in it knows of the disk. Files elsewhere are left
//! alone.
//!
//! At a power cut, which can be set to fall into any operation, every later one fails. Once the program has let go of its files,
//! [`Disk::restore`] leaves in the folder what had been synced and, of the rest, what [`Damage`] says. The same seed damages the same.
//!
//! Only for Linux, where the C library's functions can be stood in for.

#![cfg(target_os = "linux")]

mod image;
mod rng;
mod state;
mod system;
mod vfs;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

pub use rng::Rng;
use state::State;

/// What a power cut leaves of the writes that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Of each file the first of them, however many, the last one torn at any byte.
    Prefix,
    /// Any of their sectors of 512 bytes, in any order; where a file had grown, the others hold zeros or rubbish.
    Sectors,
}

/// How a disk breaks its word; a proof that does not notice is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Files are said to be synced and are not: as with `synchronous=OFF`, or a program that acknowledges before it syncs.
    Files,
    /// Names are said to be synced and are not: a new file is gone with the power.
    Names,
}

/// A folder that can lose its power.
#[derive(Clone, Debug)]
pub struct Disk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    state: Mutex<State>,
}

/// The disks of this process: SQLite and the C library know of one file system alone.
static DISKS: Mutex<Vec<Weak<Inner>>> = Mutex::new(Vec::new());

impl Disk {
    /// A disk in a folder that is there. What is in it counts as synced.
    ///
    /// # Errors
    /// Those of reading the folder.
    ///
    /// # Panics
    /// Where the C library's functions are not stood in for, since nothing would be proved.
    pub fn new(folder: &Path, seed: u64) -> io::Result<Self> {
        vfs::register();
        let folder = folder.canonicalize()?;
        let state = Mutex::new(State::new(&folder, Rng::new(seed))?);
        let inner = Arc::new(Inner { folder, state });
        let mut disks = DISKS.lock().expect("nothing panics while it holds the lock");
        disks.retain(|disk| disk.strong_count() > 0);
        disks.push(Arc::downgrade(&inner));
        drop(disks);
        let disk = Disk(inner);
        let before = disk.operations();
        File::open(&disk.0.folder)?.sync_all()?;
        assert!(disk.operations() > before, "a sync went past the disk");
        Ok(disk)
    }

    /// Operations since the disk was made: writes, truncations, syncs, new names, renames and deletions.
    pub fn operations(&self) -> u64 {
        self.0.lock().operations
    }

    /// Syncs since the disk was made, by the name of the file; the folder's own is `""`.
    pub fn syncs(&self) -> BTreeMap<String, u64> {
        self.0.lock().syncs.clone()
    }

    /// Cuts the power in the middle of the nth operation from now, 1 being the next.
    pub fn cut_at(&self, nth: u64) {
        let mut state = self.0.lock();
        state.cut_at = Some(state.operations + nth);
    }

    /// Cuts the power now.
    pub fn cut(&self) {
        self.0.lock().cut = true;
    }

    /// Whether the power is gone.
    pub fn is_cut(&self) -> bool {
        self.0.lock().cut
    }

    /// Fails the nth sync of a file from now, 1 being the next. What it was to write is lost or not, and no later sync brings it
    /// back: that is what systems do.
    pub fn fail_sync(&self, nth: u64) {
        self.0.lock().failing_sync = nth;
    }

    /// Fails the nth write from now for want of room, and so many after it.
    pub fn fail_writes(&self, nth: u64, many: u64) {
        self.0.lock().full = Some((nth, many));
    }

    /// Breaks the disk's word from now on; `None` keeps it again.
    pub fn lie(&self, lie: Option<Lie>) {
        self.0.lock().lie = lie;
    }

    /// Brings the power back: the folder holds what a cut leaves. Call it when no file in it is open.
    ///
    /// # Errors
    /// Those of writing the files.
    pub fn restore(&self, damage: Damage) -> io::Result<()> {
        self.0.lock().restore(&self.0.folder, damage)
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the lock")
    }
}

/// The disk that a path lies on, and the file's name there.
fn find(path: &Path) -> Option<(Arc<Inner>, String)> {
    let disks = DISKS.lock().expect("nothing panics while it holds the lock");
    disks.iter().filter_map(Weak::upgrade).find_map(|disk| {
        let name = path.strip_prefix(&disk.folder).ok()?.to_str()?.to_owned();
        Some((disk, name))
    })
}
