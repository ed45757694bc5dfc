//! Contracts of services: exported from the program, and compared with what callers were built with.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::binary::{Fleet, Ran, run};

fn exported(folder: &Path) -> Result<()> {
    let ran = run(&[
        "contract",
        "export",
        folder.to_str().context("a path that can be written")?,
    ])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    Ok(())
}

fn edit(file: &Path, change: impl FnOnce(&mut Value)) -> Result<()> {
    let mut contract: Value = serde_json::from_str(&fs::read_to_string(file)?)?;
    change(&mut contract);
    Ok(fs::write(file, contract.to_string())?)
}

fn checked(folder: &Path, more: &[&str]) -> Result<(Ran, Value)> {
    let folder = folder.to_str().context("a path that can be written")?;
    let ran = run(&[&["--json", "contract", "check", "--against", folder], more].concat())?;
    let report = serde_json::from_str(&ran.out).with_context(|| format!("{ran:?}"))?;
    Ok((ran, report))
}

#[test]
fn what_the_program_offers_breaks_nothing_of_itself() -> Result<()> {
    let folder = tempfile::tempdir()?;
    exported(folder.path())?;
    assert_eq!(fs::read_dir(folder.path())?.count(), 9);
    let core: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("core.json"))?)?;
    assert!(
        core["methods"]["getUserById"]["params"]["properties"]["id"].is_object(),
        "{core}"
    );
    assert!(core["routes"]["GET /v1/sys/health"].is_object(), "{core}");
    let (ran, report) = checked(folder.path(), &[])?;
    assert_eq!(
        (ran.code, &report),
        (Some(0), &json!({ "breaks": [], "new": [], "unknown": [] }))
    );
    // What is exported twice is the same twice.
    let again = tempfile::tempdir()?;
    exported(again.path())?;
    for entry in fs::read_dir(folder.path())? {
        let entry = entry?;
        let other = again.path().join(entry.file_name());
        assert_eq!(
            fs::read_to_string(entry.path())?,
            fs::read_to_string(&other)?,
            "{}",
            other.display()
        );
    }
    Ok(())
}

#[test]
fn a_removed_method_or_field_that_someone_calls_is_refused() -> Result<()> {
    let folder = tempfile::tempdir()?;
    exported(folder.path())?;
    // Callers were built with a method that is not there, and with a field that is not said.
    edit(&folder.path().join("core.json"), |core| {
        core["methods"]["removeEverything"] = json!({ "params": true, "result": true });
        core["methods"]["getUserLately"] = json!({ "params": true, "result": true });
        core["methods"]["getUserById"]["result"]["properties"]["nickname"] = json!({ "type": "string" });
        let required = core["methods"]["getUserById"]["result"]["required"]
            .as_array_mut()
            .expect("some are required");
        required.push("nickname".into());
    })?;
    let (ran, report) = checked(folder.path(), &[])?;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let breaks = report["breaks"].as_array().context("a list")?;
    let of = |operation: &str| {
        breaks
            .iter()
            .find(|one| one["operation"] == operation)
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!(breaks.len(), 3, "{report}");
    assert_eq!(
        (&of("getUserById")["at"], &of("getUserById")["what"]),
        (&json!("result.nickname"), &json!("is gone"))
    );
    let callers = |operation: &str| of(operation)["callers"].as_array().cloned().unwrap_or_default();
    // The operator's rights at core name users alone; those without a right of their own pass on whatever their callers may.
    assert!(callers("getUserLately").contains(&json!("operator")), "{report}");
    assert!(!callers("removeEverything").contains(&json!("operator")), "{report}");
    assert!(callers("removeEverything").contains(&json!("app")), "{report}");
    assert!(
        !callers("removeEverything").contains(&json!("docs")),
        "docs does not call core: {report}"
    );

    let told = run(&[
        "contract",
        "check",
        "--against",
        folder.path().to_str().context("a path")?,
    ])?;
    assert!(
        told.out.contains("core getUserById result.nickname: is gone"),
        "{told:?}"
    );
    let (elsewhere, _) = checked(folder.path(), &["--service", "docs,web"])?;
    assert_eq!(elsewhere.code, Some(0), "{elsewhere:?}");
    Ok(())
}

#[test]
fn a_fleet_that_runs_is_asked_and_what_is_new_is_told() -> Result<()> {
    let fleet = Fleet::start(&["--amnesia", "--only", "core,docs"])?;
    let ran = fleet.run(&[
        "contract",
        "check",
        "--against",
        "development",
        "--service",
        "core,docs",
    ])?;
    assert_eq!(
        (ran.code, ran.out.trim()),
        (Some(0), "nobody would stumble over anything"),
        "{ran:?}"
    );
    // Of whom nothing is known, nothing is promised.
    let ran = fleet.run(&["contract", "check", "--against", "development", "--service", "api"])?;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("api: what it offers there is not known"), "{ran:?}");

    let folder = tempfile::tempdir()?;
    exported(folder.path())?;
    edit(&folder.path().join("core.json"), |core| {
        core["methods"].as_object_mut().expect("a map").remove("listUsers");
    })?;
    let (ran, report) = checked(folder.path(), &[])?;
    assert_eq!((ran.code, &report["new"]), (Some(0), &json!([["core", ["listUsers"]]])));
    let ran = run(&["contract", "check", "--against", "nowhere"])?;
    assert!(ran.err.contains("neither production, staging"), "{ran:?}");
    Ok(())
}
