//! The examples of services in other languages, run for real: each passes the contract's checker, is on the roster, is called by a service
//! of ours and through the gateway, and judges tokens as the SDK does.

mod calls;
mod judged;
mod mint;
mod programs;
mod running;
mod vectors;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use self::programs::Program;
use self::running::{Callers, Running};
use crate::binary::{Following, Ran, send};

#[test]
fn node_with_its_standard_library_is_a_service_of_the_fleet_and_checks_tokens() -> Result<()> {
    check(programs::node(), Callers::WithTokens)
}

#[test]
fn node_with_fastify_is_a_service_of_the_fleet_and_checks_tokens() -> Result<()> {
    check(programs::fastify()?, Callers::WithTokens)
}

#[test]
fn python_with_its_standard_library_alone_is_a_service_of_a_fleet_without_tokens() -> Result<()> {
    check(programs::python(), Callers::Anybody)
}

#[test]
fn python_with_one_package_checks_tokens() -> Result<()> {
    check(
        programs::python_with_packages("service_stdlib.py")?,
        Callers::WithTokens,
    )
}

#[test]
fn python_with_fastapi_is_a_service_of_the_fleet_and_checks_tokens() -> Result<()> {
    check(
        programs::python_with_packages("service_fastapi.py")?,
        Callers::WithTokens,
    )
}

#[test]
fn an_example_signs_off_when_it_is_told_to_stop() -> Result<()> {
    let Some(program) = programs::node() else { return Ok(()) };
    let mut running = Running::start(&program, Callers::Anybody)?;
    send("TERM", running.example.0.id())?;
    assert_eq!(running.example.0.wait()?.code(), Some(0));
    let left = ["events", "operator", "--event", "mesh:left", "--since", "5m", "--json"];
    let following = Following::start(running.command(&left)?)?;
    assert!(following.next()?.contains("blackroad-os-web"));
    Ok(())
}

fn check(program: Option<Program>, callers: Callers) -> Result<()> {
    let Some(program) = program else { return Ok(()) };
    let running = Running::start(&program, callers)?;
    conforms(&running)?;
    calls::by_a_service_of_ours(&running)?;
    calls::through_the_gateway(&running)?;
    if callers == Callers::WithTokens {
        calls::by_who_may_not(&running)?;
        judged::as_by_the_sdk(&running)?;
    }
    for line in running.log()? {
        let texts = ["timestamp", "level", "message"].map(|field| line[field].is_string());
        ensure!(texts == [true; 3] && line["service"] == "blackroad-os-web", "{line}");
    }
    Ok(())
}

fn conforms(running: &Running) -> Result<()> {
    let level = [
        "--service",
        "web",
        "--level",
        "2.0",
        "--method",
        "total",
        "--slow",
        "rest",
    ];
    let mut checker = running.command(&[&["--json", "conform", running.url.as_str()][..], &level].concat())?;
    if running.callers == Callers::WithTokens {
        // A relay passes on what its caller showed, so that has to be good at both.
        let both = [
            "--subject",
            "checker",
            "--right",
            "rpc * *",
            "--at",
            "web,operator",
            "--bearer",
        ];
        checker.env("BLACKROAD_TOKEN", running.minted(&both)?);
    }
    let ran: Ran = checker.output()?.into();
    let told: Value = serde_json::from_str(&ran.out).with_context(|| format!("{ran:?}"))?;
    let rules = || told["rules"].as_array().into_iter().flatten();
    let failed: Vec<&Value> = rules().filter(|rule| rule["outcome"] == "fail").collect();
    ensure!(ran.code == Some(0) && failed.is_empty(), "{failed:#?}");
    for name in [
        "a call past its deadline",
        "a call for another service is relayed",
        "identity's dns",
    ] {
        let rule = rules().find(|rule| rule["rule"].as_str().is_some_and(|rule| rule.starts_with(name)));
        ensure!(rule.is_some_and(|rule| rule["outcome"] == "pass"), "{name}: {rule:?}");
    }
    Ok(())
}
