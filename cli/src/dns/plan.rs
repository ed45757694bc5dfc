//! All that is to be done in a zone, in one value that can be shown, compared and carried out.

use std::collections::BTreeMap;

use serde::Serialize;
use syscall_sdk::registry::RegistryFile;

use super::checks::{self, LiveCheck};
use super::diff;
use super::live::Live;
use super::settings::{self, Reading, State};
use super::wanted::Wanted;

/// A zone as it was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) id: String,
    /// Cloudflare's name of the zone's plan: `free`, `pro`, `business`, `enterprise`.
    pub(super) plan: String,
    /// `active`, or why not.
    pub(super) status: String,
    pub(super) records: Vec<Live>,
    pub(super) settings: BTreeMap<&'static str, Reading<State>>,
    pub(super) checks: Reading<Vec<LiveCheck>>,
}

/// What is to be done in a zone. Two plans that are equal do the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Plan {
    pub(super) zone: String,
    #[serde(skip)]
    pub(super) id: String,
    pub(super) records: Vec<diff::Change>,
    pub(super) settings: Vec<settings::Change>,
    pub(super) health_checks: Vec<checks::Change>,
    /// What is wanted and is not planned, since something that is not ours is in its way.
    pub(super) conflicts: Vec<String>,
    pub(super) notes: Vec<String>,
    pub(super) as_wanted: usize,
    pub(super) locked: usize,
    pub(super) unowned: usize,
}

impl Plan {
    /// From what is wanted and what was found.
    pub(super) fn new(wanted: &Wanted, found: &Found, file: &RegistryFile, adopt: bool) -> Self {
        let records = diff::diff(wanted, &found.records, adopt);
        let (settings, of_settings) = settings::diff(&settings::wanted(&wanted.zone), &found.settings, &found.plan);
        let probes = checks::wanted(&wanted.hosts, &file.edge_health, &file.health_path);
        let (health_checks, of_checks) = checks::diff(&probes, &found.checks, &found.plan);
        let mut notes = wanted.notes.clone();
        if found.status != "active" {
            notes.push(format!(
                "the zone is {}, not active: until its registrar names Cloudflare's servers nobody sees these records",
                found.status
            ));
        }
        notes.extend(open(wanted, &found.records));
        notes.extend(records.notes);
        notes.extend(of_settings);
        notes.extend(of_checks);
        Plan {
            zone: wanted.name.clone(),
            id: found.id.clone(),
            records: records.changes,
            settings,
            health_checks,
            conflicts: records.conflicts,
            notes,
            as_wanted: records.kept,
            locked: records.locked,
            unowned: records.unowned,
        }
    }

    /// How many changes there are.
    pub(super) fn changes(&self) -> usize {
        self.records.len() + self.settings.len() + self.health_checks.len()
    }

    /// How many of them delete something.
    pub(super) fn deletions(&self) -> usize {
        let records = self
            .records
            .iter()
            .filter(|change| matches!(change, diff::Change::Delete { .. }));
        let checks = self
            .health_checks
            .iter()
            .filter(|change| matches!(change, checks::Change::Delete { .. }));
        records.count() + checks.count()
    }
}

/// What is said of the texts that nobody has told us.
fn open(wanted: &Wanted, live: &[Live]) -> Vec<String> {
    let there = |name: &str| {
        live.iter()
            .any(|live| live.kind == "TXT" && super::record::host(&live.name) == name)
    };
    let unproven: Vec<&str> = wanted
        .open
        .iter()
        .filter(|open| !there(&open.name))
        .filter_map(|open| open.proves.as_deref())
        .collect();
    let mut notes = Vec::new();
    if !unproven.is_empty() {
        notes.push(format!(
            "no ownership TXT is known for {}: they answer 404 until there is one. Set RAILWAY_TOKEN, or put the platform's values into a file and name it with --ownership",
            unproven.join(", ")
        ));
    }
    notes.extend(wanted.open.iter().filter(|open| open.proves.is_none()).map(|open| {
        let there = if there(&open.name) {
            "what is there is left as it is"
        } else {
            "nothing is planned for it"
        };
        format!(
            "TXT {} is empty in the registry, to be filled in by the owner; {there}",
            open.name
        )
    }));
    notes
}
