//! Lists the repository's `docs/` folder, so that the service carries every page and picture in its binary.

use std::fmt::Write as _;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};

fn main() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    if folder.is_dir() {
        list(&folder, &mut files)?;
    }
    files.sort();

    let mut pages = String::new();
    let mut pictures = String::new();
    let mut folders: Vec<String> = Vec::new();
    let mut contents = String::from("\"\"");
    for file in files {
        let relative = file
            .strip_prefix(&folder)
            .map_err(Error::other)?
            .to_string_lossy()
            .replace('\\', "/");
        let included = file.canonicalize()?;
        if relative == "contents.toml" {
            contents = format!("include_str!({included:?})");
            continue;
        }
        match relative.rsplit_once('.') {
            Some((path, "md")) => writeln!(pages, "({path:?}, include_str!({included:?})),"),
            Some((_, "svg" | "png" | "jpg" | "webp")) => {
                writeln!(pictures, "({relative:?}, include_bytes!({included:?}) as &[u8]),")
            }
            _ => continue,
        }
        .map_err(Error::other)?;
        if let Some((first, _)) = relative.split_once('/')
            && folders.iter().all(|known| known != first)
        {
            folders.push(first.to_owned());
        }
    }
    let folders: Vec<String> = folders.iter().map(|folder| format!("/{folder}/{{*path}}")).collect();
    let code = format!(
        "/// Every page: its path without `.md`, and its text.\npub(crate) static PAGES: &[(&str, &str)] = &[\n{pages}];\n\
         /// Every picture: its path, and its bytes.\npub(crate) static PICTURES: &[(&str, &[u8])] = &[\n{pictures}];\n\
         /// The order of sections and pages.\npub(crate) static CONTENTS: &str = {contents};\n\
         /// The routes of the folders at the top.\npub(crate) static FOLDERS: &[&str] = &{folders:?};\n"
    );
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or_else(|| Error::other("cargo says where to write"))?);
    std::fs::write(out.join("embedded.rs"), code)
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            list(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
