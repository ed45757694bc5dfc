//! Whether every caller finds at the services that it calls what it was built with.
//!
//! A caller that runs the wanted commit was built with the contracts of this program, so each service that it calls is compared with those. Of
//! a caller that runs another commit it is known only where the service runs the same: both were built from one source.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::Row;
use super::commit::{Wanted, same};
use super::facts::Fact;
use crate::contract::{Contract, Contracts, breaks, callers, collect};
use crate::failure::Failure;
use crate::fleet::Known;
use crate::remote::Remote;

/// Breaks that are named beside a service; more are counted.
const NAMED: usize = 3;

/// Fills in how each service's contract stands to those that call it.
pub(super) async fn compare(fleet: &Known, remote: &Remote, wanted: &Wanted, rows: &mut [Row]) {
    let runs: BTreeMap<String, Option<String>> =
        rows.iter().map(|row| (row.service.clone(), row.runs.clone())).collect();
    let ours = collect::of_this_program(fleet).await;
    let asked = join_all(rows.iter().map(|row| collect::of_running(remote, &row.service))).await;
    for (row, offered) in rows.iter_mut().zip(asked) {
        if row.health.is_drift() && row.runs.is_none() && row.version.told == "?" {
            continue;
        }
        row.contract = match (&ours, offered) {
            (Ok(ours), Ok(offered)) => judge(remote, wanted, row, &offered, ours, &runs),
            (Err(error), _) => {
                Fact::unknown("?").since(format!("this program's own contracts cannot be had: {error:#}"))
            }
            (_, Err(error)) => Fact::unknown("?").since(format!("does not tell what it offers: {}", untold(&error))),
        };
    }
}

/// Why a service does not tell, in the same words for each that does not for the same reason.
pub(crate) fn untold(error: &anyhow::Error) -> String {
    match error.downcast_ref::<Failure>() {
        Some(failure) if matches!(failure.status.as_u16(), 401 | 403) => {
            "it wants a token with `openapi read`; show one with --token or BLACKROAD_TOKEN".to_owned()
        }
        _ => error.root_cause().to_string(),
    }
}

fn judge(
    remote: &Remote,
    wanted: &Wanted,
    row: &Row,
    offered: &Contract,
    ours: &Contracts,
    runs: &BTreeMap<String, Option<String>>,
) -> Fact {
    let key = row.service.as_str();
    let Some(expected) = ours.get(key) else {
        return Fact::unknown("?");
    };
    let found = breaks(expected, offered);
    let (mut broken, mut unknown) = (Vec::new(), Vec::new());
    for caller in remote
        .registry
        .services()
        .filter(|caller| caller.calls.iter().any(|called| called == key))
    {
        let commit = runs.get(&caller.key).and_then(Option::as_deref);
        let of_one_source = match (commit, row.runs.as_deref()) {
            (Some(caller), Some(callee)) => same(caller, callee),
            // Neither says a commit: on a laptop both are of this very program.
            (None, None) => found.is_empty(),
            _ => false,
        };
        if of_one_source {
            continue;
        }
        if !wanted.is(commit) && !found.is_empty() {
            unknown.push(caller.key.as_str());
            continue;
        }
        for one in &found {
            if callers::callers(&remote.registry, key, one).contains(&caller.key.as_str()) {
                let at = if one.at.is_empty() {
                    String::new()
                } else {
                    format!(" {}", one.at)
                };
                broken.push(format!(
                    "{} calls {}{at}, which {}",
                    caller.key, one.operation, one.what
                ));
            }
        }
    }
    if !broken.is_empty() {
        let count = broken.len();
        let mut says = broken.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
        if count > NAMED {
            says = format!("{says}; and {} more", count - NAMED);
        }
        return Fact::drift(
            format!("{count} broken"),
            format!("does not offer what callers were built with: {says}"),
        );
    }
    if !unknown.is_empty() {
        let callers = unknown.join(", ");
        return Fact::unknown("?").since(format!(
            "differs from this checkout, and what {callers} was built with is not known here; `blackroad contract check --against` a folder that was exported from their commit"
        ));
    }
    Fact::well("ok")
}
