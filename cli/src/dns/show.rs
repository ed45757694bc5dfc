//! Plans as people read them: what is added, changed and deleted, what is in the way, and what should be known.

use anyhow::Result;
use comfy_table::{Cell, Color};

use super::diff::{Change, shown};
use super::plan::Plan;
use super::record::Record;
use super::{checks, diff, settings};
use crate::print::{self, DIM, NAME, WARN};

/// Longest value in a table, which a policy fits and a key does not; that is seen whole with --json.
const VALUE_MAX: usize = 200;

/// A line of a plan: its sign, what it is about, and what becomes of it.
type Row = (char, String, String, String);

/// Prints plans, one after the other, or as one document.
pub(super) fn plans(machine: bool, plans: &[Plan]) -> Result<()> {
    if machine {
        return print::json(plans);
    }
    for plan in plans {
        show(plan)?;
    }
    Ok(())
}

fn show(plan: &Plan) -> Result<()> {
    print::line(format!("{NAME}{}{NAME:#}", plan.zone))?;
    let rows: Vec<Row> = plan
        .records
        .iter()
        .map(record)
        .chain(plan.settings.iter().map(setting))
        .chain(plan.health_checks.iter().map(check))
        .collect();
    if !rows.is_empty() {
        let mut table = print::table(&["", "type", "name", "value"]);
        for (sign, kind, name, value) in rows {
            let colour = match sign {
                '+' => Color::Green,
                '-' => Color::Red,
                _ => Color::Yellow,
            };
            table.add_row([
                Cell::new(sign).fg(colour),
                Cell::new(kind),
                Cell::new(name),
                Cell::new(value),
            ]);
        }
        print::show(&table)?;
    }
    for conflict in &plan.conflicts {
        print::line(format!("{WARN} ! {conflict}{WARN:#}"))?;
    }
    for note in &plan.notes {
        print::line(format!("{DIM} # {note}{DIM:#}"))?;
    }
    let count = |sign: fn(&diff::Change) -> bool| plan.records.iter().filter(|change| sign(change)).count();
    let added = count(|change| matches!(change, Change::Create { .. }));
    let changed = count(|change| matches!(change, Change::Update { .. }));
    print::line(format!(
        "{added} to add, {changed} to change, {} to delete; {} settings, {} health checks. As wanted {}, kept by the platform {}, not ours {}.",
        plan.records.len() - added - changed,
        plan.settings.len(),
        plan.health_checks.len(),
        plan.as_wanted,
        plan.locked,
        plan.unowned
    ))
}

fn record(change: &Change) -> Row {
    match change {
        Change::Delete { before } => ('-', before.kind.clone(), before.name.clone(), cut(&shown(before))),
        Change::Create { after, .. } => ('+', after.kind.to_string(), after.name.clone(), cut(&said(after))),
        Change::Update {
            before, after, adopts, ..
        } => {
            let there = before.record().unwrap_or_else(|| after.clone());
            let mut what = if said(&there) == said(after) {
                cut(&said(after))
            } else {
                format!("{} -> {}", cut(&said(&there)), cut(&said(after)))
            };
            if before.ttl != super::record::TTL_AUTO {
                what.push_str(&format!(", TTL {} -> automatic", before.ttl));
            }
            if *adopts {
                what.push_str(", becomes ours");
            }
            ('~', after.kind.to_string(), after.name.clone(), what)
        }
    }
}

fn setting(change: &settings::Change) -> Row {
    let from = change.from.as_deref().unwrap_or("unset");
    (
        '~',
        "setting".to_owned(),
        change.setting.to_owned(),
        format!("{from} -> {}", change.to),
    )
}

fn check(change: &checks::Change) -> Row {
    let (sign, name, what) = match change {
        checks::Change::Delete { before } => ('-', &before.name, String::new()),
        checks::Change::Update { after, .. } => ('~', &after.name, probes(after)),
        checks::Change::Create { after } => ('+', &after.name, probes(after)),
    };
    (sign, "check".to_owned(), name.clone(), what)
}

fn probes(check: &checks::Check) -> String {
    format!(
        "https://{}{} every {} s, {} s each, {} retries, expects {}",
        check.address, check.path, check.interval, check.timeout, check.retries, check.expects
    )
}

/// What a record says, with what stands beside its value.
fn said(record: &Record) -> String {
    let priority = record
        .priority
        .map(|priority| format!(" ({priority})"))
        .unwrap_or_default();
    let proxied = if record.proxied { ", proxied" } else { "" };
    format!("{}{priority}{proxied}", record.value)
}

fn cut(text: &str) -> String {
    print::short(text, VALUE_MAX)
}
