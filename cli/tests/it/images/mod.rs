//! Images, built from the Dockerfile and run as a platform would run them. To stay short, the compiler in most of them puts down the binary
//! that the tests have built; one compiles, and is asked for by name.
//!
//! It takes root, buildah, podman and runc; where one of them is missing, and it is not a continuous integration, it says so and does nothing.

mod container;
mod engine;
mod source;

use std::fs;
use std::os::unix::fs::chown;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;

use crate::github::{Checkout, git};

use container::Container;
use engine::Engine;

/// Whom the image runs as.
const USER: u32 = 65532;
/// The service's name, and its image's.
const NAME: &str = "blackroad-os-core";
/// The image that the tests make.
const IMAGE: &str = "localhost/blackroad-os-core:test";

#[test]
fn an_image_runs_read_only_as_nobody_says_what_it_is_and_drains_when_it_is_told_to_stop() -> Result<()> {
    let Some(engine) = Engine::built()? else {
        return Ok(());
    };
    let checkout = Checkout::new()?;
    engine.make(&checkout)?;
    let commit = git(checkout.path(), &["rev-parse", "HEAD"])?;

    let labels: Value =
        serde_json::from_str(&engine.well("podman", &["image", "inspect", "--format", "{{json .Labels}}", IMAGE])?)?;
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

    let data = engine.folder().join("data");
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
    for (more, names) in [
        ("DATA_DIR=", ["DATABASE_URL", "DATA_DIR"]),
        ("AMNESIA=true", ["SYSCALL_ROOT_KEYS", "SYSCALL_TOKEN"]),
    ] {
        let untold = run(&["--env", "ENVIRONMENT=production", "--env", more, IMAGE])?;
        assert_eq!(untold.code, Some(78), "{untold:?}");
        assert!(names.iter().all(|name| untold.err.contains(name)), "{}", untold.err);
    }
    let asked = run(&["--env", "PORT=1", IMAGE, "health"])?;
    assert!(
        asked.code == Some(1) && asked.err.contains("nothing listens on port 1"),
        "{asked:?}"
    );
    Ok(())
}

#[test]
fn a_changed_source_leaves_the_layer_of_the_dependencies_and_tells_its_own_commit() -> Result<()> {
    // What is in it does not matter here, only how often it is made anew.
    let Some(engine) = Engine::holding("/bin/true")? else {
        return Ok(());
    };
    let checkout = Checkout::new()?;
    engine.make(&checkout)?;
    checkout.change("services/core/src/lib.rs")?;
    let source = engine.make(&checkout)?;
    assert!(kept(&source), "{source}");
    let revision = "{{index .Labels \"org.opencontainers.image.revision\"}}";
    let told = engine.well("podman", &["image", "inspect", "--format", revision, IMAGE])?;
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
