//! A fleet of processes: each may die by itself, and none outlives the fleet.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use anyhow::Result;

use crate::binary::{Ending, Fleet, blackroad, send};

fn start(args: &[&str]) -> Result<Fleet> {
    Fleet::start(&[&["--processes", "--only", "operator,core"], args].concat())
}

#[test]
fn each_service_has_a_process_of_its_own() -> Result<()> {
    let fleet = start(&["--amnesia"])?;
    let (operator, core) = (fleet.pid("operator")?, fleet.pid("core")?);
    assert!(operator != core && operator != fleet.process.id() && core != fleet.process.id());
    Ok(())
}

#[test]
fn a_killed_process_comes_back_with_what_it_had_and_the_others_go_on() -> Result<()> {
    let data = tempfile::tempdir()?;
    let fleet = start(&["--data-dir", data.path().to_str().unwrap()])?;
    fleet.json(&["state", "put", "core", "kept", "\"still here\""])?;
    let (operator, core) = (fleet.pid("operator")?, fleet.pid("core")?);
    send("KILL", core)?;
    fleet.says("core is back")?;
    assert_ne!(fleet.pid("core")?, core);
    assert_eq!(fleet.json(&["state", "get", "core", "kept"])?["value"], "still here");
    assert_eq!(fleet.pid("operator")?, operator);
    Ok(())
}

#[test]
fn a_service_that_is_away_says_so_and_when_to_come_back() -> Result<()> {
    let fleet = start(&["--amnesia"])?;
    let core = fleet.pid("core")?;
    send("KILL", core)?;
    let said = fleet.says("core died")?;
    assert!(said.contains("it is started again in"), "{said}");
    let refused = fleet.run(&["identity", "core"])?;
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.err.contains("core takes no connection") && refused.err.contains("try again in 1 s"),
        "{}",
        refused.err
    );
    fleet.says("core is back")?;
    assert_ne!(fleet.pid("core")?, core);
    Ok(())
}

#[test]
fn a_process_that_falls_silent_is_replaced() -> Result<()> {
    let fleet = start(&["--amnesia", "--probe-interval", "500"])?;
    let core = fleet.pid("core")?;
    send("STOP", core)?;
    // While it is stopped nobody may be asked who it is: the question would hang for as long as the caller waits.
    let said = fleet.says("core died")?;
    assert!(said.contains("it failed 3 probes"), "{said}");
    fleet.says("core is back")?;
    assert_ne!(fleet.pid("core")?, core);
    Ok(())
}

#[test]
fn processes_end_with_the_fleet_also_where_it_is_killed() -> Result<()> {
    for signal in ["TERM", "KILL"] {
        let fleet = start(&["--amnesia"])?;
        let ends = [Ending::of(fleet.pid("operator")?)?, Ending::of(fleet.pid("core")?)?];
        fleet.signal(signal)?;
        let (code, _) = fleet.wait()?;
        assert_eq!(code, (signal == "TERM").then_some(0));
        for end in ends {
            end.wait()?;
        }
    }
    Ok(())
}

#[test]
fn lines_of_processes_bear_their_key() -> Result<()> {
    let mut process = blackroad(&[
        "up",
        "--processes",
        "--logs",
        "--amnesia",
        "--port",
        "0",
        "--only",
        "core",
    ])
    .stdout(Stdio::piped())
    .stderr(Stdio::null())
    .spawn()?;
    let mut lines = BufReader::new(process.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let line = lines.find(|line| line.contains("\"ready\""));
    process.kill()?;
    process.wait()?;
    assert!(line.is_some_and(|line| line.starts_with("core     {")));
    Ok(())
}
