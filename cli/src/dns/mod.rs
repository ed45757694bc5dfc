//! `blackroad dns plan|apply|check|export`: the fleet's zones as the registry wants them, at Cloudflare and in the world's name servers.
//!
//! Pure: [`wanted`] (from the registry), [`diff`], [`settings`], [`checks`], [`plan`] (from what was found to what is to be done),
//! [`export`]. The others ask: [`cloudflare`] the API, [`railway`] the platform, [`check`] the name servers.

mod apply;
mod check;
mod checks;
mod cloudflare;
mod diff;
mod dmarc;
mod export;
mod handed;
mod live;
mod plan;
mod railway;
mod record;
mod servers;
mod settings;
mod show;
#[cfg(test)]
mod tests;
mod txt;
mod wanted;

use std::process::ExitCode;

use anyhow::{Result, bail};
use syscall_sdk::config::Variables;
use syscall_sdk::host::process_environment;
use syscall_sdk::registry::RegistryFile;

use crate::args::{Dns, DnsExport, DnsFormat, DnsPlan, DnsZones};
use crate::fleet::Known;
use crate::print;
use cloudflare::Client;
use handed::Handed;
use plan::Plan;
use wanted::{Naming, Wanted};

/// The exit code of `plan --detailed-exit-code` where a zone is not as it is wanted, as other planners have it.
const PENDING: u8 = 2;

/// Runs one of them.
pub(crate) async fn run(fleet: &Known, machine: bool, dns: Dns) -> Result<ExitCode> {
    let (variables, faults) = process_environment();
    anyhow::ensure!(faults.is_empty(), "{faults}");
    let file = fleet.registry.file();
    match dns {
        Dns::Plan(plan) => Box::pin(planned(file, &variables, machine, plan)).await,
        Dns::Apply(apply) => {
            let zones = zones(file, &variables, &apply.zones).await?;
            Box::pin(apply::run(file, &variables, machine, &zones, &apply)).await
        }
        Dns::Check(check) => {
            let zones = zones(file, &variables, &check.zones).await?;
            Box::pin(check::run(machine, &zones, &check.resolver)).await
        }
        Dns::Export(export) => exported(file, &variables, export).await,
    }
}

async fn planned(file: &RegistryFile, variables: &Variables, machine: bool, args: DnsPlan) -> Result<ExitCode> {
    let zones = zones(file, variables, &args.zones).await?;
    let mut client = Client::new(variables)?;
    let mut plans = Vec::new();
    for zone in &zones {
        plans.push(of_zone(&mut client, file, zone, args.adopt).await?);
    }
    show::plans(machine, &plans)?;
    let pending = plans.iter().any(|plan| plan.changes() + plan.conflicts.len() > 0);
    Ok(if args.detailed_exit_code && pending {
        ExitCode::from(PENDING)
    } else {
        ExitCode::SUCCESS
    })
}

async fn exported(file: &RegistryFile, variables: &Variables, args: DnsExport) -> Result<ExitCode> {
    let zones = zones(file, variables, &args.zones).await?;
    for note in zones.iter().flat_map(|zone| &zone.notes) {
        eprintln!("{note}");
    }
    let text = match (args.format, zones.as_slice()) {
        (DnsFormat::Bind, [zone]) => export::bind(zone),
        (DnsFormat::Bind, zones) => {
            let names: Vec<&str> = zones.iter().map(|zone| zone.name.as_str()).collect();
            bail!("a zone file has one zone; name it with --zone: {}", names.join(" or "));
        }
        (DnsFormat::Terraform, zones) => export::terraform(zones),
    };
    print::line(text.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// The zones as they are wanted, with what others hand out.
async fn zones(file: &RegistryFile, variables: &Variables, args: &DnsZones) -> Result<Vec<Wanted>> {
    let mut handed = match &args.ownership {
        Some(path) => Handed::read(path)?,
        None => Handed::default(),
    };
    match railway::domains(variables).await {
        Ok(Some(domains)) => {
            handed.asked = true;
            handed.domains = domains;
        }
        Ok(None) => {}
        // What is not known is left alone, so that this is no reason to stop.
        Err(error) => handed
            .notes
            .push(format!("the platform's domains are not known: {error:#}")),
    }
    let mut zones = wanted::zones(file, &Naming::of(variables)?, &handed, &args.zones)?;
    for zone in &mut zones {
        zone.notes.splice(0..0, handed.notes.iter().cloned());
    }
    Ok(zones)
}

/// What is to be done in a zone, as it is now.
async fn of_zone(client: &mut Client, file: &RegistryFile, zone: &Wanted, adopt: bool) -> Result<Plan> {
    let found = client
        .found(&zone.name, &settings::wanted(&zone.zone), !zone.hosts.is_empty())
        .await?;
    Ok(Plan::new(zone, &found, file, adopt))
}
