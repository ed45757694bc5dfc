//! The file system that SQLite sees: its own, but that files on a [`Disk`](crate::Disk) pass by here.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::size_of;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rusqlite::ffi::{
    self, SQLITE_FULL, SQLITE_IOERR, SQLITE_OK, sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs,
};

use crate::state::{Id, Refused};
use crate::{Inner, find};

/// SQLite's own, which does the work.
struct Own(*mut sqlite3_vfs);

// SAFETY: SQLite's file systems are made to be called by any thread, and this one lives as long as the process.
unsafe impl Send for Own {}
// SAFETY: as above.
unsafe impl Sync for Own {}

static OWN: OnceLock<Own> = OnceLock::new();

/// Makes this the file system of every connection that names none, once a process.
pub(crate) fn register() {
    OWN.get_or_init(|| {
        // SAFETY: without a name SQLite gives its default file system, whose description it never takes back.
        let own = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
        assert!(!own.is_null(), "SQLite has a file system on Linux");
        // SAFETY: it points to a description, of which this makes a copy.
        let copy = unsafe { *own };
        // All that is not replaced is inherited, with the data that the inherited functions ask the description for.
        let ours = Box::leak(Box::new(sqlite3_vfs {
            zName: c"power-cut".as_ptr(),
            szOsFile: copy.szOsFile + size_of::<Wrapped>() as c_int,
            xOpen: Some(open),
            pNext: std::ptr::null_mut(),
            ..copy
        }));
        // SAFETY: the description is right and is never freed.
        let done = unsafe { ffi::sqlite3_vfs_register(ours, 1) };
        assert_eq!(done, SQLITE_OK, "SQLite takes a file system");
        Own(own)
    });
}

/// A file as SQLite holds it; SQLite's own file lies behind it in the same piece of memory.
#[repr(C)]
struct Wrapped {
    base: sqlite3_file,
    place: *mut Place,
}

/// What file it is.
struct Place {
    disk: Arc<Inner>,
    id: Id,
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    let own = OWN.get().expect("it is set before SQLite learns of this function").0;
    let open = |file: *mut sqlite3_file| {
        // SAFETY: these are the arguments that SQLite made for its own file system, with room behind `file` for either.
        unsafe { ((*own).xOpen.expect("every file system opens"))(own, name, file, flags, out) }
    };
    // A file without a name is a temporary one.
    let found = (!name.is_null())
        // SAFETY: SQLite gives a string with a zero at its end, which lives as long as the file is open.
        .then(|| unsafe { CStr::from_ptr(name) }.to_str().ok())
        .flatten()
        .and_then(|name| find(Path::new(name)));
    let Some((disk, name)) = found else { return open(file) };
    // SAFETY: SQLite has left as much room as `register` asked for.
    let inner = unsafe { inner(file) };
    let wrapped = file.cast::<Wrapped>();
    // SAFETY: as above; without methods SQLite does not close what could not be opened.
    unsafe { (*wrapped).base.pMethods = std::ptr::null() };
    if disk.lock().powered().is_err() {
        return SQLITE_IOERR;
    }
    let done = open(inner);
    if done != SQLITE_OK {
        return done;
    }
    // Where the power goes in it, every operation of the file will say so.
    let id = disk.lock().open(&name);
    // SAFETY: as above; the methods are for files of this shape, and `close` takes the place back.
    unsafe {
        (*wrapped).place = Box::into_raw(Box::new(Place { disk, id }));
        (*wrapped).base.pMethods = &METHODS;
    }
    SQLITE_OK
}

/// # Safety
/// `file` was made by `open`.
unsafe fn inner(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: the memory goes on behind the wrapper, by as much as SQLite's own file needs.
    unsafe { file.cast::<Wrapped>().add(1).cast() }
}

/// # Safety
/// `file` was opened and not yet closed.
unsafe fn place<'a>(file: *mut sqlite3_file) -> &'a Place {
    // SAFETY: `open` has set it and `close` alone frees it.
    unsafe { &*(*file.cast::<Wrapped>()).place }
}

fn code(done: Result<(), Refused>) -> c_int {
    match done {
        Ok(()) => SQLITE_OK,
        Err(Refused::Io) => SQLITE_IOERR,
        Err(Refused::Full) => SQLITE_FULL,
    }
}

/// Calls a method of SQLite's own file.
macro_rules! own {
    ($file:ident, $method:ident $(, $argument:expr)*) => {{
        // SAFETY: SQLite calls a method on an open file with arguments that the same method of its own file takes, and a file
        // that has a log in memory, as this one says, has all of them.
        unsafe {
            let own = inner($file);
            ((*(*own).pMethods).$method.expect("SQLite's own files have every method"))(own $(, $argument)*)
        }
    }};
}

/// Methods that are SQLite's own.
macro_rules! inherit {
    ($($name:ident = $method:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {$(
        unsafe extern "C" fn $name(file: *mut sqlite3_file $(, $argument: $type)*) $(-> $result)? {
            own!(file, $method $(, $argument)*)
        }
    )*};
}

inherit! {
    lock = xLock(level: c_int) -> c_int;
    unlock = xUnlock(level: c_int) -> c_int;
    check_reserved_lock = xCheckReservedLock(out: *mut c_int) -> c_int;
    file_control = xFileControl(op: c_int, argument: *mut c_void) -> c_int;
    sector_size = xSectorSize() -> c_int;
    device_characteristics = xDeviceCharacteristics() -> c_int;
    shm_map = xShmMap(page: c_int, size: c_int, extend: c_int, out: *mut *mut c_void) -> c_int;
    shm_lock = xShmLock(offset: c_int, many: c_int, flags: c_int) -> c_int;
    shm_barrier = xShmBarrier();
    shm_unmap = xShmUnmap(delete: c_int) -> c_int;
    // Its sync comes by way of `system::fsync`.
    sync = xSync(flags: c_int) -> c_int;
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    let done = own!(file, xClose);
    // SAFETY: `open` made it, and SQLite closes a file once.
    drop(unsafe { Box::from_raw((*file.cast::<Wrapped>()).place) });
    done
}

unsafe extern "C" fn read(file: *mut sqlite3_file, to: *mut c_void, many: c_int, at: sqlite3_int64) -> c_int {
    // SAFETY: SQLite reads from open files.
    let done = unsafe { place(file) }.disk.lock().powered();
    if done.is_err() {
        code(done)
    } else {
        own!(file, xRead, to, many, at)
    }
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, out: *mut sqlite3_int64) -> c_int {
    // SAFETY: SQLite asks of open files.
    let done = unsafe { place(file) }.disk.lock().powered();
    if done.is_err() {
        code(done)
    } else {
        own!(file, xFileSize, out)
    }
}

unsafe extern "C" fn write(file: *mut sqlite3_file, from: *const c_void, many: c_int, at: sqlite3_int64) -> c_int {
    // SAFETY: SQLite writes to open files.
    let place = unsafe { place(file) };
    // SAFETY: SQLite gives so many bytes, which nobody changes during the call.
    let bytes = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), many as usize) };
    let done = place.disk.lock().write(place.id, at as usize, bytes);
    if done.is_err() {
        code(done)
    } else {
        own!(file, xWrite, from, many, at)
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, length: sqlite3_int64) -> c_int {
    // SAFETY: SQLite truncates open files.
    let place = unsafe { place(file) };
    let done = place.disk.lock().resize(place.id, length as usize);
    if done.is_err() {
        code(done)
    } else {
        own!(file, xTruncate, length)
    }
}

/// Version 2: with a log, and without pages that are mapped, since writes to those would pass by unseen.
static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
