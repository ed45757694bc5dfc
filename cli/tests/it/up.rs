//! `blackroad up`: how it says that it is up, and how it says that it cannot be.

use std::net::TcpListener;

use anyhow::Result;
use serde_json::Value;

use crate::binary::{Fleet, Following, blackroad, run};

/// Both ways to run a fleet.
pub(crate) const MODES: [&[&str]; 2] = [&[], &["--processes"]];

fn up(mode: &[&str], args: &[&str]) -> Vec<String> {
    [&["up", "--amnesia"], mode, args]
        .concat()
        .into_iter()
        .map(str::to_owned)
        .collect()
}

fn texts(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}

#[test]
fn a_port_that_is_taken_is_said_in_one_sentence() -> Result<()> {
    let taken = TcpListener::bind(("127.0.0.1", 0))?;
    let port = taken.local_addr()?.port().to_string();
    for mode in MODES {
        let ran = run(&texts(&up(mode, &["--port", &port])))?;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert_eq!(
            ran.err,
            format!(
                "error: cannot listen on 127.0.0.1:{port}: something listens there already; stop it or choose another port\n"
            )
        );
        assert_eq!(ran.out, "");
    }
    Ok(())
}

#[test]
fn every_fault_of_the_environment_is_named_at_once_and_the_code_is_78() -> Result<()> {
    for mode in MODES {
        let args = up(mode, &["--port", "0"]);
        let output = blackroad(&texts(&args))
            .env("ENVIRONMENT", "moon")
            .env("LOG_LEVEL", "loud")
            .env("SYSCALL_AUTH", "perhaps")
            .env("SYSCALL_TOKEN_FILE", "/nowhere")
            .output()?;
        let said = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(78), "{said}");
        for name in [
            "4 faults",
            "ENVIRONMENT",
            "LOG_LEVEL",
            "SYSCALL_AUTH",
            "SYSCALL_TOKEN_FILE",
        ] {
            assert!(said.contains(name), "{name} is not in {said}");
        }
    }
    Ok(())
}

#[test]
fn a_service_that_there_is_not_is_named_with_those_that_there_are() -> Result<()> {
    for mode in MODES {
        let ran = run(&texts(&up(mode, &["--port", "0", "--only", "core,cor"])))?;
        assert_eq!(ran.code, Some(1));
        assert!(ran.err.starts_with("error: --only names \"cor\""), "{}", ran.err);
        assert!(ran.err.contains("operator, core, api"), "{}", ran.err);
    }
    Ok(())
}

#[test]
fn what_cannot_be_typed_is_a_matter_of_usage() -> Result<()> {
    for args in [
        &["up", "--port", "many"][..],
        &["nothing"],
        &["state", "get", "core"],
        &["events", "core", "--loud"],
    ] {
        assert_eq!(run(args)?.code, Some(2), "{args:?}");
    }
    Ok(())
}

#[test]
fn a_fleet_says_where_it_is_and_drains_on_both_signals() -> Result<()> {
    for (mode, signal) in [
        (MODES[0], "INT"),
        (MODES[0], "TERM"),
        (MODES[1], "INT"),
        (MODES[1], "TERM"),
    ] {
        let fleet = Fleet::start(&[&["--amnesia", "--only", "core,root"], mode].concat())?;
        let keys: Vec<&Value> = fleet.told["services"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["key"])
            .collect();
        assert_eq!(keys, ["core", "root"]);
        assert_eq!(fleet.told["services"][0]["health"], "healthy");
        assert_eq!(
            fleet.told["services"][0]["url"],
            format!("http://core.localhost:{}", fleet.port)
        );
        fleet.signal(signal)?;
        assert_eq!(fleet.wait()?, (Some(0), String::new()));
    }
    Ok(())
}

#[test]
fn each_service_has_a_port_of_its_own_where_asked_for() -> Result<()> {
    for mode in MODES {
        let fleet = Fleet::start(&[&["--amnesia", "--only", "core,root", "--ports"], mode].concat())?;
        for (at, name) in ["blackroad-os-core", "blackroad-os-root"].into_iter().enumerate() {
            let url = format!("http://127.0.0.1:{}", fleet.told["services"][at]["port"]);
            let ran = run(&["conform", &url, "--rule", "/version names"])?;
            assert_eq!(ran.code, Some(0), "{ran:?}");
            assert!(ran.out.contains(&format!("{name} conforms")), "{}", ran.out);
        }
    }
    Ok(())
}

#[test]
fn people_see_a_table_and_the_port_in_the_last_line() -> Result<()> {
    use std::io::{BufRead as _, BufReader};
    for mode in MODES {
        let args = up(mode, &["--port", "0", "--only", "core"]);
        let mut process = blackroad(&texts(&args))
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()?;
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut seen = Vec::new();
        for line in lines {
            seen.push(line?);
            if seen
                .last()
                .is_some_and(|line| line.starts_with("the fleet is up at http://localhost:"))
            {
                break;
            }
        }
        process.kill()?;
        process.wait()?;
        assert!(seen[0].contains("service") && seen[0].contains("boot"), "{seen:?}");
        assert!(
            seen[1].contains("http://core.localhost:") && seen[1].contains("healthy"),
            "{seen:?}"
        );
        assert!(
            !seen.concat().contains('\u{1b}'),
            "no escapes where nobody looks at a terminal"
        );
    }
    Ok(())
}

#[test]
fn what_is_kept_is_there_after_a_restart_in_the_other_mode_and_amnesia_keeps_nothing() -> Result<()> {
    let data = tempfile::tempdir()?;
    let directory = data.path().to_str().unwrap();
    for (mode, expected) in [(MODES[0], 1), (MODES[1], 2), (MODES[0], 3)] {
        let fleet = Fleet::start(&[&["--only", "core", "--data-dir", directory], mode].concat())?;
        assert_eq!(fleet.json(&["state", "put", "core", "kept", "1"])?["version"], expected);
        fleet.signal("TERM")?;
        fleet.wait()?;
    }
    let before = std::fs::read_dir(data.path())?.count();
    let fleet = Fleet::start(&["--only", "core", "--data-dir", directory, "--amnesia", "--processes"])?;
    assert_eq!(fleet.json(&["state", "put", "core", "kept", "1"])?["version"], 1);
    assert_eq!(std::fs::read_dir(data.path())?.count(), before);
    Ok(())
}

#[test]
fn lines_of_log_are_printed_beside_the_table_and_ctrl_c_still_drains() -> Result<()> {
    for mode in MODES {
        let args = up(mode, &["--only", "core", "--port", "0", "--logs"]);
        let following = Following::start(blackroad(&texts(&args)))?;
        let (mut table, mut ready) = (false, false);
        while !(table && ready) {
            let line = following.next()?;
            table |= line.contains("the fleet is up at");
            ready |= line.contains("ready");
        }
        assert_eq!(following.interrupt()?, Some(0), "{mode:?}");
    }
    Ok(())
}

#[test]
fn a_data_folder_that_cannot_be_used_ends_the_command_and_is_named() -> Result<()> {
    for mode in MODES {
        let args = [
            &["up", "--only", "core,api", "--port", "0", "--data-dir", "/proc/nowhere"],
            mode,
        ]
        .concat();
        let ran = run(&args)?;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains("no service could boot"), "{ran:?}");
        assert!(ran.err.contains("/proc/nowhere"), "{ran:?}");
        assert!(!ran.out.contains("the fleet is up"), "{ran:?}");
    }
    Ok(())
}
