//! `blackroad new service KEY`, `blackroad new fleet NAME`: everything is planned first, and then written, all of it or nothing.

mod checkout;
mod fleet;
mod names;
mod plan;
mod registry;
mod service;
mod template;
mod text;

use anyhow::Result;
use serde_json::json;

use crate::args::New;
use crate::print::{self, NAME};
use plan::Plan;

pub(super) fn run(machine: bool, new: New) -> Result<()> {
    let (made, dry_run) = match new {
        New::Service(order) => (service::plan(&order)?, order.dry_run),
        New::Fleet(order) => (fleet::plan(&order)?, order.dry_run),
    };
    if !dry_run {
        made.plan.write()?;
    }
    tell(machine, &made, dry_run)
}

/// What is to be written, and what to type then.
struct Made {
    plan: Plan,
    /// What it is, for people: `the service billing`.
    what: String,
    next: Vec<String>,
}

fn tell(machine: bool, made: &Made, dry_run: bool) -> Result<()> {
    let files: Vec<_> = made.plan.files().collect();
    if machine {
        let files: Vec<_> = files
            .iter()
            .map(|(path, is_new)| json!({ "path": path, "new": is_new }))
            .collect();
        return print::json(
            &json!({ "folder": made.plan.root(), "files": files, "written": !dry_run, "next": made.next }),
        );
    }
    let done = if dry_run { "would be made" } else { "is made" };
    print::line(format!("{} {done} in {}:", made.what, made.plan.root().display()))?;
    for (path, is_new) in files {
        let word = if is_new { "new     " } else { "changed " };
        print::line(format!("  {word} {}", path.display()))?;
    }
    if !dry_run {
        print::line("next:")?;
        for line in &made.next {
            print::line(format!("  {NAME}{line}{NAME:#}"))?;
        }
    }
    Ok(())
}
