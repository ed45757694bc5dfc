//! `blackroad dns check`, with a name server that says the right and the wrong thing.

use anyhow::Result;
use hickory_server::proto::rr::rdata::{A, CNAME, MX, TXT};
use hickory_server::proto::rr::{Name, RData};
use serde_json::Value;

use super::cloudflare::dns;
use super::names::{NameServer, Zone};
use crate::binary::Ran;

const DMARC: &str = "v=DMARC1; p=quarantine; adkim=r; aspf=r; rua=mailto:dmarc_rua@onsecureserver.net,mailto:1@dmarc-reports.cloudflare.net";

fn text(text: &str) -> RData {
    RData::TXT(TXT::new(vec![text.to_owned()]))
}

fn host(name: &str) -> Name {
    Name::from_ascii(name).expect("a name")
}

fn mail(priority: u16, name: &str) -> RData {
    RData::MX(MX::new(priority, host(name)))
}

/// The world as the registry wants it, behind the edge.
fn world() -> Zone {
    let edge = || RData::A(A::new(104, 16, 1, 1));
    let mut zone = Zone::new();
    for label in ["operator", "core", "api", "app", "console", "docs", "web", "os", "www"] {
        zone.insert(format!("{label}.blackroad.systems."), vec![edge()]);
        let proof = format!("_railway-verify.{label}.blackroad.systems.");
        zone.insert(proof, vec![text("railway-verify=1")]);
    }
    zone.insert(
        "_railway-verify.blackroad.systems.".to_owned(),
        vec![text("railway-verify=1")],
    );
    let apex = vec![
        edge(),
        text("v=spf1 include:_spf.mx.cloudflare.net ~all"),
        text("some-other-proof=1"),
        // Email Routing's own priorities.
        mail(23, "route1.mx.cloudflare.net."),
        mail(61, "route2.mx.cloudflare.net."),
        mail(97, "route3.mx.cloudflare.net."),
    ];
    zone.insert("blackroad.systems.".to_owned(), apex);
    zone.insert("_dmarc.blackroad.systems.".to_owned(), vec![text(DMARC)]);
    zone
}

fn check(server: &NameServer, args: &[&str], variables: &[(&str, &str)]) -> Result<Ran> {
    let address = server.address.to_string();
    let fixed = ["check", "--zone", "blackroad.systems", "--resolver", &address];
    let mut command = dns(&[&fixed, args].concat());
    Ok(command.envs(variables.iter().copied()).output()?.into())
}

#[test]
fn a_world_that_says_what_the_registry_wants_is_well() -> Result<()> {
    let server = NameServer::start()?;
    server.says(world());
    let ran = check(&server, &[], &[])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("well    CNAME core.blackroad.systems"), "{}", ran.out);
    assert!(
        ran.out.contains("open    TXT   cf2024-1._domainkey.blackroad.systems"),
        "{}",
        ran.out
    );
    Ok(())
}

#[test]
fn what_differs_is_named_with_what_was_found() -> Result<()> {
    let server = NameServer::start()?;
    let mut zone = world();
    zone.insert(
        "core.blackroad.systems.".to_owned(),
        vec![RData::A(A::new(66, 33, 22, 1))],
    );
    zone.remove("docs.blackroad.systems.");
    zone.remove("_railway-verify.api.blackroad.systems.");
    zone.insert("_dmarc.blackroad.systems.".to_owned(), vec![text("v=DMARC1; p=none")]);
    let apex = zone.entry("blackroad.systems.".to_owned()).or_default();
    apex.push(text("v=spf1 -all"));
    apex.push(mail(1, "mail.example.net."));
    server.says(zone);
    let ran = check(&server, &[], &[])?;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for (name, told) in [
        (
            "CNAME core.blackroad.systems",
            "it answers 66.33.22.1, which is no address of Cloudflare's edge",
        ),
        ("CNAME docs.blackroad.systems", "the name has no address"),
        (
            "TXT   _railway-verify.api.blackroad.systems",
            "no proof of who owns api.blackroad.systems",
        ),
        ("TXT   _dmarc.blackroad.systems", "it says \"v=DMARC1; p=none\""),
        ("TXT   blackroad.systems", "there are 2 texts where one counts"),
        ("MX    blackroad.systems", "mail.example.net takes mail too"),
    ] {
        let line = ran.out.lines().find(|line| line.contains(&format!("differs {name} ")));
        assert!(
            line.is_some_and(|line| line.contains(told)),
            "{name} {told:?} is not in\n{}",
            ran.out
        );
    }
    assert!(ran.err.contains("6 names differ from the registry"), "{ran:?}");

    let ran = check(&server, &["--json"], &[])?;
    let findings: Value = serde_json::from_str(&ran.out)?;
    let differing = findings
        .as_array()
        .into_iter()
        .flatten()
        .filter(|finding| finding["outcome"] == "differs");
    assert_eq!(differing.count(), 6, "{findings}");
    Ok(())
}

#[test]
fn names_without_the_edge_show_their_targets_and_the_apex_their_addresses() -> Result<()> {
    let server = NameServer::start()?;
    let mut zone = world();
    let direct = [("CLOUDFLARE_PROXIED", "false")];
    let alias = |name: &str| RData::CNAME(CNAME(host(name)));
    for (label, target) in [
        ("operator", "blackroad-os-operator-production-3983"),
        ("core", "9gw4d0h2"),
        ("api", "ac7bx15h"),
        ("app", "blackroad-operating-system-production"),
        ("console", "qqr1r4hd"),
        ("docs", "2izt9kog"),
        ("web", "blackroad-os-web-production-3bbb"),
        ("os", "elsewhere"),
    ] {
        let target = format!("{target}.up.railway.app.");
        zone.insert(format!("{label}.blackroad.systems."), vec![alias(&target)]);
    }
    let apex = RData::A(A::new(104, 16, 1, 1));
    zone.insert("kng9hpna.up.railway.app.".to_owned(), vec![apex]);
    server.says(zone.clone());
    let ran = check(&server, &[], &direct)?;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.err.contains("one name differs")
            && ran
                .out
                .contains("it leads to elsewhere.up.railway.app, not to vtrb1hrx.up.railway.app"),
        "{ran:?}"
    );
    zone.insert(
        "kng9hpna.up.railway.app.".to_owned(),
        vec![RData::A(A::new(66, 33, 22, 9))],
    );
    server.says(zone);
    let ran = check(&server, &[], &direct)?;
    assert!(
        ran.out
            .contains("it answers 104.16.1.1, and kng9hpna.up.railway.app has 66.33.22.9"),
        "{ran:?}"
    );
    Ok(())
}

#[test]
fn a_name_server_that_is_not_there_is_told_of() -> Result<()> {
    let port = std::net::UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
    let ran: Ran = dns(&[
        "check",
        "--zone",
        "blackroad.io",
        "--resolver",
        &format!("127.0.0.1:{port}"),
    ])
    .output()?
    .into();
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("no name server answered"), "{ran:?}");
    let ran: Ran = dns(&["check", "--resolver", "one.one.one.one"]).output()?.into();
    assert!(
        ran.code == Some(2) && ran.err.contains("is no address of a name server"),
        "{ran:?}"
    );
    Ok(())
}
