//! `blackroad new`: what it writes compiles, passes its own tests and runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::binary::{Fleet, Following, Ran, blackroad};

/// Folders of this repository that no fleet needs, and what is large in them.
const LEFT_OUT: [&str; 5] = ["target", "data", ".git", "node_modules", "corpus"];

fn repository() -> Result<PathBuf> {
    Ok(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        if LEFT_OUT.iter().any(|left_out| name == *left_out) {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to.join(name))?;
        } else {
            std::fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

/// Every file below a folder, with what is in it.
fn listing(folder: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            all.push((path.clone(), Vec::new()));
            all.extend(listing(&path)?);
        } else {
            all.push((path.clone(), std::fs::read(&path)?));
        }
    }
    all.sort();
    Ok(all)
}

fn new_in(folder: &Path, args: &[&str]) -> Result<Ran> {
    Ok(blackroad(&[&["new"], args].concat())
        .current_dir(folder)
        .output()?
        .into())
}

/// Cargo in a folder, with what it compiles of other people's crates shared with the tests' own build. The packages of the folder go by
/// another name there: cargo calls them by their place in the workspace, so that a copy of this one would else overwrite what the tests that
/// follow are linked with. The wrapper is there for that difference alone.
fn cargo(folder: &Path, args: &[&str]) -> Result<Ran> {
    let target = Path::new(env!("CARGO_BIN_EXE_blackroad")).ancestors().nth(2);
    let output = Command::new("cargo")
        .args(args)
        .current_dir(folder)
        .env(
            "CARGO_BUILD_BUILD_DIR",
            target.context("the program is in a target folder")?,
        )
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env("RUSTC_WORKSPACE_WRAPPER", "env")
        .output()?;
    Ok(output.into())
}

fn succeeds(ran: &Ran) -> Result<()> {
    ensure!(
        ran.code == Some(0),
        "exit code {:?}\n{}\n{}",
        ran.code,
        ran.out,
        ran.err
    );
    Ok(())
}

#[test]
fn a_new_service_of_this_repository_is_in_every_list_and_formatted() -> Result<()> {
    let folder = tempfile::tempdir()?;
    copy(&repository()?, folder.path())?;
    std::fs::create_dir(folder.path().join("services/mine"))?;
    let before = listing(folder.path())?;

    // Nothing is written where it is only asked, refused, or cannot be.
    let planned = new_in(folder.path(), &["service", "order-desk", "--dry-run"])?;
    ensure!(
        planned.out.contains("would be made") && planned.out.contains("services/order-desk/src/lib.rs"),
        "{planned:?}"
    );
    let refused: [(&[&str], &str); 7] = [
        (&["service", "core"], "has \"core\" already"),
        (&["service", "Billing"], "lower-case"),
        (&["service", "type"], "word of Rust"),
        (&["service", "contracts"], "taken"),
        (&["service", "std"], "name of a crate"),
        (&["service", "mine"], "services/mine is there already"),
        (
            &["service", "billing", "--called-by", "nobody"],
            "Unknown service: nobody; there are operator",
        ),
    ];
    for (args, told) in refused {
        let ran = new_in(folder.path(), args)?;
        ensure!(ran.code == Some(1) && ran.err.contains(told), "{args:?}: {ran:?}");
    }
    ensure!(listing(folder.path())? == before, "the folder is as it was");
    std::fs::remove_dir(folder.path().join("services/mine"))?;

    let ran = new_in(
        &folder.path().join("services/web"),
        &["service", "order-desk", "--called-by", "app", "--calls", "core"],
    )?;
    succeeds(&ran)?;
    ensure!(ran.out.contains("cargo test -p blackroad-os-order-desk"), "{}", ran.out);
    let read = |path: &str| std::fs::read_to_string(folder.path().join(path));
    for (path, line) in [
        (
            "Cargo.toml",
            "blackroad-os-order-desk = { path = \"services/order-desk\" }",
        ),
        (
            "cli/Cargo.toml",
            "blackroad-os-order-desk = { workspace = true, optional = true }",
        ),
        ("cli/Cargo.toml", "\"dep:blackroad-os-order-desk\","),
        ("cli/src/main.rs", "    blackroad_os_order_desk::service,"),
        (
            "cli/tests/it/fleet.rs",
            "(\"order-desk\", blackroad_os_order_desk::service),",
        ),
        ("services/contracts/src/lib.rs", "pub mod order_desk;"),
        ("docs/contents.toml", "\"reference/services/order-desk\","),
        ("registry.toml", "order-desk = [\"rpc order-desk *\"]"),
    ] {
        ensure!(
            read(path)?.lines().any(|one| one.contains(line)),
            "{path} has no {line}"
        );
    }
    succeeds(&cargo(folder.path(), &["fmt", "--all", "--check"])?)?;
    // Every manifest is read, with what it takes from the workspace's.
    let told = cargo(
        folder.path(),
        &["metadata", "--format-version", "1", "--no-deps", "--offline"],
    )?;
    succeeds(&told)?;
    let metadata: Value = serde_json::from_str(&told.out)?;
    let packages = metadata["packages"].as_array().context("there are packages")?;
    let needs = |package: &str, needed: &str| {
        let package = packages.iter().find(|one| one["name"] == package);
        let needs = package.and_then(|package| package["dependencies"].as_array());
        needs.into_iter().flatten().any(|one| one["name"] == needed)
    };
    ensure!(needs("blackroad", "blackroad-os-order-desk") && needs("blackroad-os-order-desk", "syscall-sdk"));

    let again = new_in(folder.path(), &["service", "order-desk"])?;
    ensure!(again.code == Some(1) && again.err.contains("already"), "{again:?}");
    Ok(())
}

#[test]
fn outside_of_a_fleet_there_is_none_to_put_a_service_into() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let ran = new_in(folder.path(), &["service", "billing"])?;
    ensure!(
        ran.code == Some(1) && ran.err.contains("blackroad new fleet"),
        "{ran:?}"
    );
    let refused: [(&[&str], &str); 4] = [
        (&["fleet", "acme", "--domain", "acme"], "is no domain"),
        (&["fleet", "Acme", "--domain", "example.org"], "lower-case"),
        (
            &["fleet", "acme", "--domain", "example.org", "--sdk", "/nowhere"],
            "cannot be found",
        ),
        (&["fleet", "acme", "--domain", "example.org", "--sdk", "."], "no clone"),
    ];
    for (args, told) in refused {
        let ran = new_in(folder.path(), args)?;
        ensure!(ran.code == Some(1) && ran.err.contains(told), "{args:?}: {ran:?}");
    }
    ensure!(listing(folder.path())?.is_empty(), "nothing was written");
    let ran = new_in(folder.path(), &["fleet", "acme", "--domain", "example.org"])?;
    succeeds(&ran)?;
    let manifest = std::fs::read_to_string(folder.path().join("acme/Cargo.toml"))?;
    ensure!(
        manifest.contains("git = \"https://github.com/BlackRoad-OS/blackroad-os\", tag = \"v"),
        "{manifest}"
    );
    Ok(())
}

#[test]
fn a_new_fleet_and_a_new_service_in_it_compile_pass_their_tests_and_run() -> Result<()> {
    let parent = tempfile::tempdir()?;
    let repository = repository()?;
    let sdk = repository.to_str().context("a path of text")?;
    succeeds(&new_in(
        parent.path(),
        &["fleet", "acme", "--domain", "example.org", "--sdk", sdk],
    )?)?;
    let folder = parent.path().join("acme");
    succeeds(&new_in(&folder, &["service", "order-desk", "--called-by", "hello"])?)?;

    let tests = cargo(&folder, &["test", "--workspace"])?;
    succeeds(&tests)?;
    ensure!(tests.out.matches("4 passed").count() == 2, "{}", tests.out);
    ensure!(!tests.err.contains("warning:"), "{}", tests.err);
    succeeds(&cargo(&folder, &["fmt", "--all", "--check"])?)?;
    // What was tested is what runs.
    succeeds(&cargo(&folder, &["build", "--workspace"])?)?;

    for mode in [&[][..], &["--processes"]] {
        let fleet = up(&folder, mode)?;
        ensure!(keys(&fleet) == ["hello", "order-desk"], "{:?}", fleet.told);
        for key in ["hello", "order-desk"] {
            serves(&folder, &fleet, key)?;
        }
    }
    runs_by_itself(&folder)
}

#[test]
fn a_tenth_service_of_this_repository_compiles_passes_its_tests_and_runs_beside_the_nine() -> Result<()> {
    let folder = tempfile::tempdir()?;
    copy(&repository()?, folder.path())?;
    succeeds(&new_in(
        folder.path(),
        &["service", "order-desk", "--called-by", "app"],
    )?)?;
    // The shell is compiled for what runs, and its own tests are these here. With it among the packages, cargo finds what this build has
    // compiled of other people's crates, since they are then asked for the same features.
    std::fs::write(folder.path().join("cli/tests/it/main.rs"), "//! Nothing of them.\n")?;
    let packages = ["-p", "blackroad", "-p", "blackroad-os-order-desk"];

    let tests = cargo(
        folder.path(),
        &[&["test", "--offline", "--test", "it"], &packages[..]].concat(),
    )?;
    succeeds(&tests)?;
    ensure!(tests.out.contains("4 passed"), "{}", tests.out);
    ensure!(!tests.err.contains("warning:"), "{}", tests.err);
    succeeds(&cargo(
        folder.path(),
        &[&["build", "--offline"], &packages[..]].concat(),
    )?)?;

    let fleet = up(folder.path(), &[])?;
    ensure!(
        keys(&fleet).len() == 10 && keys(&fleet).contains(&"order-desk"),
        "{:?}",
        fleet.told
    );
    serves(folder.path(), &fleet, "order-desk")
}

/// A fleet of the program that was made in a folder.
fn up(folder: &Path, mode: &[&str]) -> Result<Fleet> {
    let words = ["up", "--json", "--port", "0", "--amnesia"];
    Fleet::of(program(folder, &[&words, mode].concat()))
}

/// The services of a fleet that is up.
fn keys(fleet: &Fleet) -> Vec<&str> {
    let services = fleet.told["services"].as_array();
    let keys = services
        .into_iter()
        .flatten()
        .map(|service| service["key"].as_str().unwrap_or_default());
    keys.collect()
}

/// A new service is well, and does by the fleet's own command line what it was made with.
fn serves(folder: &Path, fleet: &Fleet, key: &str) -> Result<()> {
    let (status, health) = fleet.send("GET", key, "/health", &json!(null))?;
    ensure!((status, &health["status"]) == (200, &json!("healthy")), "{health}");
    let mut call = program(folder, &["--json", "call", key, "addItem", r#"{"name":"the first"}"#]);
    let ran: Ran = call.env("BLACKROAD_PORT", fleet.port.to_string()).output()?.into();
    succeeds(&ran)?;
    ensure!(ran.out.contains("the first"), "{ran:?}");
    Ok(())
}

/// A service's own program knows its fleet.
fn runs_by_itself(folder: &Path) -> Result<()> {
    let mut command = made(folder, "acme-hello");
    command
        .env("PORT", "0")
        .env("AMNESIA", "true")
        .env("LOG_FORMAT", "json");
    let following = Following::start(command)?;
    let line = loop {
        let line = following.next()?;
        if line.contains("ready") {
            break line;
        }
    };
    ensure!(line.contains("acme-hello"), "{line}");
    ensure!(following.interrupt()? == Some(0), "it drains");
    Ok(())
}

/// The new fleet's own program.
fn program(folder: &Path, args: &[&str]) -> Command {
    let mut command = made(folder, "blackroad");
    command.args(args);
    command
}

/// A program that cargo made in a folder, without what the tests take out of their own environment.
fn made(folder: &Path, name: &str) -> Command {
    let mut command = Command::new(folder.join("target/debug").join(name));
    command.stdin(Stdio::null());
    for (name, _) in blackroad(&[]).get_envs() {
        command.env_remove(name);
    }
    command
}
