//! What goes wrong, and what is said of it.

use anyhow::Result;

use super::cloudflare::{Api, dns};
use super::zone::Zone;
use crate::binary::Ran;

const IO: [&str; 2] = ["--zone", "blackroad.io"];

fn io() -> Result<Api> {
    Api::start(vec![Zone::new("blackroad.io")])
}

#[test]
fn where_one_record_of_a_batch_is_refused_none_is_made_and_the_reason_is_told() -> Result<()> {
    let api = io()?;
    api.world().refused = Some("docs.blackroad.io".to_owned());
    let told = api.ends(1, &[&["apply", "--yes"], &IO[..]].concat())?;
    assert!(told.contains("Content for CNAME record is invalid. (9005)"), "{told}");
    assert!(told.contains("a batch is all or nothing"), "{told}");
    assert_eq!(api.listed("blackroad.io")?, [""; 0]);
    Ok(())
}

#[test]
fn a_request_that_comes_too_soon_is_made_again_when_it_may_be() -> Result<()> {
    let api = io()?;
    api.world().too_soon = (2, 1);
    let told = api.ends(0, &[&["plan"], &IO[..]].concat())?;
    assert_eq!(told.matches("is asked again in 1 s").count(), 2, "{told}");
    // Longer than anybody would wait, or more often than is likely to help.
    for too_soon in [(1, 4_000), (3, 0)] {
        api.world().too_soon = too_soon;
        let told = api.ends(1, &[&["plan"], &IO[..]].concat())?;
        assert!(
            told.contains("More than 1200 requests per 300 seconds") && told.contains("come back later"),
            "{told}"
        );
        api.world().too_soon = (0, 0);
    }
    Ok(())
}

#[test]
fn a_token_that_is_none_or_may_not_do_it_is_told_with_what_it_needs() -> Result<()> {
    let none: Ran = dns(&["plan"]).output()?.into();
    assert!(
        none.code == Some(1) && none.err.contains("CLOUDFLARE_API_TOKEN is not set: make a token"),
        "{none:?}"
    );
    let api = io()?;
    let url = format!("http://{}/client/v4", api.address);
    let with = |token: &str, url: &str| -> Result<Ran> {
        let mut command = dns(&["plan"]);
        command
            .env("CLOUDFLARE_API_TOKEN", token)
            .env("CLOUDFLARE_API_URL", url);
        Ok(command.output()?.into())
    };
    let wrong = with("another-token", &url)?;
    assert!(
        wrong.err.contains("Invalid access token (9109)") && wrong.err.contains("it needs Zone Read"),
        "{wrong:?}"
    );
    assert!(!format!("{wrong:?}").contains("another-token"));
    let abroad = with("another-token", "http://api.example.com")?;
    assert!(abroad.err.contains("since a token is sent there"), "{abroad:?}");

    api.world().forbidden = vec!["bot_management".to_owned(), "healthchecks".to_owned()];
    let told = api.ends(0, &[&["plan"], &IO[..]].concat())?;
    assert!(
        told.contains("bot_fight_mode was not looked at: the token lacks the permission Bot Management Read"),
        "{told}"
    );
    api.world().forbidden = vec!["dns_records/batch".to_owned()];
    let told = api.ends(1, &[&["apply", "--yes"], &IO[..]].concat())?;
    assert!(
        told.contains("Authentication error (10000)") && told.contains("it needs DNS Write"),
        "{told}"
    );
    Ok(())
}

#[test]
fn a_zone_that_nobody_has_is_told_from_one_that_the_registry_does_not_know() -> Result<()> {
    let api = io()?;
    let hidden = api.ends(1, &["plan"])?;
    assert!(
        hidden.contains("Cloudflare has no zone blackroad.systems that this token can see"),
        "{hidden}"
    );
    let unknown = api.ends(1, &["plan", "--zone", "example.com"])?;
    assert!(
        unknown.contains("there are blackroad.systems, blackroad.io"),
        "{unknown}"
    );
    Ok(())
}

#[test]
fn a_zone_that_changed_after_its_plan_was_shown_is_left_as_it_is() -> Result<()> {
    let api = Api::start(vec![Zone::new("blackroad.systems")])?;
    api.world().meddles_after = Some(1);
    let told = api.ends(1, &["apply", "--yes", "--zone", "blackroad.systems"])?;
    assert!(
        told.contains("blackroad.systems changed since its plan was shown"),
        "{told}"
    );
    assert_eq!(api.writes(), [""; 0]);
    assert_eq!(api.listed("blackroad.systems")?, ["A core.blackroad.systems 192.0.2.9"]);
    Ok(())
}

#[test]
fn a_setting_that_is_refused_is_told_and_the_others_are_made() -> Result<()> {
    let api = io()?;
    // It may be read, and says that it may not be written only when it is.
    api.world().shut = Some("settings/ssl".to_owned());
    let told = api.ends(1, &[&["apply", "--yes"], &IO[..]].concat())?;
    assert!(
        told.contains("Cloudflare refused ssl full: Not allowed to edit setting (1006)"),
        "{told}"
    );
    assert!(told.contains("8 of 9 changes made"), "{told}");
    let world = api.world();
    assert_eq!(world.zones[0].settings["always_use_https"]["value"], "on");
    assert_eq!(world.zones[0].settings["ssl"]["value"], "flexible");
    Ok(())
}
