//! A disk that fails: nothing more is acknowledged, the service is given up, and what was acknowledged is there afterwards.

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::binary::Fleet;

/// Largest file, in the blocks of `ulimit -f`: room for the store's beginning and a few values.
const BLOCKS: u32 = 600;
/// Values of this size reach the limit after some writes.
const VALUE_BYTES: usize = 20_000;
/// More writes than the limit has room for.
const WRITES: usize = 200;

#[test]
fn a_failing_disk_ends_the_service_and_takes_nothing_that_was_acknowledged() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().to_str().context("a path of plain characters")?;
    let args = ["--only", "core,api", "--data-dir", data];
    let fleet = Fleet::start_on_a_failing_disk(BLOCKS, &args)?;
    let value = "x".repeat(VALUE_BYTES);
    let mut acknowledged = 0;
    for number in 0..WRITES {
        let entry = json!({ "key": format!("k/{number}"), "value": value });
        let (status, answer) = fleet.send("PUT", "core", "/v1/sys/state", &entry)?;
        if status != 200 {
            assert_eq!(status, 503, "{answer}");
            break;
        }
        acknowledged += 1;
    }
    assert!(0 < acknowledged && acknowledged < WRITES, "{acknowledged}");

    // The person at the terminal is told.
    fleet.says("core is given up")?;
    let (status, answer) = fleet.send("GET", "core", "/readyz", &json!(null))?;
    assert_eq!((status, &answer["error"]["code"]), (503, &json!("SERVICE_DOWN")));
    let (status, _) = fleet.send("GET", "api", "/health", &json!(null))?;
    assert_eq!(status, 200, "the others go on");
    drop(fleet);

    let fleet = Fleet::start(&args)?;
    let (_, listed) = fleet.send("GET", "core", "/v1/sys/state", &json!(null))?;
    let keys = listed["state"].as_array().context("a list")?.len();
    assert!(keys >= acknowledged, "{keys} of {acknowledged} are there");
    Ok(())
}
