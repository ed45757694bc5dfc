//! Releases, the zones, and what a dependency is for.

use std::collections::BTreeSet;
use std::fs;

use anyhow::Result;

use super::checkout::{Checkout, git};
use super::{Programs, ended, root};
use crate::binary::Ran;

#[test]
fn the_notes_of_a_release_are_what_was_committed_since_the_one_before() -> Result<()> {
    let (checkout, programs) = (Checkout::new()?, Programs::new()?);
    git(checkout.path(), &["tag", "v0.9.0"])?;
    checkout.change("README.md")?;
    git(checkout.path(), &["tag", "v1.0.0"])?;
    let notes = |tag: &str| -> Result<Ran> {
        let mut script = programs.script("notes.sh", &[tag])?;
        script.current_dir(checkout.path());
        ended(script)
    };
    assert_eq!(
        notes("v1.0.0")?.out,
        "What is new since v0.9.0:\n\n- A line more in README.md\n"
    );
    assert!(notes("v0.9.0")?.out.starts_with("The first release.\n\n- "));
    Ok(())
}

#[test]
fn a_tag_that_is_not_the_version_is_no_release() -> Result<()> {
    let programs = Programs::new()?;
    let right = ended(programs.script("release.sh", &["check", concat!("v", env!("CARGO_PKG_VERSION"))])?)?;
    assert_eq!(right.code, Some(0), "{right:?}");
    let wrong = ended(programs.script("release.sh", &["check", "v99.0.0"])?)?;
    assert!(
        wrong.code == Some(1) && wrong.err.contains("change one of them"),
        "{wrong:?}"
    );
    // The image says the same where nobody tells it.
    let dockerfile = fs::read_to_string(root().join("Dockerfile"))?;
    assert!(dockerfile.contains(concat!("ARG VERSION=", env!("CARGO_PKG_VERSION"), "\n")));
    Ok(())
}

#[test]
fn what_the_zones_lack_is_told_to_the_next_step_and_is_applied_and_read_back() -> Result<()> {
    for (code, out) in [("0", "pending=false\n"), ("2", "pending=true\n"), ("1", "")] {
        let programs = Programs::new()?;
        let mut script = programs.script("dns.sh", &["plan"])?;
        script.env("DNS_CODE", code);
        let ran = ended(script)?;
        assert_eq!((ran.out.as_str(), ran.code == Some(1)), (out, code == "1"), "{ran:?}");
    }
    let programs = Programs::new()?;
    assert_eq!(
        ended(programs.script("dns.sh", &["apply", "--confirm"])?)?.code,
        Some(0)
    );
    assert_eq!(
        programs.told(),
        ["dns apply --yes --confirm", "dns plan --detailed-exit-code"]
    );
    Ok(())
}

#[test]
fn every_direct_dependency_is_argued_for() -> Result<()> {
    let manifest: toml_edit::DocumentMut = fs::read_to_string(root().join("Cargo.toml"))?.parse()?;
    let dependencies = manifest["workspace"]["dependencies"].as_table_like().expect("a table");
    let used: BTreeSet<String> = dependencies
        .iter()
        .filter(|(_, item)| item.get("path").is_none())
        .map(|(name, _)| name.to_owned())
        .collect();
    let page = fs::read_to_string(root().join("docs/explanation/supply-chain.md"))?;
    let argued: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .filter(|(_, why)| why.trim_end_matches('|').trim().len() > 10)
        .map(|(name, _)| name.to_owned())
        .collect();
    let missing: Vec<_> = used.difference(&argued).collect();
    let gone: Vec<_> = argued.difference(&used).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "docs/explanation/supply-chain.md has no line `| \\`name\\` | why |` for {missing:?}, and has one for {gone:?}, which nobody depends on"
    );
    Ok(())
}
