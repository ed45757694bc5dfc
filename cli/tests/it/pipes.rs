//! What lasts longer than a call, from a shell: pipes, and results that come one after the other.

use std::io::Write as _;
use std::process::Stdio;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::binary::{Fleet, Following, Ran};

/// Types into a pipe and gives what came out of it.
fn through(fleet: &Fleet, service: &str, name: &str, typed: &[u8]) -> Result<Ran> {
    let mut command = fleet.command(&["pipe", service, name]);
    let mut process = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut input = process.stdin.take().context("standard input is a pipe")?;
    let typed = typed.to_owned();
    let typing = std::thread::spawn(move || input.write_all(&typed));
    let ran = process.wait_with_output()?;
    // A pipe that was refused reads nothing of what is typed.
    let _ = typing.join();
    Ok(ran.into())
}

#[test]
fn what_is_typed_into_echo_comes_back_from_one_process_and_from_many() -> Result<()> {
    let line = "0123456789abcdef".repeat(64 * 1024);
    for way in [&["--amnesia"][..], &["--amnesia", "--processes"][..]] {
        let fleet = Fleet::start(&[&["--only", "operator,core"], way].concat())?;
        let ran = through(&fleet, "core", "echo", line.as_bytes())?;
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{way:?}");
        assert!(
            ran.out == line,
            "{way:?}: {} bytes came back of {}",
            ran.out.len(),
            line.len()
        );
        let refused = through(&fleet, "core", "tunnel", b"x")?;
        assert_eq!(refused.code, Some(1));
        assert!(refused.err.contains("PIPE_NOT_FOUND, 404"), "{}", refused.err);
    }
    Ok(())
}

/// Whether a roster shows a process of core as up.
fn shows(roster: &str, instance: &str) -> Result<bool> {
    let roster: Value = serde_json::from_str(roster)?;
    let services = roster["services"].as_array().context("a roster")?;
    let mut processes = services
        .iter()
        .flat_map(|service| service["instances"].as_array().into_iter().flatten());
    Ok(processes.any(|process| process["instance"] == instance && process["state"] == "up"))
}

#[test]
fn the_roster_is_printed_again_when_a_process_comes() -> Result<()> {
    let fleet = Fleet::start(&["--amnesia", "--only", "operator,core"])?;
    let watching = Following::start(fleet.command(&["--json", "ps", "--watch"]))?;
    let calling = Following::start(fleet.command(&["--json", "call", "operator", "mesh.watch"]))?;
    for roster in [watching.next()?, calling.next()?] {
        assert!(!shows(&roster, "second")?, "{roster}");
    }
    let identity = fleet.json(&["identity", "core"])?;
    let second = json!({ "identity": identity, "instance": "second", "url": "http://127.0.0.1:1" });
    fleet.json(&["call", "operator", "mesh.announce", &second.to_string()])?;
    for roster in [&watching, &calling] {
        while !shows(&roster.next()?, "second")? {}
    }
    assert_eq!(watching.interrupt()?, Some(0));
    let ran = fleet.run(&["call", "operator"])?;
    assert!(
        ran.out.contains("mesh.watch") && ran.out.contains("stream"),
        "{}",
        ran.out
    );
    Ok(())
}
