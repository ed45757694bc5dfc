//! An engine of containers with storage of its own.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use super::NAME;
use crate::binary::Ran;
use crate::github::Checkout;

/// Whom the binary trusts, where it is told nothing else.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// What stands in the place of Rust's image.
enum Compiler {
    /// Puts down a binary that was built before.
    Done(PathBuf),
    /// Compiles, with the toolchain of this machine.
    Real,
}

/// Storage of images that goes with the test, and two base images in it.
pub(super) struct Engine {
    folder: TempDir,
    compiler: Compiler,
}

impl Engine {
    /// With the service's binary in the image, without what a debugger wants; `None` where it cannot be had, which is told.
    pub(super) fn built() -> Result<Option<Self>> {
        let built = PathBuf::from(env!("CARGO_BIN_EXE_blackroad")).with_file_name(NAME);
        ensure!(built.exists(), "{} is built with the tests", built.display());
        let folder = tempfile::tempdir()?;
        let stripped = folder.path().join(NAME);
        let ran: Ran = Command::new("strip")
            .arg("-o")
            .args([&stripped, &built])
            .output()?
            .into();
        ensure!(ran.code == Some(0), "{ran:?}");
        Self::with(folder, Compiler::Done(stripped))
    }

    /// With a file in the place of the service's binary.
    pub(super) fn holding(binary: &str) -> Result<Option<Self>> {
        Self::with(tempfile::tempdir()?, Compiler::Done(binary.into()))
    }

    /// That compiles the service from source.
    pub(super) fn compiling() -> Result<Option<Self>> {
        Self::with(tempfile::tempdir()?, Compiler::Real)
    }

    fn with(folder: TempDir, compiler: Compiler) -> Result<Option<Self>> {
        let root = rustix::process::geteuid().is_root();
        let missing = ["buildah", "podman", "runc"]
            .into_iter()
            .filter(|program| !there(program))
            .collect::<Vec<_>>();
        if !root || !missing.is_empty() {
            let why = format!(
                "an image is tested by root (it is: {root}), with buildah, podman and runc (missing: {missing:?})"
            );
            ensure!(std::env::var_os("CI").is_none(), "{why}");
            println!("skipped: {why}");
            return Ok(None);
        }
        let engine = Engine { folder, compiler };
        let path = |name: &str| engine.folder.path().join(name).display().to_string();
        let storage = format!(
            "[storage]\ndriver = \"vfs\"\ngraphroot = {:?}\nrunroot = {:?}\n",
            path("images"),
            path("run")
        );
        fs::write(engine.folder.path().join("storage.conf"), storage)?;
        engine.make_compiler()?;
        engine.make_runtime()?;
        Ok(Some(engine))
    }

    /// Goes with the engine.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A program of containers, with the test's own storage.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .stdin(Stdio::null())
            .env("CONTAINERS_STORAGE_CONF", self.folder.path().join("storage.conf"))
            // No namespaces for the steps of a build: a sandbox may have none to give.
            .env("BUILDAH_ISOLATION", "chroot");
        command
    }

    fn run(&self, program: &str, words: &[&str]) -> Result<Ran> {
        Ok(self.command(program).args(words).output()?.into())
    }

    pub(super) fn podman(&self, words: &[&str]) -> Result<Ran> {
        let ours = [
            "--cgroup-manager",
            "cgroupfs",
            "--runtime",
            "runc",
            "--events-backend",
            "none",
        ];
        self.run("podman", &[&ours, words].concat())
    }

    pub(super) fn well(&self, program: &str, words: &[&str]) -> Result<String> {
        let ran = match program {
            "podman" => self.podman(words)?,
            _ => self.run(program, words)?,
        };
        ensure!(ran.code == Some(0), "{program} {words:?} came to {ran:?}");
        Ok(ran.out.trim().to_owned())
    }

    /// A base image of what is in a folder.
    fn base(&self, name: &str, folder: &Path, path: &str) -> Result<()> {
        let container = self.well("buildah", &["from", "scratch"])?;
        let folder = folder.to_str().context("a path of UTF-8")?;
        self.well("buildah", &["copy", "--quiet", &container, folder, "/"])?;
        self.well("buildah", &["config", "--env", &format!("PATH={path}"), &container])?;
        self.well(
            "buildah",
            &["commit", "--quiet", &container, &format!("localhost/{name}")],
        )?;
        self.well("buildah", &["rm", &container])?;
        Ok(())
    }

    /// In the place of Rust's image: a shell and its tools by way of the host's /usr, and a cargo.
    fn make_compiler(&self) -> Result<()> {
        let root = self.folder.path().join("compiler");
        for folder in ["usr", "etc/alternatives", "etc/ssl", "tmp", "toolchain"] {
            fs::create_dir_all(root.join(folder))?;
        }
        for link in ["bin", "sbin", "lib", "lib64"] {
            symlink(format!("usr/{link}"), root.join(link))?;
        }
        let Compiler::Done(_) = self.compiler else {
            return self.base("compiler", &root, "/toolchain/bin:/usr/bin:/bin");
        };
        let cargo = "#!/bin/sh\nset -e\n\
             while [ $# -gt 0 ]; do case $1 in build|clean) what=$1 ;; --profile) profile=$2 ;; --target) target=$2 ;; --package) package=$2 ;; esac; shift; done\n\
             [ $what = build ] || exit 0\n\
             # What cargo reads must be there: the lock, and a source for each package.\n\
             [ -s Cargo.lock ] && [ -f services/core/src/main.rs ] && [ -f sdk/src/lib.rs ]\n\
             mkdir -p target/$target/$profile && cp /built target/$target/$profile/$package\n";
        for (name, script) in [
            ("cargo", cargo),
            ("rustc", "#!/bin/sh\necho 'host: any-unknown-linux-gnu'\n"),
        ] {
            let file = root.join("toolchain").join(name);
            fs::write(&file, script)?;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
        }
        self.base("compiler", &root, "/toolchain:/usr/bin:/bin")
    }

    /// In the place of the distroless one: certificates, and what a binary that is not static is linked to.
    fn make_runtime(&self) -> Result<()> {
        let root = self.folder.path().join("runtime");
        let linked = match &self.compiler {
            Compiler::Done(binary) => self.well("ldd", &[binary.to_str().context("a path of UTF-8")?])?,
            Compiler::Real => String::new(),
        };
        let libraries = linked.split_whitespace().filter(|word| word.starts_with('/'));
        for file in libraries.chain([CERTIFICATES]) {
            let to = root.join(file.trim_start_matches('/'));
            fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
            fs::copy(file, to)?;
        }
        self.base("runtime", &root, "/usr/bin")
    }

    /// What the steps of the build find of this machine.
    fn mounts(&self) -> Result<String> {
        let host = "-v /usr:/usr:ro -v /etc/alternatives:/etc/alternatives:ro";
        Ok(match &self.compiler {
            Compiler::Done(binary) => format!("{host} -v {}:/built:ro", binary.display()),
            Compiler::Real => {
                let sysroot = self.well("rustc", &["--print", "sysroot"])?;
                format!("{host} -v {sysroot}:/toolchain:ro -v /etc/ssl:/etc/ssl:ro")
            }
        })
    }

    /// What `make images` does, of core alone, with the words of its output.
    pub(super) fn make(&self, checkout: &Checkout) -> Result<String> {
        let mut make = self.command(checkout.path().join(".ci/images"));
        make.arg("core")
            .current_dir(checkout.path())
            .env("ENGINE", "buildah")
            .env("RUST_IMAGE", "localhost/compiler")
            .env("RUNTIME_IMAGE", "localhost/runtime")
            .env("REGISTRY", "localhost")
            .env("TAG", "test")
            .env("BUILD_ARGS", self.mounts()?)
            .env_remove("PROFILE");
        let ran: Ran = make.output()?.into();
        ensure!(ran.code == Some(0), "{ran:?}");
        Ok(ran.out)
    }
}

fn there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
