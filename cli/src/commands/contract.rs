//! `blackroad contract export` and `blackroad contract check`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::ValueEnum as _;
use serde::Serialize;
use syscall_sdk::registry::Registry;

use crate::args::{Contract, ContractCheck, Env, Target};
use crate::contract::{Break, Contracts, breaks, callers, collect};
use crate::fleet::Known;
use crate::print::{self, BAD, DIM, WARN};
use crate::remote::Remote;
use crate::verify::contracts::untold;

pub(crate) async fn run(fleet: &Known, target: &Target, machine: bool, contract: Contract) -> Result<ExitCode> {
    match contract {
        Contract::Export { folder } => {
            let contracts = collect::of_this_program(fleet).await?;
            collect::write(&folder, &contracts)?;
            if machine {
                print::json(&contracts.keys().collect::<Vec<_>>())?;
            } else {
                print::line(format!(
                    "wrote the contracts of {} services to {}",
                    contracts.len(),
                    folder.display()
                ))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Contract::Check(asked) => check(fleet, target, machine, asked).await,
    }
}

/// A break, with who would stumble over it.
#[derive(Serialize)]
struct Told<'a> {
    service: &'a str,
    #[serde(flatten)]
    broken: Break,
    callers: Vec<&'a str>,
}

#[derive(Serialize)]
struct Report<'a> {
    breaks: Vec<Told<'a>>,
    /// Methods that callers of today cannot have, by service: it is deployed before those who call them.
    new: Vec<(String, Vec<String>)>,
    /// Services that did not tell what they offer, with the reason.
    unknown: Vec<(String, String)>,
}

async fn check(fleet: &Known, target: &Target, machine: bool, asked: ContractCheck) -> Result<ExitCode> {
    let registry = &fleet.registry;
    let mut only = Vec::new();
    for service in &asked.service {
        only.push(registry.get(service)?.key.as_str());
    }
    let (old, unknown) = against(target, &asked.against, registry, &only).await?;
    let ours = collect::of_this_program(fleet).await?;
    let mut report = Report {
        breaks: Vec::new(),
        new: Vec::new(),
        unknown,
    };
    for key in registry.keys() {
        let (Some(old), Some(ours)) = (old.get(key), ours.get(key)) else {
            continue;
        };
        if !only.is_empty() && !only.contains(&key) {
            continue;
        }
        for broken in breaks(old, ours) {
            let callers = callers::callers(registry, key, &broken);
            report.breaks.push(Told {
                service: key,
                broken,
                callers,
            });
        }
        let new: Vec<String> = ours
            .methods
            .keys()
            .filter(|name| !old.methods.contains_key(*name))
            .cloned()
            .collect();
        if !new.is_empty() {
            report.new.push((key.to_owned(), new));
        }
    }
    let refused = report.breaks.iter().any(|told| !told.callers.is_empty()) || !report.unknown.is_empty();
    if machine {
        print::json(&report)?;
    } else {
        show(&report)?;
    }
    Ok(if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What callers were built with, and of whom that is not known.
async fn against(
    target: &Target,
    named: &str,
    registry: &Registry,
    only: &[&str],
) -> Result<(Contracts, Vec<(String, String)>)> {
    let folder = Path::new(named);
    let Ok(environment) = Env::from_str(named, true) else {
        if !folder.is_dir() {
            bail!(
                "--against {named:?} is neither production, staging or development nor a folder that `blackroad contract export` wrote"
            );
        }
        return Ok((collect::read(folder)?, Vec::new()));
    };
    let target = Target {
        environment,
        ..target.clone()
    };
    let remote = Remote::new(registry, &target)?;
    let (mut known, mut unknown) = (Contracts::new(), Vec::new());
    for key in registry.keys() {
        if !only.is_empty() && !only.contains(&key) {
            continue;
        }
        match collect::of_running(&remote, key).await {
            Ok(contract) => drop(known.insert(key.to_owned(), contract)),
            Err(error) => unknown.push((key.to_owned(), untold(&error))),
        }
    }
    Ok((known, unknown))
}

fn show(report: &Report<'_>) -> Result<()> {
    for Told {
        service,
        broken,
        callers,
    } in &report.breaks
    {
        let at = if broken.at.is_empty() {
            String::new()
        } else {
            format!(" {}", broken.at)
        };
        let (style, who) = if callers.is_empty() {
            (
                WARN,
                "no service of the fleet is known to use it; others may".to_owned(),
            )
        } else {
            (BAD, format!("called by {}", callers.join(", ")))
        };
        let Break { operation, what, .. } = broken;
        print::line(format!(
            "{style}{service} {operation}{at}{style:#}: {what}\n  {DIM}{who}{DIM:#}"
        ))?;
    }
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for (service, why) in &report.unknown {
        match reasons.iter_mut().find(|(known, _)| *known == why.as_str()) {
            Some((_, whose)) => whose.push(service.as_str()),
            None => reasons.push((why.as_str(), vec![service.as_str()])),
        }
    }
    for (why, whose) in reasons {
        print::line(format!(
            "{BAD}{}{BAD:#}: what it offers there is not known: {why}",
            whose.join(", ")
        ))?;
    }
    for (service, new) in &report.new {
        let names = new.join(", ");
        print::line(format!(
            "{service} has {names} now: deploy it before those that call it"
        ))?;
    }
    let refused = report.breaks.iter().filter(|told| !told.callers.is_empty()).count();
    match (refused, report.breaks.is_empty()) {
        (0, _) if !report.unknown.is_empty() => {
            print::line("of those whose contracts are not known nothing can be promised")
        }
        (0, true) => print::line("nobody would stumble over anything"),
        (0, false) => print::line("no service of the fleet would stumble over anything"),
        (many, _) => print::line(format!(
            "{many} of these would break callers in the fleet: keep the old beside the new until none of them calls it"
        )),
    }
}
