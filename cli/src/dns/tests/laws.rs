use std::collections::BTreeSet;

use hickory_resolver::proto::rr::RData;
use hickory_resolver::proto::serialize::txt::Parser;
use proptest::prelude::*;

use super::*;
use crate::dns::diff::diff;
use crate::dns::export;
use crate::dns::record::{MARK, below, host};

/// Names of the test's zone, so few that records meet.
const NAMES: [&str; 5] = [
    "example.com",
    "a.example.com",
    "_dmarc.example.com",
    "_railway-verify.a.example.com",
    "k._domainkey.example.com",
];
/// Texts that share a slot at some names and not at others.
const TEXTS: [&str; 6] = [
    "v=spf1 -all",
    "v=spf1 include:x ~all",
    "v=DMARC1; p=none; rua=mailto:a@example.com",
    "v=DMARC1; p=none; rua=mailto:a@example.com,mailto:b@dmarc-reports.cloudflare.net",
    "v=DMARC1; p=reject",
    "plain",
];

fn record() -> impl Strategy<Value = Record> {
    let of = |kind: Kind, values: &'static [&'static str]| {
        (
            prop::sample::select(&NAMES[..]),
            prop::sample::select(values),
            any::<bool>(),
            1..3u16,
        )
            .prop_map(move |(name, value, proxied, priority)| {
                let mut record = Record::new(name, kind, value);
                record.proxied = proxied && kind.proxiable();
                record.priority = (kind == Kind::Mx).then_some(priority);
                record
            })
    };
    prop_oneof![
        of(Kind::A, &["192.0.2.1", "192.0.2.2"]),
        of(Kind::Cname, &["x.up.railway.app", "y.up.railway.app"]),
        of(Kind::Mx, &["m.example.net", "n.example.net", "."]),
        of(Kind::Txt, &TEXTS),
    ]
}

/// Records that can be wanted together.
fn wanted() -> impl Strategy<Value = Wanted> {
    (
        prop::collection::vec(record(), 0..8),
        prop::sample::subsequence(&NAMES[..], 0..2),
    )
        .prop_map(|(records, open)| {
            let mut slots = BTreeSet::new();
            let mut kept: Vec<Record> = Vec::new();
            for record in records {
                let clash = kept.iter().any(|other| exclusive(other, &record));
                if !clash && slots.insert(record.slot()) {
                    kept.push(record);
                }
            }
            let open = open.into_iter().map(|name| Open {
                name: name.to_owned(),
                proves: None,
            });
            wanting(kept, open.collect())
        })
}

fn exclusive(one: &Record, other: &Record) -> bool {
    let both = one.kind.proxiable() && other.kind.proxiable();
    both && one.name == other.name && (one.kind == Kind::Cname || other.kind == Kind::Cname)
}

/// Records of a zone, as a zone can have them: ours, others', the platform's own.
fn zone() -> impl Strategy<Value = Vec<Live>> {
    let one = (record(), 0..4u8, prop::sample::select(&[1u32, 300][..]), any::<bool>());
    prop::collection::vec(one, 0..10).prop_map(|records| {
        let mut zone: Vec<Live> = Vec::new();
        for (id, (record, whose, ttl, bare)) in records.into_iter().enumerate() {
            let (comment, meta) = match whose {
                0 => (Some(MARK), json!({})),
                1 => (None, json!({ "read_only": true })),
                _ => (None, json!({ "auto_added": false })),
            };
            let clash = |there: &Record| exclusive(there, &record) || *there == record;
            if zone.iter().filter_map(Live::record).any(|there| clash(&there)) {
                continue;
            }
            let mut live = live(id, &record, comment, meta);
            live.ttl = ttl;
            if bare {
                // The API gives what was written long ago as it was written.
                live.content = Some(record.value.clone());
            }
            zone.push(live);
        }
        zone
    })
}

proptest! {
    #[test]
    fn applying_a_plan_leaves_nothing_to_plan(wanted in wanted(), zone in zone(), adopt: bool) {
        let found = diff(&wanted, &zone, adopt);
        let after = applied(&zone, &found.changes);
        let again = diff(&wanted, &after, adopt);
        prop_assert_eq!(&again.changes, &vec![], "first {:#?}", found);
        prop_assert_eq!(again.conflicts, found.conflicts);
    }

    #[test]
    fn a_plan_changes_nothing_that_is_not_ours_but_its_comment_and_deletes_nothing_of_it(wanted in wanted(), zone in zone()) {
        let found = diff(&wanted, &zone, false);
        let after = applied(&zone, &found.changes);
        for before in zone.iter().filter(|live| !live.ours() || live.kept_by().is_some()) {
            let now = after.iter().find(|live| live.id == before.id);
            prop_assert!(now.is_some(), "{:?} is gone", before);
            let now = now.expect("asserted");
            if now != before {
                let record = now.record().expect("it was wanted");
                // It said what is wanted, and is now known to be ours; nobody who asks for it sees a difference.
                prop_assert!(before.kept_by().is_none() && before.says(&record), "{:?} became {:?}", before, now);
                prop_assert!(now.ours());
            }
        }
    }

    #[test]
    fn a_plan_never_takes_over_what_the_platform_keeps(wanted in wanted(), zone in zone()) {
        let found = diff(&wanted, &zone, true);
        let after = applied(&zone, &found.changes);
        for before in zone.iter().filter(|live| live.kept_by().is_some()) {
            prop_assert!(after.contains(before), "{:?} was touched", before);
        }
    }

    #[test]
    fn a_plan_puts_no_alias_beside_an_address(wanted in wanted(), zone in zone(), adopt: bool) {
        let found = diff(&wanted, &zone, adopt);
        let after: Vec<Record> = applied(&zone, &found.changes).iter().filter_map(Live::record).collect();
        for (at, one) in after.iter().enumerate() {
            for other in &after[at + 1..] {
                prop_assert!(!exclusive(one, other), "{:?} beside {:?}", one, other);
            }
        }
    }

    #[test]
    fn a_zone_file_read_by_another_program_says_the_same(wanted in wanted(), text in "[ -~]{1,600}") {
        let mut wanted = wanted;
        wanted.records.push(Record::new("long.example.com", Kind::Txt, &text));
        let written = export::bind(&wanted);
        let (_, sets) = Parser::new(written.clone(), None, None)
            .parse()
            .map_err(|error| TestCaseError::fail(format!("{error} in\n{written}")))?;
        let mut read = Vec::new();
        for record in sets.into_values().flatten() {
            let name = host(&record.name.to_ascii());
            let (kind, value, priority) = match &record.data {
                RData::A(address) => (Kind::A, address.to_string(), None),
                RData::CNAME(to) => (Kind::Cname, to.0.to_ascii(), None),
                RData::MX(mx) => (Kind::Mx, mx.exchange.to_ascii(), Some(mx.preference)),
                RData::TXT(txt) => (Kind::Txt, String::from_utf8_lossy(&txt.txt_data.concat()).into_owned(), None),
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            };
            let mut one = Record::new(&name, kind, &value);
            one.priority = priority;
            one.proxied = written.lines().any(|line| {
                let columns: Vec<&str> = line.split('\t').collect();
                let [at, _, _, kind, value, comment] = columns[..] else {
                    return false;
                };
                let mine = at == below(&name, "example.com") && kind == one.kind.as_str() && value.ends_with(&one.absolute());
                mine && comment.ends_with("cf-proxied:true")
            });
            read.push(one);
        }
        read.sort();
        let mut expected = wanted.records.clone();
        expected.sort();
        prop_assert_eq!(read, expected, "{}", written);
    }
}
