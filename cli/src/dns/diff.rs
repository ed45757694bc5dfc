//! From what is there to what is wanted: pure. What is not ours is not touched, and what would get in its way is said.

use std::collections::BTreeSet;

use serde::Serialize;

use super::dmarc;
use super::live::Live;
use super::record::{Kind, MARK, Record, TTL_AUTO};
use super::wanted::Wanted;

/// A change of one record.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub(super) enum Change {
    /// Ours, and no longer wanted.
    Delete { before: Live },
    /// There, and saying something else, or not yet marked as ours.
    Update {
        before: Live,
        after: Record,
        comment: String,
        /// Whether it becomes ours by it.
        adopts: bool,
    },
    /// Not there.
    Create { after: Record, comment: String },
}

/// What is to be done with the records of a zone.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Diff {
    /// Deletions, updates, creations: the order in which the API carries out a batch.
    pub(super) changes: Vec<Change>,
    /// What is wanted and cannot be had without touching what is not ours.
    pub(super) conflicts: Vec<String>,
    pub(super) notes: Vec<String>,
    /// Ours, and as wanted.
    pub(super) kept: usize,
    /// Kept by a part of the platform.
    pub(super) locked: usize,
    /// Not ours.
    pub(super) unowned: usize,
}

/// The changes that make the zone as it is wanted. With `adopt`, a record of the same name and type that says something else is taken over.
pub(super) fn diff(wanted: &Wanted, live: &[Live], adopt: bool) -> Diff {
    let mut found = Diff::default();
    let mut claimed: BTreeSet<&str> = BTreeSet::new();
    let mut updates = Vec::new();
    let mut creates = Vec::new();
    for record in &wanted.records {
        let slot = record.slot();
        let there: Vec<&Live> = live
            .iter()
            .filter(|live| live.record().is_some_and(|live| live.slot() == slot))
            .collect();
        if let Some((kept, by)) = there.iter().find_map(|live| Some((live, live.kept_by()?))) {
            if !kept.says(record) {
                found.notes.push(format!(
                    "{} {} is kept by {by} and says {}; it is left as it is",
                    record.kind,
                    record.name,
                    shown(kept)
                ));
            }
            continue;
        }
        // The one that says it goes before others, since it cannot be there twice; then the one that is ours.
        let best = there.iter().min_by_key(|live| (!live.says(record), !live.ours()));
        let rivals = there
            .iter()
            .filter(|live| !live.ours() && best.is_some_and(|best| best.id != live.id));
        found.conflicts.extend(rivals.map(|live| {
            format!(
                "{} {} also says {}, which is not ours, where one record counts; remove it yourself",
                record.kind,
                record.name,
                shown(live)
            )
        }));
        match best {
            Some(live) if live.ours() && live.says(record) && live.ttl == TTL_AUTO => {
                claimed.insert(&live.id);
                found.kept += 1;
            }
            Some(live) if live.ours() || live.says(record) || adopt => {
                claimed.insert(&live.id);
                updates.push(update(live, record));
            }
            Some(live) => found.conflicts.push(format!(
                "{} {} says {} and is not ours; --adopt takes it over",
                record.kind,
                record.name,
                shown(live)
            )),
            None => match in_the_way(wanted, record, live) {
                Some(why) => found.conflicts.push(why),
                None if left_to_email_routing(record, live) => found.notes.push(format!(
                    "MX {} to {} is not planned: Email Routing keeps the MX records of this name and takes no others",
                    record.name, record.value
                )),
                None => creates.push(Change::Create {
                    after: record.clone(),
                    comment: MARK.to_owned(),
                }),
            },
        }
    }
    let open = |live: &Live| {
        let record = live.record();
        record.is_some_and(|live| live.kind == Kind::Txt && wanted.open.iter().any(|open| open.name == live.name))
    };
    for record in live {
        if record.kept_by().is_some() {
            found.locked += 1;
        } else if claimed.contains(record.id.as_str()) {
        } else if record.ours() && open(record) {
            found.kept += 1;
        } else if record.ours() {
            found.changes.push(Change::Delete { before: record.clone() });
        } else {
            found.unowned += 1;
        }
    }
    found.changes.extend(updates);
    found.changes.extend(creates);
    found
}

fn update(live: &Live, record: &Record) -> Change {
    let mut after = record.clone();
    let before = live.record().unwrap_or_else(|| record.clone());
    if dmarc::is_policy(&before.value) {
        // The platform's own address stays, whatever else changes.
        after.value = if dmarc::agrees(&before.value, &record.value) {
            before.value
        } else {
            dmarc::merged(&record.value, &before.value)
        };
    }
    Change::Update {
        before: live.clone(),
        after,
        comment: live.marked(),
        adopts: !live.ours(),
    }
}

/// What of others keeps a record from being made.
fn in_the_way(wanted: &Wanted, record: &Record, live: &[Live]) -> Option<String> {
    // What is ours and not wanted is deleted before.
    let others = || {
        live.iter()
            .filter(|live| !live.ours() || live.kept_by().is_some())
            .filter_map(|live| Some((live, live.record()?)))
            .filter(|(_, there)| there.name == record.name)
    };
    let exclusive = |there: &Record| {
        there.kind.proxiable() && record.kind.proxiable() && (there.kind == Kind::Cname || record.kind == Kind::Cname)
    };
    if let Some((there, _)) = others().find(|(_, there)| exclusive(there)) {
        return Some(format!(
            "{} {} cannot be made beside {} {}, which is not ours; remove it yourself",
            record.kind,
            record.name,
            there.kind,
            shown(there)
        ));
    }
    let wants = |host: &str| {
        let same = |other: &Record| other.kind == Kind::Mx && other.name == record.name && other.value == host;
        wanted.records.iter().any(same)
    };
    let stranger =
        |(live, there): &(&Live, Record)| there.kind == Kind::Mx && live.kept_by().is_none() && !wants(&there.value);
    let (there, _) = others().filter(|_| record.kind == Kind::Mx).find(stranger)?;
    Some(format!(
        "MX {} to {} is not made beside {}, which is not ours: mail would go to either; remove that one yourself if it is to go",
        record.name,
        record.value,
        shown(there)
    ))
}

fn left_to_email_routing(record: &Record, live: &[Live]) -> bool {
    let kept = |live: &Live| live.kept_by().is_some() && live.record().is_some_and(|there| there.name == record.name);
    record.kind == Kind::Mx && live.iter().any(|live| live.kind == "MX" && kept(live))
}

/// What a record says, in a word.
pub(super) fn shown(live: &Live) -> String {
    let value = live
        .record()
        .map_or_else(|| live.content.clone().unwrap_or_default(), |record| record.value);
    match live.priority {
        Some(priority) => format!("{value} ({priority})"),
        None => value,
    }
}
