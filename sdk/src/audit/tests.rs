use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::chain::{self, GENESIS};
use super::{Denial, Denials, Record, Verifier};
use crate::wire::{AuditEntry, AuditHead, AuditOutcome, AuditRecord, Timestamp};

fn entry(actor: &str, count: u64) -> AuditEntry {
    AuditEntry {
        action: "key.create".to_owned(),
        actor: actor.to_owned(),
        address: Some("203.0.113.7".to_owned()),
        at: Timestamp(DateTime::<Utc>::UNIX_EPOCH),
        count,
        details: BTreeMap::from([("name".to_owned(), "deploys".to_owned())]),
        event: "0190".to_owned(),
        hash: String::new(),
        outcome: AuditOutcome::Allowed,
        previous: String::new(),
        reason: None,
        received: None,
        sequence: 0,
        service: "blackroad-os-core".to_owned(),
        source_sequence: count,
        target: "key/abc".to_owned(),
        trace: None,
    }
}

#[test]
fn an_entry_tells_when_its_time_is_not_the_keepers() {
    let taken = |minutes| AuditEntry {
        received: Some(Timestamp(DateTime::<Utc>::UNIX_EPOCH + TimeDelta::minutes(minutes))),
        ..entry("user/7", 1)
    };
    assert_eq!(entry("user/7", 1).apart(), None, "an entry of before this was noted");
    assert_eq!(
        (taken(0).apart(), taken(5).apart(), taken(-5).apart()),
        (None, None, None)
    );
    assert_eq!(taken(180).apart(), Some(TimeDelta::hours(3)));
    assert_eq!(taken(-6).apart(), Some(TimeDelta::minutes(-6)));
}

fn chain_of(length: u64) -> Vec<AuditEntry> {
    let mut head = chain::empty();
    (1..=length)
        .map(|count| {
            let entry = chain::append(&head, entry("user/7", count)).unwrap();
            head = chain::head_of(&entry);
            entry
        })
        .collect()
}

fn faults(entries: &[AuditEntry], pins: &[AuditHead]) -> Vec<super::Fault> {
    let mut verifier = pins.iter().cloned().fold(Verifier::default(), Verifier::pinned);
    entries.iter().for_each(|entry| verifier.entry(entry).unwrap());
    verifier.finish().1
}

#[test]
fn an_entrys_hash_is_that_of_its_canonical_json() {
    let entry = &chain_of(1)[0];
    insta::assert_snapshot!(chain::line(entry).unwrap(), @r#"{"action":"key.create","actor":"user/7","address":"203.0.113.7","at":"1970-01-01T00:00:00.000Z","count":1,"details":{"name":"deploys"},"event":"0190","hash":"56557699e7da10431a677bb5f09b05b78c4c424bd16e51483184578b5d751873","outcome":"allowed","previous":"0000000000000000000000000000000000000000000000000000000000000000","sequence":1,"service":"blackroad-os-core","sourceSequence":1,"target":"key/abc"}"#);
    // As `jq -cS` would sort them.
    let tree: BTreeMap<String, serde_json::Value> = serde_json::from_str(&chain::line(entry).unwrap()).unwrap();
    assert_eq!(serde_json::to_string(&tree).unwrap(), chain::line(entry).unwrap());
}

#[test]
fn a_whole_chain_has_no_fault_and_its_head_is_the_last_entrys() {
    let entries = chain_of(5);
    let head = chain::head_of(&entries[4]);
    assert_eq!(faults(&entries, &[head.clone(), chain::head_of(&entries[2])]), []);
    assert_eq!(entries[0].previous, GENESIS);
    let mut verifier = Verifier::after(chain::head_of(&entries[1]));
    entries[2..].iter().for_each(|entry| verifier.entry(entry).unwrap());
    assert_eq!(verifier.finish(), (head, vec![]));
}

#[test]
fn an_end_that_was_cut_off_shows_against_a_pinned_head() {
    let entries = chain_of(5);
    assert_eq!(faults(&entries[..4], &[]), []);
    let found = faults(&entries[..4], &[chain::head_of(&entries[4])]);
    assert_eq!(
        found[0].what,
        "the chain ends at entry 4, and entry 5 was pinned: its end was cut off"
    );
}

#[test]
fn a_chain_that_was_made_anew_shows_against_a_pinned_head() {
    let (real, mut head) = (chain_of(3), chain::empty());
    let forged: Vec<AuditEntry> = (1..=3)
        .map(|count| {
            let entry = chain::append(&head, entry("nobody", count)).unwrap();
            head = chain::head_of(&entry);
            entry
        })
        .collect();
    assert_eq!(faults(&forged, &[]), []);
    assert_eq!(faults(&forged, &[chain::head_of(&real[1])])[0].sequence, 2);
}

#[test]
fn a_field_that_is_said_twice_shows_in_an_export() {
    let entries = chain_of(2);
    let line = chain::line(&entries[0]).unwrap();
    let mut verifier = Verifier::default();
    verifier.line(&line.replacen('{', r#"{"actor":"user/7","#, 1)).unwrap();
    verifier.line(&chain::line(&entries[1]).unwrap()).unwrap();
    assert_eq!(verifier.finish().1[0].sequence, 1);
}

/// What somebody does to a chain.
#[derive(Clone, Debug)]
enum Tampering {
    Remove(usize),
    Swap(usize, usize),
    Repeat(usize),
    /// One character of one entry's line.
    Edit {
        entry: usize,
        at: usize,
        to: char,
    },
}

fn tampering(length: usize) -> impl Strategy<Value = Tampering> {
    let one = 0..length;
    prop_oneof![
        one.clone().prop_map(Tampering::Remove),
        (one.clone(), one.clone())
            .prop_filter("two entries", |(one, other)| one != other)
            .prop_map(|(one, other)| Tampering::Swap(one, other)),
        one.clone().prop_map(Tampering::Repeat),
        (one, any::<usize>(), proptest::char::range(' ', '~')).prop_map(|(entry, at, to)| Tampering::Edit {
            entry,
            at,
            to
        }),
    ]
}

proptest! {
    #[test]
    fn any_single_edit_removal_repeat_or_swap_is_detected((length, tampering) in (2_usize..8).prop_flat_map(|length| (Just(length), tampering(length)))) {
        let entries = chain_of(length as u64);
        let head = chain::head_of(&entries[length - 1]);
        let mut lines: Vec<String> = entries.iter().map(|entry| chain::line(entry).unwrap()).collect();
        let whole = lines.clone();
        match tampering {
            Tampering::Remove(at) => drop(lines.remove(at)),
            Tampering::Swap(one, other) => lines.swap(one, other),
            Tampering::Repeat(at) => lines.insert(at, whole[at].clone()),
            Tampering::Edit { entry, at, to } => {
                let mut chars: Vec<char> = lines[entry].chars().collect();
                let at = at % chars.len();
                chars[at] = to;
                lines[entry] = chars.into_iter().collect();
            }
        }
        let mut verifier = Verifier::default().pinned(head);
        lines.iter().for_each(|line| verifier.line(line).unwrap());
        prop_assert_eq!(verifier.finish().1.is_empty(), lines == whole);
    }
}

#[test]
fn a_record_is_one_line_whatever_a_stranger_sends() {
    let record = Record::denied("login\n", "user/\u{1b}[2J")
        .because("x".repeat(10_000))
        .into_wire();
    assert_eq!(record.action, "login\u{fffd}");
    assert_eq!(record.target, "user/\u{fffd}[2J");
    assert_eq!(record.reason.unwrap().len(), 300);
}

#[test]
fn nothing_in_a_record_turns_a_readers_line() {
    for c in [
        '\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}', '\u{2028}', '\u{2029}',
    ] {
        let record = Record::denied("login", format!("user/{c}7")).into_wire();
        assert_eq!(record.target, "user/\u{fffd}7", "{c:?}");
    }
}

#[test]
fn what_another_made_of_a_record_is_clamped_to_what_this_makes() {
    let long = "x".repeat(10_000);
    let forged = AuditRecord {
        action: long.clone(),
        actor: "user/7\n".to_owned(),
        address: Some("<b>".to_owned()),
        count: u64::MAX,
        details: (0..100).map(|n| (format!("{n:03}\u{202e}"), long.clone())).collect(),
        outcome: AuditOutcome::Allowed,
        reason: Some(long.clone()),
        target: long,
        trace: Some("zz".to_owned()),
    };
    let kept = forged.clamped();
    assert_eq!((kept.action.len(), kept.target.len()), (300, 300));
    assert_eq!((kept.actor.as_str(), kept.count), ("user/7\u{fffd}", 1_000_000));
    assert_eq!((kept.address, kept.trace), (None, None));
    assert_eq!((kept.details.len(), kept.details["000\u{fffd}"].len()), (16, 300));
    assert_eq!(kept.reason.unwrap().len(), 300);
}

#[test]
fn an_honest_record_is_kept_as_it_is() {
    let mut honest = Record::allowed("key.create", "key/abc")
        .by("user/7")
        .address(IpAddr::V4(Ipv4Addr::LOCALHOST))
        .with("name", "deploys")
        .into_wire();
    honest.trace = Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned());
    assert_eq!(honest.clone().clamped(), honest);
}

fn note(denials: &Denials, actor: &str, target: &str) {
    note_of("call", denials, actor, target);
}

fn note_of(action: &'static str, denials: &Denials, actor: &str, target: &str) {
    denials.note(
        DateTime::<Utc>::UNIX_EPOCH,
        Denial {
            action,
            actor,
            address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            target,
            reason: "FORBIDDEN",
        },
    );
}

#[test]
fn refusals_that_are_alike_are_one_with_a_count() {
    let denials = Denials::default();
    for _ in 0..500 {
        note(&denials, "service:docs", "POST /v1/sys/job");
    }
    note(&denials, "anonymous", "POST /v1/sys/job");
    let mut told: Vec<_> = denials.take().into_iter().map(Record::into_wire).collect();
    told.sort_by_key(|record| record.count);
    assert_eq!(told.iter().map(|record| record.count).collect::<Vec<_>>(), [1, 500]);
    assert_eq!(
        (told[1].actor.as_str(), told[1].outcome),
        ("service:docs", AuditOutcome::Denied)
    );
    assert_eq!(denials.take(), []);
}

#[test]
fn a_flood_of_refusals_takes_bounded_room_and_loses_no_count() {
    let denials = Denials::default();
    for caller in 0..10_000 {
        note(&denials, &format!("anonymous-{caller}"), "GET /metrics");
    }
    let told: Vec<_> = denials.take().into_iter().map(Record::into_wire).collect();
    assert_eq!(told.len(), super::denials::APART_MAX + 1);
    assert_eq!(told.iter().map(|record| record.count).sum::<u64>(), 10_000);
}

#[test]
fn a_flood_of_refused_calls_hides_no_refused_login() {
    let denials = Denials::default();
    for caller in 0..10_000 {
        note(&denials, &format!("anonymous-{caller}"), "GET /metrics");
    }
    note_of("login", &denials, "anonymous", "user/7");
    let told: Vec<_> = denials.take().into_iter().map(Record::into_wire).collect();
    let logins: Vec<_> = told.iter().filter(|record| record.action == "login").collect();
    assert_eq!(
        (logins.len(), logins[0].target.as_str(), logins[0].count),
        (1, "user/7", 1)
    );
}
