//! `blackroad satellite list`, `blackroad satellite export SERVICE FOLDER`.
//!
//! A satellite is a repository with one service: what the service is built from by the cargo graph, and a workspace, a lock file, an image
//! and a workflow that know of nothing else. It is made from here and never changed there.

mod files;
mod manifest;
mod texts;

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde_json::json;
use syscall_sdk::registry::Registry;

use crate::args::{ExportSatellite, Satellite};
use crate::print;
use crate::workspace::{self, Workspace};

pub(crate) fn run(machine: bool, satellite: Satellite) -> Result<()> {
    let root = workspace::root()?;
    let registry = workspace::registry(&root)?;
    let workspace = Workspace::load(&root)?;
    match satellite {
        Satellite::List => list(machine, &registry, &workspace),
        Satellite::Export(export) => run_export(machine, &root, &registry, &workspace, &export),
    }
}

fn list(machine: bool, registry: &Registry, workspace: &Workspace) -> Result<()> {
    let built = registry.services().filter(|service| workspace.has(&service.name));
    if machine {
        return print::json(&built.map(|service| &service.key).collect::<Vec<_>>());
    }
    let mut table = print::table(&["service", "repository"]);
    for service in built {
        let repository = format!("{}/{}", registry.file().organisation, service.name);
        table.add_row([service.key.clone(), repository]);
    }
    print::show(&table)
}

fn run_export(
    machine: bool,
    root: &Path,
    registry: &Registry,
    workspace: &Workspace,
    export: &ExportSatellite,
) -> Result<()> {
    let service = registry
        .get(&export.service)
        .map_err(|error| anyhow!("{error}; there are {}", registry.keys().join(", ")))?;
    ensure!(
        workspace.has(&service.name),
        "{} is not built from this checkout; what has a repository of its own is no satellite",
        service.key
    );
    let folder = &export.folder;
    make_room(root, folder, export.replace)?;

    let chosen = files::of(root, workspace, &service.name)?;
    for file in &chosen {
        let to = folder.join(file);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).with_context(|| format!("{} cannot be made", parent.display()))?;
        }
        fs::copy(root.join(file), &to).with_context(|| format!("{file} cannot be copied to {}", to.display()))?;
    }
    let written = texts::write(root, folder, registry, service)?;
    let packages = workspace.closure(&service.name)?;
    let folders: Vec<&str> = packages.iter().map(|package| package.folder.as_str()).collect();
    let own = packages
        .iter()
        .find(|package| package.name == service.name)
        .context("a package is in its own closure")?;
    manifest::cut(root, folder, &folders, &own.folder)?;
    // Cargo itself leaves out of the lock file what nothing here needs, and keeps the rest as it was.
    resolve(folder, &[])?;
    manifest::drop_profiles(folder)?;
    resolve(folder, &["--locked"])?;

    let files = chosen.len() + written;
    if machine {
        return print::json(&json!({ "service": service.key, "folder": folder, "files": files, "packages": folders }));
    }
    print::line(format!(
        "{} with {files} files and {} packages is in {}",
        service.name,
        folders.len(),
        folder.display()
    ))?;
    print::line(format!(
        "try it: cd {} && cargo test --locked -p {}",
        folder.display(),
        service.name
    ))
}

/// Makes sure that the folder is there and empty, save for its history.
fn make_room(root: &Path, folder: &Path, replace: bool) -> Result<()> {
    let (root, wanted) = (root.canonicalize()?, std::path::absolute(folder)?);
    // Links on the way are followed as far as there is a way.
    let there = wanted
        .ancestors()
        .find_map(|part| Some((part, part.canonicalize().ok()?)));
    let (part, real) = there.context("a path begins somewhere that is there")?;
    let here = real.join(wanted.strip_prefix(part)?);
    // What cargo makes is nobody's source.
    let inside = here.starts_with(&root) && !here.starts_with(root.join("target"));
    ensure!(
        !inside && !root.starts_with(&here),
        "{} lies in this checkout or around it; name a folder elsewhere",
        folder.display()
    );
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    let beside = entries.iter().filter(|entry| entry.file_name() != ".git").count();
    if beside == 0 {
        return Ok(());
    }
    ensure!(
        replace,
        "{} is not empty; --replace puts the service in the place of all that is in it, save its history",
        folder.display()
    );
    ensure!(
        folder.join(".git").exists() || folder.join("registry.toml").is_file(),
        "{} has neither a .git nor a registry.toml, so it is no satellite; nothing in it is removed",
        folder.display()
    );
    for entry in entries {
        // What cargo has built there is no part of a satellite, and costs minutes.
        if entry.file_name() == ".git" || entry.file_name() == "target" {
            continue;
        }
        let path = entry.path();
        let removed = if entry.file_type()?.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        // What somebody else removed meanwhile is gone as well.
        if let Err(error) = removed
            && error.kind() != ErrorKind::NotFound
        {
            return Err(error).with_context(|| format!("{} cannot be removed", path.display()));
        }
    }
    Ok(())
}

/// Has cargo resolve the workspace in a folder by the lock file that is there, without asking anybody.
fn resolve(folder: &Path, more: &[&str]) -> Result<()> {
    let asked = Command::new("cargo")
        .args(["update", "--workspace", "--offline", "--quiet"])
        .args(more)
        .current_dir(folder)
        .output()
        .context("cargo cannot be run; is it on the PATH?")?;
    if !asked.status.success() {
        bail!(
            "what was written to {} is no workspace that cargo understands: {}",
            folder.display(),
            String::from_utf8_lossy(&asked.stderr).trim()
        );
    }
    Ok(())
}
