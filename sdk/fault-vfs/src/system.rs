//! The four functions of the C library that decide what is on a disk for good, in the place of its own.
//!
//! The linker takes a function of the program before one of a shared library, so SQLite and the standard library both call these.
//! Real calls go by `rustix`, which asks the kernel without the C library.

use std::ffi::{CStr, OsStr, c_char, c_int};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::state::Refused;
use crate::{Inner, find};

unsafe extern "C" {
    /// Where a thread's `errno` lies; glibc and musl both have it.
    safe fn __errno_location() -> *mut c_int;
}

/// Stands in for fsync(2).
///
/// # Safety
/// That of fsync(2): any number may be given.
#[unsafe(no_mangle)]
unsafe extern "C" fn fsync(file: c_int) -> c_int {
    match synced(file) {
        Some(done) => answer(done),
        // SAFETY: the caller answers for its descriptor, and it is used for this one call.
        None => answer(rustix::fs::fsync(unsafe { BorrowedFd::borrow_raw(file) })),
    }
}

/// Stands in for fdatasync(2).
///
/// # Safety
/// That of fdatasync(2): any number may be given.
#[unsafe(no_mangle)]
unsafe extern "C" fn fdatasync(file: c_int) -> c_int {
    match synced(file) {
        Some(done) => answer(done),
        // SAFETY: the caller answers for its descriptor, and it is used for this one call.
        None => answer(rustix::fs::fdatasync(unsafe { BorrowedFd::borrow_raw(file) })),
    }
}

/// Stands in for rename(2).
///
/// # Safety
/// Both are strings with a zero at their end, as rename(2) asks for.
#[unsafe(no_mangle)]
unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: the caller gives two strings, which live as long as its call.
    let (from, to) = unsafe { (path(from), path(to)) };
    let (Some((disk, old)), Some((_, new))) = (place(from), place(to)) else {
        return answer(rustix::fs::rename(from, to));
    };
    let mut state = disk.lock();
    // Without power nothing is renamed, so that a file still is where the disk believes it to be.
    let done = state.powered().map_err(io).and_then(|()| rustix::fs::rename(from, to));
    answer(done.and_then(|()| state.rename(&old, &new).map_err(io)))
}

/// Stands in for unlink(2).
///
/// # Safety
/// The argument is a string with a zero at its end, as unlink(2) asks for.
#[unsafe(no_mangle)]
unsafe extern "C" fn unlink(name: *const c_char) -> c_int {
    // SAFETY: the caller gives a string, which lives as long as its call.
    let path = unsafe { path(name) };
    let Some((disk, name)) = place(path) else {
        return answer(rustix::fs::unlink(path));
    };
    let mut state = disk.lock();
    let done = state.powered().map_err(io).and_then(|()| rustix::fs::unlink(path));
    answer(done.and_then(|()| state.remove(&name).map_err(io)))
}

/// What a disk says of a sync; `None` where the file lies on none.
fn synced(file: c_int) -> Option<rustix::io::Result<()>> {
    let path = std::fs::read_link(format!("/proc/self/fd/{file}")).ok()?;
    let (disk, name) = find(&path)?;
    Some(disk.lock().sync(&name).map_err(io))
}

fn place(path: &Path) -> Option<(Arc<Inner>, String)> {
    let folder: PathBuf = path.parent()?.canonicalize().ok()?;
    find(&folder.join(path.file_name()?))
}

/// # Safety
/// `text` is a string with a zero at its end that lives for `'a`.
unsafe fn path<'a>(text: *const c_char) -> &'a Path {
    // SAFETY: as this function asks for.
    Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(text) }.to_bytes()))
}

fn io(_: Refused) -> rustix::io::Errno {
    rustix::io::Errno::IO
}

fn answer(done: rustix::io::Result<()>) -> c_int {
    let Err(error) = done else { return 0 };
    // SAFETY: the C library gives the place of this thread's own number, good for as long as the thread is.
    unsafe { *__errno_location() = error.raw_os_error() };
    -1
}
