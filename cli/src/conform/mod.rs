//! `blackroad conform URL`: a running service, in any language, against the syscall contract, from outside.
//!
//! It writes into the service under test: keys below `conform/`, events and figures named `conform:…`, lines of log. Keys are deleted at
//! the end where the service can delete.

mod audit;
mod commit;
mod core;
mod errors;
mod events;
mod groups;
mod headers;
mod job_lives;
mod jobs;
mod later;
mod observe;
mod probe;
mod reply;
mod report;
mod rpc;
mod rule;
mod state;
mod state_ours;
mod stream;
mod streams;
mod traces;
mod workflows;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};
use serde_json::json;

use crate::args::{Conform, Level, Target};
use crate::fleet::Known;
use crate::print;
use probe::Probe;
use report::{Finding, Summary};
use rule::{Rule, skip};

/// Every rule, in the order in which they are checked: the audit last, since it looks at what the others met.
fn rules() -> impl Iterator<Item = &'static Rule> {
    let families = [
        core::RULES,
        observe::RULES,
        rpc::RULES,
        events::RULES,
        streams::RULES,
        groups::RULES,
        jobs::RULES,
        job_lives::RULES,
        state::RULES,
        state_ours::RULES,
        commit::RULES,
        traces::RULES,
        workflows::RULES,
        later::RULES,
        headers::RULES,
        errors::RULES,
        audit::RULES,
    ];
    families.into_iter().flatten()
}

/// Checks a service.
pub(crate) async fn run(fleet: &Known, target: &Target, machine: bool, conform: Conform) -> Result<ExitCode> {
    let level = conform.level;
    let probe = Probe::new(&fleet.registry, target, &conform).await?;
    let mut findings = Vec::new();
    let asked = |rule: &&Rule| {
        let about = |text: &String| rule.name.contains(text.as_str()) || rule.family.as_str() == text;
        rule.level <= level && conform.rule.as_ref().is_none_or(about)
    };
    for rule in rules().filter(asked) {
        let begun = Instant::now();
        let verdict = match rule.capability(level) {
            Some(capability) if !probe.can(capability) => {
                skip(format!("the service does not list the capability {capability:?}"))
            }
            _ => (rule.check)(&probe).await,
        };
        let finding = Finding::new(rule, level, verdict, begun.elapsed());
        if !machine {
            finding.show()?;
        }
        findings.push(finding);
    }
    if findings.is_empty() {
        bail!("no rule of this level holds the text of --rule");
    }
    state::clean_up(&probe).await;
    let summary = Summary::of(&findings);
    let name = if probe.name().is_empty() {
        probe.base()
    } else {
        probe.name()
    };
    if machine {
        let level = if level == Level::V2 { "2.0" } else { "ours" };
        print::json(&json!({ "service": name, "level": level, "summary": summary, "rules": findings }))?;
    } else {
        summary.show(name)?;
    }
    Ok(if summary.fail == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_rules_have_the_same_sentence() {
        let mut known = BTreeSet::new();
        for rule in rules() {
            assert!(known.insert(rule.name), "{}", rule.name);
            assert!(!rule.name.ends_with('.') && !rule.clause.is_empty(), "{}", rule.name);
        }
    }
}
