//! An image, built from the Dockerfile and run as a platform would run it. To stay short, the compiler in it puts down the binary that the
//! tests have built; `make images` compiles.
//!
//! It takes root, buildah, podman and runc; where one of them is missing, and it is not a continuous integration, it says so and does nothing.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::binary::{Ran, SOON};
use crate::github::{Checkout, git};

/// Whom the image runs as.
const USER: u32 = 65532;
/// The service's name, and its image's.
const NAME: &str = "blackroad-os-core";

/// Storage of images that goes with the test, and two base images in it.
struct Engine {
    folder: TempDir,
    binary: PathBuf,
}

impl Engine {
    /// With the service's binary in the image, without what a debugger wants; `None` where it cannot be had, which is told.
    fn new() -> Result<Option<Self>> {
        let built = PathBuf::from(env!("CARGO_BIN_EXE_blackroad")).with_file_name(NAME);
        let Some(mut engine) = Self::holding(built.clone())? else {
            return Ok(None);
        };
        engine.binary = engine.folder.path().join(NAME);
        let (from, to) = (
            built.to_str().context("UTF-8")?,
            engine.binary.to_str().context("UTF-8")?,
        );
        engine.well("strip", &["-o", to, from])?;
        Ok(Some(engine))
    }

    /// With a file in the place of the service's binary.
    fn holding(binary: PathBuf) -> Result<Option<Self>> {
        let root = rustix::process::geteuid().is_root();
        let missing = ["buildah", "podman", "runc"]
            .into_iter()
            .filter(|program| !there(program))
            .collect::<Vec<_>>();
        if !root || !missing.is_empty() || !binary.exists() {
            let why = format!(
                "an image is tested by root (it is: {root}), with buildah, podman and runc (missing: {missing:?}), once {} is built",
                binary.display()
            );
            ensure!(std::env::var_os("CI").is_none(), "{why}");
            println!("skipped: {why}");
            return Ok(None);
        }
        let engine = Engine {
            folder: tempfile::tempdir()?,
            binary,
        };
        let path = |name: &str| engine.folder.path().join(name).display().to_string();
        let storage = format!(
            "[storage]\ndriver = \"vfs\"\ngraphroot = {:?}\nrunroot = {:?}\n",
            path("images"),
            path("run")
        );
        fs::write(engine.folder.path().join("storage.conf"), storage)?;
        engine.compiler()?;
        engine.runtime()?;
        Ok(Some(engine))
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

    fn podman(&self, words: &[&str]) -> Result<Ran> {
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

    fn well(&self, program: &str, words: &[&str]) -> Result<String> {
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

    /// In the place of Rust's image: a shell and its tools by way of the host's /usr, and a cargo that has compiled before.
    fn compiler(&self) -> Result<()> {
        let root = self.folder.path().join("compiler");
        for folder in ["usr", "etc/alternatives", "tmp", "toolchain"] {
            fs::create_dir_all(root.join(folder))?;
        }
        for link in ["bin", "sbin", "lib", "lib64"] {
            symlink(format!("usr/{link}"), root.join(link))?;
        }
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
    fn runtime(&self) -> Result<()> {
        let root = self.folder.path().join("runtime");
        let linked = self.well("ldd", &[self.binary.to_str().context("a path of UTF-8")?])?;
        let libraries = linked.split_whitespace().filter(|word| word.starts_with('/'));
        for file in libraries.chain(["/etc/ssl/certs/ca-certificates.crt"]) {
            let to = root.join(file.trim_start_matches('/'));
            fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
            fs::copy(file, to)?;
        }
        self.base("runtime", &root, "/usr/bin")
    }

    /// What `make images` does, of core alone, with the words of its output.
    fn make(&self, checkout: &Checkout) -> Result<String> {
        let mut make = self.command(checkout.path().join(".ci/images"));
        let volumes = format!(
            "-v /usr:/usr:ro -v /etc/alternatives:/etc/alternatives:ro -v {}:/built:ro",
            self.binary.display()
        );
        make.arg("core")
            .current_dir(checkout.path())
            .env("ENGINE", "buildah")
            .env("RUST_IMAGE", "localhost/compiler")
            .env("RUNTIME_IMAGE", "localhost/runtime")
            .env("REGISTRY", "localhost")
            .env("TAG", "test")
            .env("BUILD_ARGS", volumes)
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

/// A container that runs; killed and gone when dropped.
struct Container<'a> {
    engine: &'a Engine,
    port: u16,
    id: String,
}

impl<'a> Container<'a> {
    /// Runs the image as a platform does: not as root, on a root that cannot be written, with a volume for the data.
    fn start(engine: &'a Engine, data: &Path) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let volume = format!("{}:/data", data.display());
        let port_is = format!("PORT={port}");
        let said = engine.well(
            "podman",
            &[
                "run",
                "--detach",
                "--read-only",
                "--read-only-tmpfs=false",
                "--cap-drop=all",
                "--network=host",
                "--ulimit=nofile=1024:1024",
                "--ulimit=nproc=1024:1024",
                "--volume",
                &volume,
                "--env",
                &port_is,
                "--env",
                "ENVIRONMENT=production",
                "--env",
                "SYSCALL_AUTH=open",
                "--env",
                "DATA_DIR=/data",
                "localhost/blackroad-os-core:test",
            ],
        )?;
        let id = said.lines().last().context("podman names the container")?.to_owned();
        Ok(Container { engine, port, id })
    }

    /// A field of what podman says of it.
    fn inspect(&self, field: &str) -> Result<String> {
        self.engine.well(
            "podman",
            &["inspect", "--format", &format!("{{{{{field}}}}}"), &self.id],
        )
    }

    fn get(&self, path: &str) -> Result<Value> {
        let said = Command::new("curl")
            .args(["--silent", "--show-error", "--max-time", "5"])
            .arg(format!("http://127.0.0.1:{}{path}", self.port))
            .output()?;
        Ok(serde_json::from_slice(&said.stdout)?)
    }

    /// Waits until the image's own health check is content.
    fn healthy(&self) -> Result<()> {
        let until = Instant::now() + SOON;
        loop {
            let asked = self.engine.podman(&["healthcheck", "run", &self.id])?;
            if asked.code == Some(0) {
                return Ok(());
            }
            if Instant::now() > until || self.inspect(".State.Running")? != "true" {
                bail!(
                    "it did not become healthy: {asked:?} {:?}",
                    self.engine.podman(&["logs", &self.id])?
                );
            }
        }
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.engine.podman(&["rm", "--force", "--time", "0", &self.id]);
    }
}

#[test]
fn an_image_runs_read_only_as_nobody_says_what_it_is_and_drains_when_it_is_told_to_stop() -> Result<()> {
    let Some(engine) = Engine::new()? else {
        return Ok(());
    };
    let checkout = Checkout::new()?;
    engine.make(&checkout)?;
    let commit = git(checkout.path(), &["rev-parse", "HEAD"])?;

    let labels: Value = serde_json::from_str(&engine.well(
        "podman",
        &[
            "image",
            "inspect",
            "--format",
            "{{json .Labels}}",
            "localhost/blackroad-os-core:test",
        ],
    )?)?;
    let label = |name: &str| {
        labels[format!("org.opencontainers.image.{name}")]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(
        (label("title").as_str(), label("version").as_str()),
        (NAME, env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(label("revision"), commit);

    let data = engine.folder.path().join("data");
    fs::create_dir(&data)?;
    chown(&data, Some(USER), Some(USER))?;
    let container = Container::start(&engine, &data)?;
    container.healthy()?;
    assert_eq!(container.get("/version")?["commit"], commit.as_str());
    assert_eq!(
        container.get("/v1/sys/version")?["buildTime"],
        label("created").as_str()
    );
    assert_eq!(
        container.get("/v1/sys/identity")?["runtime"]["pid"],
        1,
        "signals reach it"
    );
    let status = fs::read_to_string(format!("/proc/{}/status", container.inspect(".State.Pid")?))?;
    assert!(status.contains(&format!("Uid:\t{USER}\t{USER}\t")), "{status}");
    assert!(status.contains("CapEff:\t0000000000000000"), "{status}");

    let told = Instant::now();
    engine.well("podman", &["stop", "--time", "20", &container.id])?;
    let took = told.elapsed();
    assert_eq!(
        container.inspect(".State.ExitCode")?,
        "0",
        "it drained, and was not killed"
    );
    assert!(took < Duration::from_secs(12), "the drain has ten seconds: {took:?}");
    assert!(fs::read_dir(&data)?.next().is_some(), "its data is on the volume");
    drop(container);
    says_what_is_missing(&engine)
}

/// One that was told nothing names all that it lacks, and one that runs nowhere is not well.
fn says_what_is_missing(engine: &Engine) -> Result<()> {
    let run = |more: &[&str]| {
        let limits = [
            "run",
            "--rm",
            "--read-only",
            "--network=host",
            "--ulimit=nofile=1024:1024",
            "--ulimit=nproc=1024:1024",
        ];
        engine.podman(&[&limits, more].concat())
    };
    let image = "localhost/blackroad-os-core:test";
    for (more, names) in [
        ("DATA_DIR=", ["DATABASE_URL", "DATA_DIR"]),
        ("AMNESIA=true", ["SYSCALL_ROOT_KEYS", "SYSCALL_TOKEN"]),
    ] {
        let untold = run(&["--env", "ENVIRONMENT=production", "--env", more, image])?;
        assert_eq!(untold.code, Some(78), "{untold:?}");
        assert!(names.iter().all(|name| untold.err.contains(name)), "{}", untold.err);
    }
    let asked = run(&["--env", "PORT=1", image, "health"])?;
    assert!(
        asked.code == Some(1) && asked.err.contains("nothing listens on port 1"),
        "{asked:?}"
    );
    Ok(())
}

#[test]
fn a_changed_source_leaves_the_layer_of_the_dependencies_and_tells_its_own_commit() -> Result<()> {
    // What is in it does not matter here, only how often it is made anew.
    let Some(engine) = Engine::holding(PathBuf::from("/bin/true"))? else {
        return Ok(());
    };
    let checkout = Checkout::new()?;
    engine.make(&checkout)?;
    checkout.change("services/core/src/lib.rs")?;
    let source = engine.make(&checkout)?;
    assert!(kept(&source), "{source}");
    let revision = "{{index .Labels \"org.opencontainers.image.revision\"}}";
    let told = engine.well(
        "podman",
        &[
            "image",
            "inspect",
            "--format",
            revision,
            "localhost/blackroad-os-core:test",
        ],
    )?;
    assert_eq!(
        told,
        git(checkout.path(), &["rev-parse", "HEAD"])?,
        "layers that are found again do not tell an old commit"
    );
    checkout.change("services/core/Cargo.toml")?;
    let manifest = engine.make(&checkout)?;
    assert!(!kept(&manifest), "{manifest}");
    Ok(())
}

/// Whether the step that compiles the dependencies was found among the layers.
fn kept(output: &str) -> bool {
    let step = output
        .lines()
        .skip_while(|line| !line.contains("cargo clean --workspace"));
    step.skip(1)
        .find(|line| line.starts_with("-->"))
        .is_some_and(|line| line.contains("Using cache"))
}
