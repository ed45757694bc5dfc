//! That nothing is at a place, and where one can go on from.

use serde_json::json;
use syscall_sdk::error::Error;

use crate::path::FsPath;

/// Nothing is there; the directory of its first so many names is.
pub(super) fn nothing(path: &FsPath, names: usize) -> Error {
    let (path, near) = (path.text(), path.ancestor(names).text());
    Error::not_found(format!("nothing is at {path}; {near} is the nearest directory"))
        .with_code("PATH_NOT_FOUND")
        .with_details(json!({ "path": path, "nearest": near }))
}
