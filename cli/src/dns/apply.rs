//! `blackroad dns apply`: shows the plan, asks, sees that it still holds, carries it out, and looks at what came of it.

use std::io::{IsTerminal as _, Write as _, stdin, stdout};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use syscall_sdk::config::Variables;
use syscall_sdk::registry::RegistryFile;

use super::cloudflare::{self, BATCH_MAX, Client};
use super::plan::Plan;
use super::wanted::Wanted;
use super::{diff, of_zone, show};
use crate::args::DnsApply;
use crate::print;

pub(super) async fn run(
    file: &RegistryFile,
    variables: &Variables,
    machine: bool,
    zones: &[Wanted],
    args: &DnsApply,
) -> Result<ExitCode> {
    let mut client = Client::new(variables)?;
    let mut plans = Vec::new();
    for zone in zones {
        plans.push(of_zone(&mut client, file, zone, args.adopt).await?);
    }
    show::plans(machine, &plans)?;
    let changes: usize = plans.iter().map(Plan::changes).sum();
    let deletions: usize = plans.iter().map(Plan::deletions).sum();
    if changes == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    if deletions > 0 && !args.confirm {
        bail!("nothing was changed: the plan deletes {deletions}, which needs --confirm");
    }
    if !args.yes && !agreed(machine, changes).await? {
        bail!("nothing was changed");
    }
    let mut failures = Vec::new();
    for (zone, plan) in zones.iter().zip(&plans).filter(|(_, plan)| plan.changes() > 0) {
        // The plan that was shown is the one that is carried out, or none.
        let now = of_zone(&mut client, file, zone, args.adopt).await?;
        if now != *plan {
            bail!(
                "{} changed since its plan was shown, and nothing was done in it; plan again",
                plan.zone
            );
        }
        let mut refused = carry_out(&mut client, plan).await?;
        let live = client.records(&plan.id, &plan.zone).await?;
        let left = diff::diff(zone, &live, args.adopt).changes.len();
        if left > 0 {
            refused.push(format!(
                "{left} records are still not as wanted; plan again to see which"
            ));
        }
        told(machine, plan, &refused)?;
        failures.extend(refused.into_iter().map(|why| format!("{}: {why}", plan.zone)));
    }
    if failures.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    bail!("{}", failures.join("\n"));
}

/// Asks on a terminal; without one nobody can answer.
async fn agreed(machine: bool, changes: usize) -> Result<bool> {
    if machine || !stdin().is_terminal() {
        bail!("nothing was changed: there is no terminal to ask on; --yes answers beforehand");
    }
    let answer = tokio::task::block_in_place(|| {
        let mut out = stdout().lock();
        write!(out, "Make these {changes} changes? Only yes is taken for one: ")?;
        out.flush()?;
        let mut line = String::new();
        stdin().read_line(&mut line)?;
        anyhow::Ok(line)
    });
    Ok(answer.context("the answer could not be read")?.trim() == "yes")
}

/// Makes the changes; what was refused one by one is given back, what was refused as a whole is an error.
async fn carry_out(client: &mut Client, plan: &Plan) -> Result<Vec<String>> {
    let batches = plan.records.chunks(BATCH_MAX);
    let many = batches.len();
    for (at, batch) in batches.enumerate() {
        cloudflare::records(client, &plan.id, batch)
            .await
            .with_context(|| match (at, many) {
                (_, 1) => format!("{}: a batch is all or nothing, so look at what was refused", plan.zone),
                (0, _) => format!("{}: the first of {many} batches was refused as a whole", plan.zone),
                _ => format!(
                    "{}: {at} of {many} batches were done, the next was refused as a whole",
                    plan.zone
                ),
            })?;
    }
    let mut failures = Vec::new();
    for change in &plan.settings {
        if let Err(error) = cloudflare::setting(client, &plan.id, change).await {
            failures.push(format!("{error:#}"));
        }
    }
    for change in &plan.health_checks {
        if let Err(error) = cloudflare::check(client, &plan.id, change).await {
            failures.push(format!("{error:#}"));
        }
    }
    Ok(failures)
}

fn told(machine: bool, plan: &Plan, refused: &[String]) -> Result<()> {
    let made = plan.changes().saturating_sub(refused.len());
    if machine {
        return print::json(&json!({ "zone": plan.zone, "made": made, "refused": refused }));
    }
    print::line(format!(
        "{}: {made} of {} changes made, and read back",
        plan.zone,
        plan.changes()
    ))
}
