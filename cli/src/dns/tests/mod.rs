//! The pure parts: what is wanted, and the laws of plans and of zone files.

mod laws;
mod zones;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};
use syscall_sdk::config::Variables;
use syscall_sdk::registry::Registry;

use super::diff::Change;
use super::handed::Handed;
use super::live::Live;
use super::record::{Kind, Record, TTL_AUTO};
use super::wanted::{self, Naming, Open, Wanted};

/// Both zones of the registry, with what others hand out.
fn of_registry(handed: &Handed, variables: &[(&str, &str)]) -> Vec<Wanted> {
    let variables: Variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let naming = Naming::of(&variables).expect("the variables are good");
    wanted::zones(Registry::builtin().file(), &naming, handed, &[]).expect("the registry can be planned")
}

/// A zone that wants these records.
fn wanting(records: Vec<Record>, open: Vec<Open>) -> Wanted {
    Wanted {
        name: "example.com".to_owned(),
        zone: Registry::builtin().file().zone[0].clone(),
        records,
        open,
        hosts: Vec::new(),
        notes: Vec::new(),
    }
}

/// A live record of a wanted one.
fn live(id: usize, record: &Record, comment: Option<&str>, meta: Value) -> Live {
    Live {
        id: format!("r{id}"),
        name: record.name.clone(),
        kind: record.kind.as_str().to_owned(),
        content: Some(record.content()),
        priority: record.priority,
        proxied: Some(record.proxied),
        ttl: TTL_AUTO,
        comment: comment.map(str::to_owned),
        meta,
    }
}

/// A zone after changes, as the API makes them.
fn applied(zone: &[Live], changes: &[Change]) -> Vec<Live> {
    let mut zone = zone.to_vec();
    for change in changes {
        match change {
            Change::Delete { before } => zone.retain(|live| live.id != before.id),
            Change::Update {
                before, after, comment, ..
            } => {
                let there = zone.iter_mut().find(|live| live.id == before.id);
                let there = there.expect("what is updated is there");
                there.content = Some(after.content());
                (there.priority, there.proxied, there.ttl) = (after.priority, Some(after.proxied), TTL_AUTO);
                there.comment = Some(comment.clone());
            }
            Change::Create { after, comment } => {
                let id = 1_000 + zone.len();
                zone.push(live(id, after, Some(comment), json!({})));
            }
        }
    }
    zone
}

/// Records in one text, a line each.
fn listed(records: &[Record]) -> String {
    let mut out = String::new();
    for record in records {
        let priority = record
            .priority
            .map(|priority| format!(" {priority}"))
            .unwrap_or_default();
        let proxied = if record.proxied { " proxied" } else { "" };
        let _ = writeln!(
            out,
            "{} {}{priority} {}{proxied}",
            record.kind, record.name, record.value
        );
    }
    out
}

/// How many changes there are of each kind: created, updated, deleted.
fn counted(changes: &[Change]) -> (usize, usize, usize) {
    let mut counts: BTreeMap<u8, usize> = BTreeMap::new();
    for change in changes {
        let kind = match change {
            Change::Create { .. } => 0,
            Change::Update { .. } => 1,
            Change::Delete { .. } => 2,
        };
        *counts.entry(kind).or_default() += 1;
    }
    let of = |kind| counts.get(&kind).copied().unwrap_or(0);
    (of(0), of(1), of(2))
}
