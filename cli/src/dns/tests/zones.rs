use syscall_sdk::registry::RegistryFile;

use super::*;
use crate::dns::diff::diff;
use crate::dns::handed::Domain;
use crate::dns::record::MARK;
use crate::dns::settings::{self, Reading, State};
use crate::dns::{dmarc, export, txt};

const SYSTEMS: &str = "\
CNAME api.blackroad.systems ac7bx15h.up.railway.app proxied
CNAME app.blackroad.systems blackroad-operating-system-production.up.railway.app proxied
TXT blackroad.systems v=spf1 include:_spf.mx.cloudflare.net ~all
";

#[test]
fn the_registry_wants_what_the_fleets_table_says() {
    let zones = of_registry(&Handed::default(), &[]);
    let [systems, io] = zones.as_slice() else {
        panic!("there are two zones");
    };
    let listing = listed(&systems.records);
    let count = |kind| systems.records.iter().filter(|record| record.kind == kind).count();
    assert_eq!(
        (count(Kind::Cname), count(Kind::Mx), count(Kind::Txt)),
        (10, 3, 2),
        "{listing}"
    );
    for line in SYSTEMS.lines().chain([
        "CNAME blackroad.systems kng9hpna.up.railway.app proxied",
        "CNAME operator.blackroad.systems blackroad-os-operator-production-3983.up.railway.app proxied",
        "CNAME www.blackroad.systems blackroad.systems proxied",
        "MX blackroad.systems 75 route1.mx.cloudflare.net",
        "TXT _dmarc.blackroad.systems v=DMARC1; p=quarantine; adkim=r; aspf=r; rua=mailto:dmarc_rua@onsecureserver.net;",
    ]) {
        assert!(listing.lines().any(|wanted| wanted == line), "{line} is not in\n{listing}");
    }
    // Nine services and www, each a custom domain; and the key that the owner fills in.
    assert_eq!(systems.open.iter().filter(|open| open.proves.is_some()).count(), 10);
    let left = systems.open.iter().find(|open| open.proves.is_none());
    assert_eq!(
        left.map(|open| open.name.as_str()),
        Some("cf2024-1._domainkey.blackroad.systems")
    );
    assert_eq!(
        listed(&io.records),
        "CNAME api.blackroad.io ac7bx15h.up.railway.app proxied\n\
         CNAME app.blackroad.io blackroad-operating-system-production.up.railway.app proxied\n\
         CNAME blackroad.io blackroad-operating-system-production.up.railway.app proxied\n\
         CNAME docs.blackroad.io 2izt9kog.up.railway.app proxied\n\
         CNAME www.blackroad.io blackroad.io proxied\n"
    );
}

#[test]
fn a_fleet_of_another_domain_has_its_own_names_and_may_do_without_the_edge() {
    let variables = [("CLOUDFLARE_DOMAIN", "Example.org."), ("CLOUDFLARE_PROXIED", "false")];
    let zones = of_registry(&Handed::default(), &variables);
    let listing = listed(&zones[0].records);
    assert!(
        listing.contains("CNAME core.example.org 9gw4d0h2.up.railway.app\n"),
        "{listing}"
    );
    assert!(
        listing.contains("CNAME www.example.org example.org proxied\n"),
        "{listing}"
    );
    assert!(!listing.contains("blackroad.systems"), "{listing}");
    assert_eq!(zones[1].name, "blackroad.io");
}

#[test]
fn proofs_come_from_the_platform_where_it_is_asked_and_else_from_the_file() {
    let mut handed = Handed {
        asked: true,
        ..Handed::default()
    };
    let domain = |host: &str, token: &str, target: &str| Domain {
        host: host.to_owned(),
        token: token.to_owned(),
        target: Some(target.to_owned()),
    };
    handed.domains.insert(
        "core.blackroad.systems".to_owned(),
        domain("_railway-verify.core", "railway-verify=1", "9gw4d0h2.up.railway.app"),
    );
    handed.domains.insert(
        "api.blackroad.systems".to_owned(),
        domain(
            "_railway-verify.api.blackroad.systems",
            "railway-verify=2",
            "new.up.railway.app",
        ),
    );
    let text = |handed: &mut Handed, name: &str, value: &str| handed.texts.insert(name.to_owned(), value.to_owned());
    text(
        &mut handed,
        "_railway-verify.docs.blackroad.systems",
        "railway-verify=3",
    );
    text(
        &mut handed,
        "_railway-verify.core.blackroad.systems",
        "railway-verify=stale",
    );
    text(
        &mut handed,
        "cf2024-1._domainkey.blackroad.systems",
        "v=DKIM1; k=rsa; p=abc",
    );
    let zone = &of_registry(&handed, &[])[0];
    let listing = listed(&zone.records);
    for line in [
        "TXT _railway-verify.core.blackroad.systems railway-verify=1",
        "TXT _railway-verify.api.blackroad.systems railway-verify=2",
        "TXT _railway-verify.docs.blackroad.systems railway-verify=3",
        "TXT cf2024-1._domainkey.blackroad.systems v=DKIM1; k=rsa; p=abc",
    ] {
        assert!(
            listing.lines().any(|wanted| wanted == line),
            "{line} is not in\n{listing}"
        );
    }
    let notes = zone.notes.join("\n");
    for told in [
        "_railway-verify.core.blackroad.systems: the file of ownership values says another text",
        "api.blackroad.systems: the platform wants its CNAME to lead to new.up.railway.app",
        "os.blackroad.systems is no custom domain",
    ] {
        assert!(notes.contains(told), "{told:?} is not in\n{notes}");
    }
    assert_eq!(zone.open.len(), 7);
}

#[test]
fn a_file_of_values_with_a_fault_names_the_line() {
    let read = |text: &str| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Handed::read(file.path())
    };
    let good = read("# ours\n\n_railway-verify.a.example.com  \"railway-verify=1\"\n").unwrap();
    assert_eq!(good.texts["_railway-verify.a.example.com"], "railway-verify=1");
    for (text, told) in [
        ("alone", "line 1 is no name"),
        ("core value", "line 1: \"core\" is no full name"),
        (
            "a.example.com x\na.example.com y",
            "line 2: a.example.com has a value already",
        ),
        ("a.example.com \u{e4}", "not plain ASCII"),
    ] {
        let error = format!("{:#}", read(text).unwrap_err());
        assert!(error.contains(told), "{text:?}: {error}");
    }
}

#[test]
fn what_email_routing_keeps_is_left_and_said_and_its_mail_records_are_not_added_to() {
    let mut mx = Record::new("example.com", Kind::Mx, "route1.mx.cloudflare.net");
    mx.priority = Some(75);
    let mut second = Record::new("example.com", Kind::Mx, "route2.mx.cloudflare.net");
    second.priority = Some(12);
    let spf = Record::new("example.com", Kind::Txt, "v=spf1 include:_spf.mx.cloudflare.net ~all");
    let wanted = wanting(vec![mx.clone(), second, spf.clone()], Vec::new());
    let locked = json!({ "email_routing": true, "read_only": true });
    let mut theirs = mx.clone();
    theirs.priority = Some(23);
    let zone = [live(1, &theirs, None, locked.clone()), live(2, &spf, None, locked)];
    let found = diff(&wanted, &zone, true);
    assert!(found.changes.is_empty() && found.conflicts.is_empty(), "{found:?}");
    assert_eq!((found.locked, found.unowned), (2, 0));
    let notes = found.notes.join("\n");
    assert!(
        notes.contains("kept by Email Routing and says route1.mx.cloudflare.net (23)"),
        "{notes}"
    );
    assert!(
        notes.contains("MX example.com to route2.mx.cloudflare.net is not planned"),
        "{notes}"
    );
}

#[test]
fn what_says_something_else_and_is_not_ours_is_a_conflict_until_it_is_adopted() {
    let mut core = Record::new("core.example.com", Kind::Cname, "new.up.railway.app");
    core.proxied = true;
    let spf = Record::new("example.com", Kind::Txt, "v=spf1 -all");
    let mut mx = Record::new("example.com", Kind::Mx, "ours.example.net");
    mx.priority = Some(1);
    let wanted = wanting(vec![core.clone(), spf.clone(), mx.clone()], Vec::new());
    let mut old = core.clone();
    old.value = "old.up.railway.app".to_owned();
    let mut rival = mx.clone();
    rival.value = "aspmx.example.net".to_owned();
    let mut text = spf.clone();
    text.value = "v=spf1 include:other ~all".to_owned();
    let zone = [
        live(1, &old, Some("by hand"), json!({})),
        live(2, &text, None, json!({})),
        live(3, &rival, None, json!({})),
    ];
    let found = diff(&wanted, &zone, false);
    assert!(found.changes.is_empty(), "{found:?}");
    assert_eq!((found.conflicts.len(), found.unowned), (3, 3), "{found:?}");
    let adopted = diff(&wanted, &zone, true);
    // Mail of two providers is no question of one record: it stays a conflict.
    assert_eq!(
        (counted(&adopted.changes), adopted.conflicts.len()),
        ((0, 2, 0), 1),
        "{adopted:?}"
    );
    let Change::Update {
        comment, adopts: true, ..
    } = &adopted.changes[0]
    else {
        panic!("{adopted:?}");
    };
    assert_eq!(comment, &format!("by hand ({MARK})"));
}

#[test]
fn a_proof_of_ours_whose_value_nobody_tells_today_is_not_deleted() {
    let proof = Record::new("_railway-verify.core.example.com", Kind::Txt, "railway-verify=1");
    let stray = Record::new("_railway-verify.gone.example.com", Kind::Txt, "railway-verify=2");
    let zone = [
        live(1, &proof, Some(MARK), json!({})),
        live(2, &stray, Some(MARK), json!({})),
    ];
    let open = Open {
        name: proof.name.clone(),
        proves: Some("core.example.com".to_owned()),
    };
    let found = diff(&wanting(Vec::new(), vec![open]), &zone, false);
    assert_eq!((counted(&found.changes), found.kept), ((0, 0, 1), 1), "{found:?}");
    assert!(matches!(&found.changes[0], Change::Delete { before } if before.name == stray.name));
}

#[test]
fn the_address_that_dmarc_management_adds_is_tolerated_and_kept() {
    let wanted = "v=DMARC1; p=quarantine; rua=mailto:a@example.com;";
    let live = "v=DMARC1;  p=quarantine; rua=mailto:a@example.com,mailto:0a1b@dmarc-reports.cloudflare.net";
    assert!(dmarc::agrees(live, wanted));
    assert!(!dmarc::agrees(&live.replace("quarantine", "none"), wanted));
    assert!(!dmarc::agrees(&live.replace("mailto:a@", "mailto:b@"), wanted));
    let stricter = wanted.replace("quarantine", "reject");
    assert_eq!(
        dmarc::merged(&stricter, live),
        "v=DMARC1; p=reject; rua=mailto:a@example.com,mailto:0a1b@dmarc-reports.cloudflare.net;"
    );
    assert!(dmarc::agrees(
        "v=DMARC1; p=none; rua=mailto:x@dmarc-reports.cloudflare.net",
        "v=DMARC1; p=none"
    ));
}

#[test]
fn a_long_text_is_cut_into_strings_that_dns_can_carry() {
    let key = format!("v=DKIM1; p={}", "A".repeat(400));
    let written = txt::quoted(&key);
    let strings: Vec<&str> = written.trim_matches('"').split("\" \"").collect();
    assert_eq!(strings.iter().map(|part| part.len()).collect::<Vec<_>>(), [255, 156]);
    assert_eq!(txt::plain(&written), key);
    assert_eq!(txt::plain("v=spf1 -all"), "v=spf1 -all");
    assert_eq!(txt::plain(r#""a\"b\\c\065" "d""#), r#"a"b\cAd"#);
}

#[test]
fn terraform_has_every_record_once_and_takes_nothing_for_a_template() {
    let mut handed = Handed::default();
    let value = "a${b}%{c}\"d\\";
    handed.texts.insert("x.blackroad.io".to_owned(), value.to_owned());
    let zones = of_registry(&handed, &[]);
    let written = export::terraform(&zones);
    let count = |word: &str| written.matches(word).count();
    let records: usize = zones.iter().map(|zone| zone.records.len()).sum();
    assert_eq!(count("resource \"cloudflare_dns_record\""), records);
    assert_eq!(count("resource \"cloudflare_zone_setting\""), 10);
    assert!(written.contains("\"blackroad_systems_apex_mx_3\""), "{written}");
    assert!(written.contains(r#"content = "\"a$${b}%%{c}\\\"d\\\\\"""#), "{written}");
    let mut labels: Vec<&str> = written.lines().filter(|line| line.starts_with("resource")).collect();
    let all = labels.len();
    labels.sort_unstable();
    labels.dedup();
    assert_eq!(labels.len(), all);
}

#[test]
fn of_two_where_one_counts_the_one_that_says_it_stays() {
    let right = Record::new("example.com", Kind::Txt, "v=spf1 -all");
    let mut wrong = right.clone();
    wrong.value = "v=spf1 ~all".to_owned();
    let wanted = wanting(vec![right.clone()], Vec::new());
    // Ours is changed to what another says already: the API would not have it twice.
    let zone = [live(1, &wrong, Some(MARK), json!({})), live(2, &right, None, json!({}))];
    let found = diff(&wanted, &zone, false);
    assert_eq!(
        (counted(&found.changes), found.conflicts.len()),
        ((0, 1, 1), 0),
        "{found:?}"
    );
    let zone = [live(1, &wrong, None, json!({})), live(2, &right, Some(MARK), json!({}))];
    let found = diff(&wanted, &zone, true);
    assert!(found.changes.is_empty(), "{found:?}");
    assert!(found.conflicts[0].contains("also says v=spf1 ~all"), "{found:?}");
}

#[test]
fn a_zone_that_cannot_be_is_refused_with_its_place() {
    let add = |file: &mut RegistryFile, text: &str| {
        let shipped = syscall_sdk::registry::BUILTIN;
        let more = shipped.replace("records = [", &format!("records = [\n{text},"));
        let registry = Registry::parse(&more).expect("it can be read");
        let record = registry.file().zone[1].records[0].clone();
        file.zone[1].records.push(record);
    };
    for (text, told) in [
        (
            "{type='SRV', name='a', value='b'}",
            "SRV a: it is A, AAAA, CNAME, MX or TXT",
        ),
        ("{type='MX', name='@', value='b.io'}", "an MX has a priority"),
        (
            "{type='TXT', name='@', value='b', proxied=true}",
            "only A, AAAA and CNAME can be proxied",
        ),
        ("{type='CNAME', name='b', value=''}", "it has no value"),
        (
            "{type='CNAME', name='api', value='b.io'}",
            "two records want the same place, CNAME api.blackroad.io",
        ),
        (
            "{type='A', name='api', value='192.0.2.1'}",
            "api.blackroad.io has a CNAME and addresses",
        ),
        ("{type='TXT', name='a b', value='c'}", "is no name of the zone"),
    ] {
        let mut file = Registry::builtin().file().clone();
        add(&mut file, text);
        let error = planned(&file).unwrap_err().to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
    let mut file = Registry::builtin().file().clone();
    file.zone[0].tls_mode = "ful".to_owned();
    let error = planned(&file).unwrap_err().to_string();
    assert!(
        error.contains("tls_mode is \"ful\"; it is off, flexible, full, strict"),
        "{error}"
    );
}

fn planned(file: &RegistryFile) -> anyhow::Result<Vec<Wanted>> {
    let naming = Naming::of(&Variables::new())?;
    wanted::zones(file, &naming, &Handed::default(), &[])
}

#[test]
fn a_step_down_of_the_tls_mode_is_said() {
    let zone = Registry::builtin().file().zone[0].clone();
    let state = |value: &str| {
        Reading::Is(State {
            value: Some(value.to_owned()),
            editable: true,
            ruleset: None,
        })
    };
    let there = BTreeMap::from([("ssl", state("strict")), ("min_tls_version", state("1.2"))]);
    let (changes, notes) = settings::diff(&settings::wanted(&zone), &there, "pro");
    assert_eq!(changes.len(), 1);
    assert!(notes[0].contains("ssl goes from strict to full"), "{notes:?}");
}
