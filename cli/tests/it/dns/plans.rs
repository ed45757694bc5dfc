//! Plans, and what comes of them.

use anyhow::Result;
use serde_json::{Value, json};

use super::cloudflare::{Api, dns};
use super::zone::Zone;
use crate::binary::Ran;

fn both() -> Vec<Zone> {
    vec![Zone::new("blackroad.systems"), Zone::new("blackroad.io")]
}

const SYSTEMS: [&str; 2] = ["--zone", "blackroad.systems"];

#[test]
fn an_empty_zone_is_planned_shown_made_and_then_there_is_nothing_left_to_do() -> Result<()> {
    let api = Api::start(both())?;
    let plan = api.ends(2, &["plan", "--detailed-exit-code"])?;
    for told in [
        "+  CNAME    core.blackroad.systems",
        "9gw4d0h2.up.railway.app, proxied",
        "+  MX       blackroad.systems",
        "route1.mx.cloudflare.net (75)",
        "~  setting  ssl",
        "flexible -> full",
        "no ownership TXT is known for api.blackroad.systems",
        "TXT cf2024-1._domainkey.blackroad.systems is empty in the registry",
        "15 to add, 0 to change, 0 to delete; 4 settings, 0 health checks",
        "5 to add, 0 to change, 0 to delete; 4 settings",
        "the free plan has no health checks",
    ] {
        assert!(plan.contains(told), "{told:?} is not in\n{plan}");
    }
    assert_eq!(api.writes(), [""; 0], "a plan changes nothing");

    let unasked = api.ends(1, &["apply"])?;
    assert!(unasked.contains("there is no terminal to ask on; --yes"), "{unasked}");
    assert_eq!(api.writes(), [""; 0]);

    let applied = api.ends(0, &["apply", "--yes"])?;
    assert!(
        applied.contains("blackroad.systems: 19 of 19 changes made, and read back"),
        "{applied}"
    );
    let writes = api.writes();
    let batches = writes.iter().filter(|line| line.ends_with("/batch")).count();
    assert_eq!((batches, writes.len()), (2, 10), "one batch a zone: {writes:#?}");
    let listed = api.listed("blackroad.systems")?;
    for record in [
        "CNAME blackroad.systems kng9hpna.up.railway.app *",
        "CNAME www.blackroad.systems blackroad.systems *",
        "TXT blackroad.systems \"v=spf1 include:_spf.mx.cloudflare.net ~all\" *",
    ] {
        assert!(
            listed.iter().any(|line| line == record),
            "{record} is not in {listed:#?}"
        );
    }
    let world = api.world();
    let core = world.zones[0]
        .records
        .iter()
        .find(|record| record["name"] == "core.blackroad.systems");
    assert_eq!(
        core.map(|core| (core["proxied"].clone(), core["ttl"].clone())),
        Some((json!(true), json!(1)))
    );
    assert_eq!(world.zones[0].settings["min_tls_version"]["value"], "1.2");
    assert!(world.zones[1].fight_mode);
    drop(world);

    let after = api.ends(0, &["plan", "--detailed-exit-code"])?;
    assert!(
        after.contains("0 to add, 0 to change, 0 to delete; 0 settings"),
        "{after}"
    );
    Ok(())
}

#[test]
fn what_others_made_stays_as_it_was_and_is_counted() -> Result<()> {
    let zone = Zone::new("blackroad.systems")
        .with(json!({ "type": "A", "name": "shop.blackroad.systems", "content": "192.0.2.1", "ttl": 300 }))
        .with(json!({ "type": "CNAME", "name": "core.blackroad.systems", "content": "elsewhere.example.net", "comment": "old" }))
        .with(json!({ "type": "A", "name": "api.blackroad.systems", "content": "192.0.2.2" }))
        // Said already, by somebody who wrote texts without quotes.
        .with(json!({ "type": "TXT", "name": "blackroad.systems", "content": "v=spf1 include:_spf.mx.cloudflare.net ~all" }));
    let api = Api::start(vec![zone])?;
    let plan = api.ends(2, &[&["plan", "--detailed-exit-code"], &SYSTEMS[..]].concat())?;
    for told in [
        "CNAME core.blackroad.systems says elsewhere.example.net and is not ours; --adopt takes it over",
        "CNAME api.blackroad.systems cannot be made beside A 192.0.2.2, which is not ours",
        "~  TXT      blackroad.systems",
        "becomes ours",
        "12 to add, 1 to change, 0 to delete",
        "not ours 3",
    ] {
        assert!(plan.contains(told), "{told:?} is not in\n{plan}");
    }
    api.ends(0, &[&["apply", "--yes"], &SYSTEMS[..]].concat())?;
    let listed = api.listed("blackroad.systems")?;
    for record in [
        "A shop.blackroad.systems 192.0.2.1",
        "CNAME core.blackroad.systems elsewhere.example.net",
        "A api.blackroad.systems 192.0.2.2",
    ] {
        assert!(
            listed.iter().any(|line| line == record),
            "{record} is not in {listed:#?}"
        );
    }
    api.ends(0, &[&["apply", "--yes", "--adopt"], &SYSTEMS[..]].concat())?;
    let core = "CNAME core.blackroad.systems 9gw4d0h2.up.railway.app *".to_owned();
    assert!(api.listed("blackroad.systems")?.contains(&core));
    assert_eq!(api.world().zones[0].records[1]["comment"], "old (managed by blackroad)");
    Ok(())
}

#[test]
fn a_plan_that_deletes_is_refused_as_a_whole_until_it_is_confirmed() -> Result<()> {
    let zone = Zone::new("blackroad.io").with(json!({
        "type": "CNAME", "name": "gone.blackroad.io", "content": "x.up.railway.app", "comment": "managed by blackroad",
    }));
    let api = Api::start(vec![zone])?;
    let io = ["--zone", "blackroad.io"];
    let refused = api.ends(1, &[&["apply", "--yes"], &io[..]].concat())?;
    assert!(refused.contains("-  CNAME    gone.blackroad.io"), "{refused}");
    assert!(
        refused.contains("the plan deletes 1, which needs --confirm"),
        "{refused}"
    );
    assert_eq!(api.writes(), [""; 0]);
    api.ends(0, &[&["apply", "--yes", "--confirm"], &io[..]].concat())?;
    assert!(!api.listed("blackroad.io")?.iter().any(|line| line.contains("gone")));
    Ok(())
}

#[test]
fn records_that_email_routing_locks_are_left_to_it() -> Result<()> {
    let locked = json!({ "email_routing": true, "read_only": true });
    let mut zone = Zone::new("blackroad.systems");
    for (host, priority) in [("route1", 23), ("route2", 61), ("route3", 97)] {
        let content = format!("{host}.mx.cloudflare.net");
        zone = zone.with(json!({ "type": "MX", "name": "blackroad.systems", "content": content, "priority": priority, "meta": locked }));
    }
    let key = "\"v=DKIM1; h=sha256; k=rsa; p=abc\"";
    let dkim = "cf2024-1._domainkey.blackroad.systems";
    zone = zone.with(json!({ "type": "TXT", "name": dkim, "content": key, "meta": { "read_only": true } }));
    let api = Api::start(vec![zone])?;
    let told = api.ends(0, &[&["apply", "--yes"], &SYSTEMS[..]].concat())?;
    assert!(
        told.contains("is kept by Email Routing and says route1.mx.cloudflare.net (23)"),
        "{told}"
    );
    assert!(told.contains("kept by the platform 4"), "{told}");
    assert!(told.contains("what is there is left as it is"), "{told}");
    let mail: Vec<String> = api
        .listed("blackroad.systems")?
        .into_iter()
        .filter(|line| line.starts_with("MX"))
        .collect();
    assert_eq!(mail.len(), 3, "{mail:?}");
    Ok(())
}

#[test]
fn a_zone_of_a_larger_plan_gets_its_managed_rules_and_as_many_health_checks_as_it_has() -> Result<()> {
    let mut zone = Zone::new("blackroad.systems");
    zone.plan = "pro".to_owned();
    zone.settings.insert(
        "min_tls_version".to_owned(),
        json!({ "id": "min_tls_version", "value": "1.0", "editable": false }),
    );
    let api = Api::start(vec![zone])?;
    let told = api.ends(0, &[&["apply", "--yes"], &SYSTEMS[..]].concat())?;
    for word in [
        "+  check    blackroad-operator",
        "https://operator.blackroad.systems/health every 60 s, 5 s each, 2 retries, expects 200",
        "the pro plan has 2 health checks, 0 of them not ours; without one are api.blackroad.systems",
        "min_tls_version is 1.0 and would be 1.2; the zone's plan does not let it be changed",
        "waf",
    ] {
        assert!(told.contains(word), "{word:?} is not in\n{told}");
    }
    let world = api.world();
    assert_eq!(world.zones[0].checks.len(), 2);
    assert_eq!(world.zones[0].rules.as_deref().map(<[Value]>::len), Some(1));
    drop(world);
    let again = api.ends(0, &[&["plan", "--detailed-exit-code"], &SYSTEMS[..]].concat())?;
    assert!(again.contains("0 settings, 0 health checks"), "{again}");
    Ok(())
}

#[test]
fn the_platforms_proofs_are_planned_and_kept_when_it_is_not_asked() -> Result<()> {
    let api = Api::start(vec![Zone::new("blackroad.systems")])?;
    api.world().domains = json!([{
        "domain": "core.blackroad.systems",
        "status": {
            "verificationDnsHost": "_railway-verify.core",
            "verificationToken": "railway-verify=8cd243e7",
            "dnsRecords": [{ "recordType": "DNS_RECORD_TYPE_CNAME", "requiredValue": "9gw4d0h2.up.railway.app" }],
        },
    }]);
    let apply = [&["apply", "--yes"], &SYSTEMS[..]].concat();
    let ran = api.run_with(&apply, &[("RAILWAY_TOKEN", "a-project-token")])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let proof = "TXT _railway-verify.core.blackroad.systems \"railway-verify=8cd243e7\" *".to_owned();
    assert!(api.listed("blackroad.systems")?.contains(&proof));
    assert!(
        ran.out
            .contains("api.blackroad.systems is no custom domain of the platform's project"),
        "{ran:?}"
    );
    // Without the token its value is not known, which is no reason to take it away.
    let later = api.ends(0, &[&["plan", "--detailed-exit-code"], &SYSTEMS[..]].concat())?;
    assert!(!later.contains("for core.blackroad.systems"), "{later}");
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(
        file.path(),
        "_railway-verify.docs.blackroad.systems railway-verify=77\n",
    )?;
    let named = file.path().to_string_lossy();
    let told = api.ends(0, &[&["plan", "--ownership", &named], &SYSTEMS[..]].concat())?;
    assert!(told.contains("1 to add, 0 to change, 0 to delete"), "{told}");
    Ok(())
}

#[test]
fn a_plan_is_a_document_for_programs() -> Result<()> {
    let api = Api::start(vec![Zone::new("blackroad.io")])?;
    let ran = api.run(&["--json", "plan", "--zone", "blackroad.io"])?;
    let plans: Value = serde_json::from_str(&ran.out)?;
    assert_eq!(
        plans[0]["records"][0],
        json!({
            "action": "create",
            "after": { "name": "api.blackroad.io", "type": "CNAME", "value": "ac7bx15h.up.railway.app", "proxied": true },
            "comment": "managed by blackroad",
        })
    );
    assert_eq!(
        plans[0]["settings"][0],
        json!({ "family": "setting", "setting": "ssl", "from": "flexible", "to": "full" })
    );
    Ok(())
}

#[test]
fn an_export_needs_no_token() -> Result<()> {
    let told = |args: &[&str]| -> Result<Ran> { Ok(dns(args).output()?.into()) };
    let bind = told(&["export", "--format", "bind", "--zone", "blackroad.io"])?;
    assert_eq!(bind.code, Some(0), "{bind:?}");
    let line = "api\t1\tIN\tCNAME\tac7bx15h.up.railway.app.\t; managed by blackroad cf_tags=cf-proxied:true";
    assert!(bind.out.lines().any(|known| known == line), "{}", bind.out);
    let two = told(&["export", "--format", "bind"])?;
    assert!(
        two.code == Some(1)
            && two
                .err
                .contains("name it with --zone: blackroad.systems or blackroad.io"),
        "{two:?}"
    );
    let terraform = told(&["export", "--format", "terraform"])?;
    assert!(
        terraform
            .out
            .contains("resource \"cloudflare_dns_record\" \"blackroad_io_apex_cname\" {"),
        "{terraform:?}"
    );
    Ok(())
}

#[test]
fn edits_that_the_platform_makes_by_itself_are_no_difference() -> Result<()> {
    let api = Api::start(vec![Zone::new("blackroad.systems")])?;
    let file = tempfile::NamedTempFile::new()?;
    let key = format!("v=DKIM1; h=sha256; k=rsa; p={}", "A".repeat(392));
    std::fs::write(file.path(), format!("cf2024-1._domainkey.blackroad.systems {key}\n"))?;
    let named = file.path().to_string_lossy().into_owned();
    let with_key = ["--zone", "blackroad.systems", "--ownership", &named];
    api.ends(0, &[&["apply", "--yes"], &with_key[..]].concat())?;
    for record in &mut api.world().zones[0].records {
        let content = record["content"].as_str().unwrap_or_default().to_owned();
        if record["name"] == "_dmarc.blackroad.systems" {
            // DMARC Management wants the reports too.
            let theirs = "net,mailto:8d7c@dmarc-reports.cloudflare.net;";
            record["content"] = json!(content.replace("net;", theirs));
        } else if content.starts_with("\"v=spf1") {
            record["content"] = json!(content.trim_matches('"'));
        }
        record["meta"] = json!({ "auto_added": false, "managed_by_apps": false });
        record["tags"] = json!(["team:web"]);
    }
    let plan = api.ends(0, &[&["plan", "--detailed-exit-code"], &with_key[..]].concat())?;
    assert!(plan.contains("0 to add, 0 to change, 0 to delete"), "{plan}");
    assert!(plan.contains("As wanted 16"), "{plan}");
    Ok(())
}
