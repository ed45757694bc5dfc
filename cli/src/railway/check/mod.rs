//! What would go wrong on the platform, told before it does: what it is, where, and what to do.

mod stray;
mod values;

use std::collections::BTreeSet;

use anyhow::Result;
use serde::Serialize;
use syscall_sdk::host::DrainBudget;

use super::{Checkout, ENTRY, FLEET, read, service};

/// What the Dockerfile is told of which service it builds.
const BUILD_ARGUMENT: &str = "SERVICE";

/// Something that would go wrong.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Finding {
    /// The file, from the root, with what it is about in it.
    pub(crate) at: String,
    /// What is wrong, and what comes of it.
    pub(crate) what: String,
    /// What to do.
    pub(crate) instead: String,
}

impl Finding {
    fn new(at: impl Into<String>, what: impl Into<String>, instead: impl Into<String>) -> Self {
        Finding {
            at: at.into(),
            what: what.into(),
            instead: instead.into(),
        }
    }
}

/// Everything that is wrong, sorted by where.
pub(crate) fn all(checkout: &Checkout) -> Result<BTreeSet<Finding>> {
    let mut findings = BTreeSet::new();
    findings.extend(stray::files(&checkout.root)?);
    findings.extend(values::variables(checkout.registry.file()));
    findings.extend(draining(checkout));
    findings.extend(dockerfile(checkout));
    for record in checkout.registry.services() {
        if let Err(error) = checkout.workspace.watch(&record.name) {
            findings.insert(Finding::new(
                format!("registry.toml, service {:?}", record.key),
                format!("{error:#}"),
                "name the package so, or take the service out of the registry",
            ));
        }
    }
    // Without every package there is nothing to compare with.
    if let Ok(files) = checkout.files() {
        for (path, text) in files {
            findings.extend(rendered(checkout, path, &text));
        }
    }
    Ok(findings)
}

/// A file that is not what would be rendered; of watch paths, the crates that they miss.
fn rendered(checkout: &Checkout, path: &'static str, fresh: &str) -> Vec<Finding> {
    let render = "run `blackroad railway render` and commit what it writes";
    let Some(there) = read(&checkout.root.join(path)) else {
        let what = match path {
            ENTRY => "is not there, so `railway config plan` finds nothing",
            _ => "is not there",
        };
        return vec![Finding::new(path, what, render)];
    };
    if there == fresh {
        return vec![];
    }
    let mut findings = Vec::new();
    if path == FLEET {
        for record in checkout.registry.services() {
            let name = service::called(record);
            let at = format!("{path}, service {name:?}");
            let Some(watched) = watch_patterns(&there, &name) else {
                findings.push(Finding::new(at, "is in the registry and not in the file", render));
                continue;
            };
            let missed = missed_crates(checkout, &record.name, &watched);
            if !missed.is_empty() {
                let what = format!(
                    "its watch paths miss {}, so a change there is not deployed",
                    missed.into_iter().collect::<Vec<_>>().join(", ")
                );
                findings.push(Finding::new(at, what, render));
            }
        }
    }
    if findings.is_empty() {
        let differs = first_difference(&there, fresh);
        findings.push(Finding::new(
            format!("{path}:{differs}"),
            "differs from what registry.toml and the cargo graph say",
            render,
        ));
    }
    findings
}

/// The crates, or files beside them, that a service is built from and does not watch.
fn missed_crates(checkout: &Checkout, package: &str, watched: &BTreeSet<String>) -> BTreeSet<String> {
    let (Ok(wanted), Ok(closure)) = (checkout.workspace.watch(package), checkout.workspace.closure(package)) else {
        return BTreeSet::new();
    };
    wanted
        .into_iter()
        .filter(|pattern| !pattern.starts_with('!') && !watched.contains(pattern))
        .map(|pattern| {
            let of = closure
                .iter()
                .find(|package| pattern == format!("/{}/**", package.folder));
            of.map_or_else(
                || pattern.clone(),
                |package| format!("the crate {} (/{})", package.name, package.folder),
            )
        })
        .collect()
}

/// The watch patterns that a rendered file gives a service.
fn watch_patterns(text: &str, name: &str) -> Option<BTreeSet<String>> {
    let (_, after) = text.split_once(&format!("service({name:?},"))?;
    let (own, _) = after.split_once("\n    }),").unwrap_or((after, ""));
    let (_, list) = own.split_once("watchPatterns: [")?;
    let (list, _) = list.split_once(']')?;
    Some(
        list.split(',')
            .filter_map(|item| serde_json::from_str(item.trim()).ok())
            .collect(),
    )
}

/// The first line that differs, counted from 1.
fn first_difference(one: &str, other: &str) -> usize {
    let same = one.lines().zip(other.lines()).take_while(|(one, other)| one == other);
    same.count() + 1
}

fn draining(checkout: &Checkout) -> Option<Finding> {
    let given = checkout.registry.file().deploy.draining_seconds;
    let needed = DrainBudget::default().total.as_secs();
    (given < needed).then(|| {
        Finding::new(
            "registry.toml, deploy.draining_seconds",
            format!("the platform kills a process {given} s after SIGTERM, and a drain takes up to {needed}: each deploy cuts requests off"),
            format!("make it {needed} or more; its own default is 0"),
        )
    })
}

fn dockerfile(checkout: &Checkout) -> Option<Finding> {
    let at = "Dockerfile";
    let Some(text) = read(&checkout.root.join(at)) else {
        return Some(Finding::new(
            at,
            "is not there, so the platform guesses how to build",
            "put it at the root, where the whole workspace is its context",
        ));
    };
    let declared = text.lines().any(|line| {
        let mut words = line.split_whitespace();
        let named = |word: &str| word.split('=').next() == Some(BUILD_ARGUMENT);
        words.next().is_some_and(|word| word.eq_ignore_ascii_case("ARG")) && words.any(named)
    });
    (!declared).then(|| {
        Finding::new(
            at,
            format!("declares no `ARG {BUILD_ARGUMENT}`, and a variable reaches a build in no other way: every image would be that of one service"),
            format!("write `ARG {BUILD_ARGUMENT}` in the stage that builds"),
        )
    })
}
