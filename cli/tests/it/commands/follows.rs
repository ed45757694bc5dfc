//! What is followed as it happens.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::start;
use crate::binary::{Fleet, Following, SOON};

/// A follower that is known to be live: it has printed what was said after it began.
fn live(
    fleet: &Fleet,
    args: &[&str],
    mut say: impl FnMut(u32) -> Result<()>,
    wanted: impl Fn(&str) -> Option<u32>,
) -> Result<(Following, u32)> {
    let following = Following::start(fleet.command(&[&["--json"], args].concat()))?;
    // What is said before the stream is open is not heard, so it is said until it is.
    let mut said = 0;
    let begun = Instant::now();
    let first = loop {
        say(said)?;
        said += 1;
        if let Some(first) = following.next_within(Duration::from_millis(100)) {
            break first;
        }
        anyhow::ensure!(begun.elapsed() < SOON, "the stream is not live after {said} tries");
    };
    // The others that were said meanwhile come after it.
    let first = wanted(&first).context("what was said is heard")?;
    for due in first + 1..said {
        assert_eq!(wanted(&following.next()?), Some(due));
    }
    Ok((following, said - 1))
}

fn number(line: &str) -> Option<u32> {
    let value: Value = serde_json::from_str(line).ok()?;
    value["data"]["n"].as_u64().and_then(|n| u32::try_from(n).ok())
}

#[test]
fn events_are_followed_across_a_restart_without_loss_or_repeat() -> Result<()> {
    let data = tempfile::tempdir()?;
    let args = ["--only", "core", "--data-dir", data.path().to_str().unwrap()];
    let fleet = Fleet::start(&args)?;
    let emit = |fleet: &Fleet, n: u32| {
        fleet
            .json(&["emit", "core", "test:n", &json!({ "n": n }).to_string()])
            .map(drop)
    };
    let (following, last) = live(
        &fleet,
        &["events", "core", "--event", "test:*"],
        |n| emit(&fleet, n),
        number,
    )?;
    let port = fleet.port;
    fleet.signal("TERM")?;
    fleet.wait()?;
    let fleet = Fleet::start_on(port, &args)?;
    for n in last + 1..last + 4 {
        emit(&fleet, n)?;
    }
    for n in last + 1..last + 4 {
        assert_eq!(number(&following.next()?), Some(n));
    }
    assert_eq!(following.next_within(Duration::ZERO), None, "nothing comes twice");
    assert_eq!(
        following.interrupt()?,
        Some(0),
        "Ctrl-C ends a stream, and that is no failure"
    );

    let since = Following::start(fleet.command(&["events", "core", "--since", "1h", "--event", "test:n"]))?;
    assert!(since.next()?.ends_with("test:n {\"n\":0}"));
    Ok(())
}

#[test]
fn log_lines_are_followed_by_level_and_text() -> Result<()> {
    let fleet = start()?;
    let write = |level: &str, message: &str| -> Result<()> {
        let line = json!({ "level": level, "message": message });
        let (status, _) = fleet.send("POST", "core", "/v1/sys/log", &line)?;
        anyhow::ensure!(status == 201, "the line is written");
        Ok(())
    };
    for message in ["hay", "a needle", "more hay"] {
        write("warn", message)?;
    }
    write("info", "a needle that is no warning")?;
    let found = fleet.json(&["logs", "core", "--grep", "NEEDLE", "--level", "warn"])?;
    assert_eq!(found["logs"][0]["message"], "a needle");
    assert_eq!(found["total"], 1);
    let following = Following::start(fleet.command(&["logs", "core", "-f", "--grep", "needle", "-n", "1"]))?;
    assert!(following.next()?.ends_with("a needle that is no warning"));
    write("error", "the last needle")?;
    assert!(following.next()?.contains("error the last needle"));
    assert_eq!(following.interrupt()?, Some(0));
    Ok(())
}

#[test]
fn changes_of_state_are_watched() -> Result<()> {
    let fleet = start()?;
    let put = |n: u32| fleet.json(&["state", "put", "core", "w/a", &n.to_string()]).map(drop);
    let value = |line: &str| -> Option<u32> {
        let value: Value = serde_json::from_str(line).ok()?;
        value["data"]["entry"]["value"]
            .as_u64()
            .and_then(|n| u32::try_from(n).ok())
    };
    let (following, _) = live(&fleet, &["state", "watch", "core", "w/"], put, value)?;
    fleet.json(&["state", "rm", "core", "w/a"])?;
    let line: Value = serde_json::from_str(&following.next()?)?;
    assert_eq!(
        (&line["event"], &line["data"]["key"]),
        (&json!("state:deleted"), &json!("w/a"))
    );
    assert_eq!(following.interrupt()?, Some(0));
    Ok(())
}
