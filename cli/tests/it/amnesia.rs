//! Amnesia: a fleet under load, every family used, whose process is watched for what it opens and what it writes.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::binary::Fleet;

/// Rounds of everything: some thousand writes that another fleet would have synced.
const ROUNDS: usize = 40;

/// What a process holds open that it could write to and that is a file of some file system.
fn writable_files(pid: u32) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(format!("/proc/{pid}/fd"))? {
        let number = entry?.file_name().to_string_lossy().into_owned();
        // One that was closed in the meantime is none.
        let Ok(target) = std::fs::read_link(format!("/proc/{pid}/fd/{number}")) else {
            continue;
        };
        let Ok(info) = std::fs::read_to_string(format!("/proc/{pid}/fdinfo/{number}")) else {
            continue;
        };
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = u32::from_str_radix(flags.context("a descriptor has flags")?.trim(), 8)?;
        // O_ACCMODE; 0 is for reading alone.
        let writable = flags & 0o3 != 0;
        let target = target.to_string_lossy().into_owned();
        let file = target.starts_with('/')
            && !["/dev/", "/proc/", "/sys/"]
                .iter()
                .any(|start| target.starts_with(start));
        if writable && file {
            found.push(target);
        }
    }
    Ok(found)
}

/// What the process has had written to storage, in bytes.
fn written(pid: u32) -> Result<u64> {
    let io = std::fs::read_to_string(format!("/proc/{pid}/io"))?;
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes:"));
    Ok(line.context("the system counts what is written")?.trim().parse()?)
}

fn files_in(directory: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(directory)?;
    entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect()
}

/// Everything that a store keeps, and everything that is written for people.
fn use_everything(fleet: &Fleet, round: usize) -> Result<()> {
    let post = |service: &str, path: &str, body: Value| -> Result<Value> {
        let (status, answer) = fleet.send("POST", service, path, &body)?;
        ensure!((200..300).contains(&status), "{path}: {status} {answer}");
        Ok(answer)
    };
    let (status, answer) = fleet.send(
        "PUT",
        "core",
        "/v1/sys/state",
        &json!({ "key": format!("k/{round}"), "value": "v".repeat(4_096), "ttl": 60_000 }),
    )?;
    ensure!(status == 200, "{answer}");
    post(
        "core",
        "/v1/sys/event",
        json!({ "event": "tried", "data": { "round": round } }),
    )?;
    post(
        "core",
        "/v1/sys/log",
        json!({ "level": "warn", "message": "a line", "meta": { "round": round } }),
    )?;
    post("core", "/v1/sys/metric", json!({ "name": "rounds", "value": round }))?;
    let ops = json!({ "ops": [{ "put": { "key": format!("c/{round}"), "value": 1 } }, { "emit": { "event": "committed" } }] });
    post("api", "/v1/sys/commit", ops)?;
    post("operator", "/v1/sys/job", json!({ "name": "sweep-roster" }))?;
    post(
        "operator",
        "/v1/workflows",
        json!({ "nodes": [{ "id": "a", "wait": { "millis": 1 } }] }),
    )?;
    post(
        "api",
        "/v1/core/createUser",
        json!({ "email": format!("u{round}@example.com"), "name": "U" }),
    )?;
    post(
        "core",
        "/v1/sys/events/groups/g/fetch",
        json!({ "max": 8, "from": "start" }),
    )?;
    // Put on the record, and so into core's chain.
    post("operator", "/v1/sys/jobs/sweep-roster/pause", json!({}))?;
    post("operator", "/v1/sys/jobs/sweep-roster/resume", json!({}))?;
    Ok(())
}

#[test]
fn in_amnesia_nothing_is_opened_for_writing_and_nothing_is_written_to_disk() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let fleet = Fleet::start_in_directory(directory.path(), &["--amnesia"])?;
    let pid = fleet.process.id();
    let before = written(pid)?;
    for round in 0..ROUNDS {
        use_everything(&fleet, round)?;
        let open = writable_files(pid)?;
        ensure!(open.is_empty(), "round {round}: open for writing are {open:?}");
    }
    ensure!(
        fleet.run(&["cat", "/docs/identity"])?.code == Some(0),
        "pages and trees are read as well"
    );
    let (_, users) = fleet.send("POST", "api", "/v1/core/listUsers", &json!({ "limit": 500 }))?;
    let kept = users["result"]["users"].as_array().map_or(0, Vec::len);
    ensure!(kept == ROUNDS, "what was written is there: {kept}");
    ensure!(
        written(pid)? == before,
        "{} bytes were written to storage",
        written(pid)? - before
    );
    ensure!(
        files_in(directory.path())?.is_empty(),
        "{:?} were made",
        files_in(directory.path())?
    );
    Ok(())
}
