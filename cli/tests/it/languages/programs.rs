//! How each example is run, once what it needs is there.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::binary::Ran;

/// An example and what runs it.
pub(super) struct Program {
    pub(super) program: PathBuf,
    pub(super) script: PathBuf,
}

/// Node with its standard library alone; none where Node is missing.
pub(super) fn node() -> Option<Program> {
    installed("node", "--version").map(|program| Program {
        program,
        script: examples().join("node/service-http.mjs"),
    })
}

/// Node with Fastify, as its lock file says.
pub(super) fn fastify() -> Result<Option<Program>> {
    let Some(npm) = installed("node", "--version").and_then(|_| installed("npm", "--version")) else {
        return Ok(None);
    };
    let folder = kept("node")?;
    let _alone = alone(&folder)?;
    let files = ["package.json", "package-lock.json", "service-fastify.mjs", "tokens.mjs"];
    for name in files {
        std::fs::copy(examples().join("node").join(name), folder.join(name))?;
    }
    let lock = examples().join("node/package-lock.json");
    let mut fetching = Command::new(npm);
    fetching
        .args(["ci", "--silent", "--no-audit", "--no-fund"])
        .current_dir(&folder);
    fetch(&folder, &lock, &mut [&mut fetching])?;
    Ok(Some(Program {
        program: PathBuf::from("node"),
        script: folder.join("service-fastify.mjs"),
    }))
}

/// Python with its standard library alone, which checks no tokens.
pub(super) fn python() -> Option<Program> {
    interpreter().map(|program| Program {
        program,
        script: examples().join("python/service_stdlib.py"),
    })
}

/// Python with the packages of the examples' lock file, for one of them.
pub(super) fn python_with_packages(script: &str) -> Result<Option<Program>> {
    let Some(python) = interpreter() else { return Ok(None) };
    let folder = kept("python")?;
    let _alone = alone(&folder)?;
    let lock = examples().join("python/requirements.txt");
    let mut making = Command::new(python);
    making.args(["-m", "venv", "--clear"]).arg(folder.join("venv"));
    let mut fetching = Command::new(folder.join("venv/bin/pip"));
    fetching
        .args([
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
            "-r",
        ])
        .arg(&lock);
    fetch(&folder, &lock, &mut [&mut making, &mut fetching])?;
    Ok(Some(Program {
        program: folder.join("venv/bin/python"),
        script: examples().join("python").join(script),
    }))
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples")
}

/// Python from 3.11 on, which the examples are written for.
fn interpreter() -> Option<PathBuf> {
    let python = installed("python3", "--version")?;
    let recent = Command::new(&python)
        .args(["-c", "import sys; sys.exit(sys.version_info < (3, 11))"])
        .status()
        .is_ok_and(|status| status.success());
    if !recent {
        assert!(std::env::var_os("CI").is_none(), "python3 is older than 3.11");
        eprintln!("skipped: python3 is older than 3.11");
    }
    recent.then_some(python)
}

/// A program, where it is there; in CI it must be.
fn installed(program: &str, version: &str) -> Option<PathBuf> {
    let found = Command::new(program)
        .arg(version)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        assert!(
            std::env::var_os("CI").is_none(),
            "{program} is missing; .ci/setup installs it"
        );
        eprintln!("skipped: {program} is missing; .ci/setup installs it");
    }
    found.then(|| PathBuf::from(program))
}

/// Where the packages of a language are kept between runs.
fn kept(language: &str) -> Result<PathBuf> {
    let target = Path::new(env!("CARGO_BIN_EXE_blackroad")).ancestors().nth(2);
    let folder = target
        .context("the program is in a target folder")?
        .join("languages")
        .join(language);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Keeps other tests from fetching into the same folder, until it is dropped.
fn alone(folder: &Path) -> Result<File> {
    let file = File::create(folder.join("lock"))?;
    file.lock()?;
    Ok(file)
}

/// Runs what fetches packages, once for each state of their lock file.
fn fetch(folder: &Path, lock: &Path, commands: &mut [&mut Command]) -> Result<()> {
    let (wanted, mark) = (std::fs::read(lock)?, folder.join("fetched"));
    if std::fs::read(&mark).is_ok_and(|fetched| fetched == wanted) {
        return Ok(());
    }
    for command in commands {
        let ran: Ran = command.stdin(Stdio::null()).output()?.into();
        if ran.code != Some(0) {
            bail!("{command:?} came to {ran:?}");
        }
    }
    Ok(std::fs::write(mark, wanted)?)
}
