//! State and transactions.

use anyhow::{Context as _, Result};
use serde_json::json;

use super::start;
use crate::binary::Following;

#[test]
fn a_commit_is_read_from_a_file_and_does_all_or_nothing() -> Result<()> {
    let fleet = start()?;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("commit.json");
    let ops = json!({ "ops": [
        { "put": { "key": "orders/1", "value": 1, "expectedVersion": 0 } },
        { "emit": { "event": "order:placed" } },
    ] });
    std::fs::write(&file, ops.to_string())?;
    let path = file.to_str().context("a path of text")?;
    let done = fleet.run(&["commit", "core", path, "--idempotency-key", "k"])?;
    assert!(done.out.starts_with("orders/1 is at version 1\nemitted "), "{done:?}");
    // The same one again under its key is answered, not done.
    let again = fleet.run(&["commit", "core", path, "--idempotency-key", "k"])?;
    assert_eq!(again.out, done.out);
    let refused = fleet.run(&["commit", "core", path])?;
    assert!(
        refused.code == Some(1) && refused.err.contains("ops[0]") && refused.err.contains("VERSION_CONFLICT, 409"),
        "{refused:?}"
    );
    let missing = fleet.run(&["commit", "core", "/nowhere/at/all.json"])?;
    assert!(missing.err.contains("cannot be read"), "{missing:?}");
    Ok(())
}

#[test]
fn a_key_is_written_expected_listed_and_deleted() -> Result<()> {
    let fleet = start()?;
    assert_eq!(
        fleet
            .run(&["state", "put", "core", "a/b", "[1,2]", "--expect", "0"])?
            .out,
        "a/b is at version 1\n"
    );
    let refused = fleet.run(&["state", "put", "core", "a/b", "3", "--expect", "0"])?;
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.err.contains("VERSION_CONFLICT, 409") && refused.err.contains("read it again"),
        "{}",
        refused.err
    );
    assert_eq!(
        fleet.json(&["state", "put", "core", "c", "1", "--ttl", "1h"])?["expiresAt"]
            .as_str()
            .map(str::len),
        Some(24)
    );
    assert_eq!(
        fleet.json(&["state", "ls", "core"])?["state"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(
        fleet.run(&["state", "rm", "core", "a/b", "--expect", "1"])?.out,
        "a/b is deleted\n"
    );
    assert_eq!(fleet.run(&["state", "rm", "core", "a/b"])?.out, "a/b was not there\n");
    let missing = fleet.run(&["state", "get", "core", "a/b"])?;
    assert!(
        missing.code == Some(1) && missing.err.contains("`blackroad state ls core`"),
        "{missing:?}"
    );
    Ok(())
}

#[test]
fn an_amount_keeps_every_digit_from_the_keyboard_to_the_screen() -> Result<()> {
    let fleet = start()?;
    let amount = "123456789012345678901.05";
    fleet.json(&["state", "put", "core", "amount", amount])?;
    assert_eq!(fleet.run(&["state", "get", "core", "amount"])?.out.trim(), amount);
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("commit.json");
    std::fs::write(
        &file,
        r#"{"ops":[{"put":{"key":"other","value":12345678901234567.89}}]}"#,
    )?;
    let ran = fleet.run(&["commit", "core", file.to_str().context("a path")?])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        fleet.run(&["state", "get", "core", "other"])?.out.trim(),
        "12345678901234567.89"
    );
    fleet.run(&["emit", "core", "order:paid", amount])?;
    let told = Following::start(fleet.command(&["events", "core", "--since", "1h", "--event", "order:paid"]))?;
    assert!(told.next()?.ends_with(amount));
    Ok(())
}
