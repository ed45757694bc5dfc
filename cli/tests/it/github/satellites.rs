//! Repositories with one service each: what is in them, and how they are brought on.

use std::fs;

use anyhow::Result;
use serde_json::Value;

use super::checkout::{Checkout, git};
use super::{Programs, ended, root};
use crate::binary::{Ran, blackroad, run};

#[test]
fn a_satellite_is_a_workspace_of_one_service_and_of_nothing_that_it_does_not_need() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let to = folder.path().join("web");
    let export = |words: &[&str]| -> Result<Ran> {
        let mut command = blackroad(&[&["satellite", "export", "web"], words].concat());
        command.current_dir(root());
        Ok(command.output()?.into())
    };
    let path = to.to_str().expect("a path of UTF-8");
    let ran = export(&[path])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");

    let manifest = fs::read_to_string(to.join("Cargo.toml"))?;
    assert!(manifest.contains(r#"default-members = ["services/web"]"#), "{manifest}");
    assert!(
        !manifest.contains("tantivy") && manifest.contains("# HTTP"),
        "cut down, with its comments: {manifest}"
    );
    let packages = |folder: &std::path::Path| -> Result<Vec<String>> {
        let lock = fs::read_to_string(folder.join("Cargo.lock"))?;
        Ok(lock
            .lines()
            .filter(|line| line.starts_with("name = "))
            .map(str::to_owned)
            .collect())
    };
    let (here, all) = (packages(&to)?, packages(&root())?);
    assert!(here.len() < all.len() && here.iter().all(|name| all.contains(name)));
    assert!(
        !here
            .iter()
            .any(|name| name.contains("blackroad-os-core") || name.contains("tantivy"))
    );
    let dockerfile = fs::read_to_string(to.join("Dockerfile"))?;
    assert!(dockerfile.contains("\nARG SERVICE=blackroad-os-web\n"));
    for there in [
        "registry.toml",
        "rust-toolchain.toml",
        ".github/workflows/test.yml",
        "sdk/src/lib.rs",
        "services/contracts/src/lib.rs",
    ] {
        assert!(to.join(there).is_file(), "{there}");
    }
    for gone in ["cli", "docs", "services/core", "sdk/fuzz", "sdk/fault-vfs", ".ci"] {
        assert!(!to.join(gone).exists(), "{gone}");
    }
    let readme = fs::read_to_string(to.join("README.md"))?;
    assert!(
        readme.contains("cargo test --locked -p blackroad-os-web") && !readme.contains("{name}"),
        "{readme}"
    );

    let again = export(&[path])?;
    assert!(again.code == Some(1) && again.err.contains("--replace"), "{again:?}");
    fs::write(to.join("left-over"), "")?;
    assert_eq!(export(&[path, "--replace"])?.code, Some(0));
    assert!(!to.join("left-over").exists());
    Ok(())
}

#[test]
fn a_folder_that_is_no_satellite_is_not_emptied() -> Result<()> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("thesis"), "years")?;
    let inside = root().join("services").join("new");
    for (place, told) in [
        (folder.path(), "nothing in it is removed"),
        (&root(), "lies in this checkout"),
        (&inside, "lies in this checkout"),
    ] {
        let place = place.to_str().expect("a path of UTF-8");
        let ran = run(&["satellite", "export", "web", place, "--replace"])?;
        assert!(ran.code == Some(1) && ran.err.contains(told), "{ran:?}");
    }
    assert!(folder.path().join("thesis").exists() && !inside.exists());
    let unknown = run(&["satellite", "export", "mars", "/nowhere"])?;
    assert!(unknown.err.contains("there are operator, core"), "{unknown:?}");
    Ok(())
}

#[test]
fn every_service_that_is_built_here_has_a_satellite() -> Result<()> {
    let listed: Value = serde_json::from_str(&run(&["--json", "satellite", "list"])?.out)?;
    let list = listed.as_array().expect("a list");
    assert!(
        list.contains(&"core".into()) && list.contains(&"docs".into()),
        "{listed}"
    );
    Ok(())
}

#[test]
fn a_sync_shows_first_then_adds_one_commit_and_then_none() -> Result<()> {
    let (checkout, programs) = (Checkout::new()?, Programs::new()?);
    let satellites = checkout.beside("satellites");
    let bare = satellites.join("blackroad-os-web");
    let address = bare.to_str().expect("a path of UTF-8");
    git(
        root(),
        &["init", "--quiet", "--bare", "--initial-branch", "main", address],
    )?;
    // It has a history of its own, which is kept.
    let before = checkout.beside("before");
    git(
        root(),
        &["clone", "--quiet", address, before.to_str().expect("a path of UTF-8")],
    )?;
    fs::write(before.join("old"), "")?;
    git(&before, &["add", "--all"])?;
    git(
        &before,
        &[
            "-c",
            "user.name=Ada",
            "-c",
            "user.email=a@b.c",
            "commit",
            "--quiet",
            "--message",
            "Old",
        ],
    )?;
    git(&before, &["push", "--quiet", "origin", "HEAD:main"])?;

    let sync = |words: &[&str]| -> Result<Ran> {
        let mut script = programs.script("sync.sh", words)?;
        script.current_dir(checkout.path()).env("SATELLITES", &satellites);
        ended(script)
    };
    let subjects = || git(&bare, &["log", "--format=%s", "main"]);
    let dry = sync(&["web"])?;
    assert!(dry.code == Some(0) && dry.out.contains("nothing was pushed"), "{dry:?}");
    assert_eq!(subjects()?, "Old");

    let pushed = sync(&["--push", "web"])?;
    assert_eq!(pushed.code, Some(0), "{pushed:?}");
    assert_eq!(subjects()?, "As it is here\nOld");
    let commit = git(checkout.path(), &["rev-parse", "HEAD"])?;
    assert!(git(&bare, &["log", "-1", "--format=%b", "main"])?.contains(&commit));
    assert_eq!(git(&bare, &["ls-tree", "--name-only", "main", "old"])?, "");

    let again = sync(&["--push", "web"])?;
    assert!(again.out.contains("as it is here"), "{again:?}");
    checkout.change("services/core/src/lib.rs")?;
    assert!(
        sync(&["--push", "web"])?.out.contains("as it is here"),
        "what does not touch it makes no commit"
    );
    checkout.change("services/web/src/lib.rs")?;
    assert_eq!(sync(&["--push", "web"])?.code, Some(0));
    assert_eq!(
        subjects()?,
        "A line more in services/web/src/lib.rs\nAs it is here\nOld"
    );

    let missing = sync(&["--push", "root"])?;
    assert!(
        missing.code == Some(1) && missing.err.contains("create the repository"),
        "{missing:?}"
    );
    fs::write(checkout.path().join("README.md"), "unsaid")?;
    assert!(sync(&["web"])?.err.contains("changes that are in no commit"));
    Ok(())
}
