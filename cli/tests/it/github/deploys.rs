//! The deploy workflow: one commit, the platform's verdict, what runs then, and the way back.

use anyhow::Result;

use super::checkout::{Checkout, git};
use super::platform::{Platform, TOKEN};
use super::{Programs, ended};
use crate::binary::Ran;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Runs the deploy of core and api against a platform.
async fn deploy(platform: &Platform, programs: &Programs, environment: &str, verify: u8) -> Result<Ran> {
    let mut script = programs.script("deploy.sh", &[environment, COMMIT, "core", "api"])?;
    script
        .env("RAILWAY_TOKEN", TOKEN)
        .env("RAILWAY_API_URL", format!("http://{}/graphql", platform.address))
        .env("VERIFY_CODE", verify.to_string());
    tokio::task::spawn_blocking(move || ended(script)).await?
}

#[tokio::test]
async fn a_deploy_is_of_one_commit_and_is_over_when_the_services_say_that_they_are_it() -> Result<()> {
    let (platform, programs) = (Platform::start("production").await?, Programs::new()?);
    platform.fate("core", &["QUEUED", "BUILDING", "BUILDING", "DEPLOYING", "SUCCESS"]);
    let ran = deploy(&platform, &programs, "production", 0).await?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        platform.changes(),
        [format!("deploy core {COMMIT}"), format!("deploy api {COMMIT}")]
    );
    assert_eq!(
        programs.told(),
        [format!("verify --env production --commit {COMMIT} --service core,api")]
    );
    assert!(
        ran.out
            .contains("the token sees project blackroad, environment production"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains(TOKEN) && !ran.err.contains(TOKEN));
    Ok(())
}

#[tokio::test]
async fn what_was_deployed_is_asked_for_where_it_was_deployed_to() -> Result<()> {
    // The command line's `development` is the fleet of its own machine.
    for (environment, fleet) in [("staging", "staging"), ("development", "railway-development")] {
        let (platform, programs) = (Platform::start(environment).await?, Programs::new()?);
        let ran = deploy(&platform, &programs, environment, 0).await?;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(
            programs.told(),
            [format!("verify --env {fleet} --commit {COMMIT} --service core,api")]
        );
    }
    Ok(())
}

#[tokio::test]
async fn what_does_not_come_up_takes_all_that_was_deployed_with_it_back() -> Result<()> {
    for (fate, told) in [
        (&["BUILDING", "FAILED"], "ended as FAILED"),
        (&["DEPLOYING", "CRASHED"], "ended as CRASHED"),
        // Nothing was built: what runs is not this commit.
        (&["QUEUED", "SKIPPED"], "ended as SKIPPED"),
        (&["WAITING", "NEEDS_APPROVAL"], "waits for somebody to approve"),
    ] {
        let (platform, programs) = (Platform::start("production").await?, Programs::new()?);
        platform.fate("api", fate);
        let ran = deploy(&platform, &programs, "production", 0).await?;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains(told), "{}", ran.err);
        let mut back = platform.changes().split_off(2);
        back.sort();
        assert_eq!(back, ["roll back api to 1", "roll back core to 0"]);
        assert!(programs.told().is_empty(), "nobody is asked about what did not come up");
    }
    Ok(())
}

#[test]
fn a_script_whose_words_are_wrong_asks_nobody_and_says_how_it_is_used() -> Result<()> {
    let programs = Programs::new()?;
    let wrong: [(&str, &[&str], &str); 9] = [
        ("rollback.sh", &[], "usage: rollback.sh"),
        ("rollback.sh", &["production"], "usage: rollback.sh"),
        ("rollback.sh", &["production", "core", "--yes"], "usage: rollback.sh"),
        ("rollback.sh", &["prod", "core"], "no environment prod"),
        ("deploy.sh", &["dev", COMMIT, "core"], "no environment dev"),
        ("deploy.sh", &[], "usage: deploy.sh"),
        ("deploy.sh", &["production"], "usage: deploy.sh"),
        ("satellite.sh", &[], "usage: satellite.sh"),
        ("release.sh", &[], "usage: release.sh"),
    ];
    for (script, words, told) in wrong {
        let ran = ended(programs.script(script, words)?)?;
        assert!(
            ran.code == Some(2) && ran.err.contains(told),
            "{script} {words:?}: {ran:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_rollback_by_hand_goes_to_what_ran_before_what_runs() -> Result<()> {
    let (platform, programs) = (Platform::start("production").await?, Programs::new()?);
    assert_eq!(deploy(&platform, &programs, "production", 0).await?.code, Some(0));
    let before = platform.changes();
    for yes in [false, true] {
        let words: &[&str] = if yes {
            &["--yes", "production", "core"]
        } else {
            &["production", "core"]
        };
        let mut script = programs.script("rollback.sh", words)?;
        script
            .env("RAILWAY_TOKEN", TOKEN)
            .env("RAILWAY_API_URL", format!("http://{}/graphql", platform.address));
        let ran = tokio::task::spawn_blocking(move || ended(script)).await??;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(
            ran.out.contains("blackroad-os-core in production: from deployment"),
            "{ran:?}"
        );
        assert_eq!(platform.changes() != before, yes, "nothing is done unless it is said");
    }
    assert_eq!(
        platform.changes().last().map(String::as_str),
        Some("roll back core to 0")
    );
    Ok(())
}

#[tokio::test]
async fn a_service_that_is_not_what_was_deployed_is_rolled_back_though_the_platform_is_content() -> Result<()> {
    let (platform, programs) = (Platform::start("production").await?, Programs::new()?);
    let ran = deploy(&platform, &programs, "production", 1).await?;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(platform.changes().len(), 4, "two deploys and two ways back");
    assert!(ran.err.contains("what runs is not what was deployed"), "{}", ran.err);
    Ok(())
}

#[tokio::test]
async fn what_can_be_known_to_be_wrong_is_found_before_anything_is_changed() -> Result<()> {
    let programs = Programs::new()?;
    for (of_token, to) in [
        ("production", "development"),
        ("development", "production"),
        ("development", "staging"),
    ] {
        let platform = Platform::start(of_token).await?;
        let ran = deploy(&platform, &programs, to, 0).await?;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains("exchange the secret RAILWAY_TOKEN"), "{}", ran.err);
        assert_eq!(platform.changes(), [""; 0]);
    }

    let platform = Platform::start("production").await?;
    for (words, token, told) in [
        (
            ["production", COMMIT, "web"],
            TOKEN,
            "no service called blackroad-os-web",
        ),
        (
            ["production", COMMIT, "core"],
            "stolen",
            "the platform refused: Not Authorized",
        ),
        (["production", COMMIT, "core"], "", "RAILWAY_TOKEN is not set"),
        (["production", "main", "core"], TOKEN, "main is no commit"),
    ] {
        let mut script = programs.script("deploy.sh", &words)?;
        script
            .env("RAILWAY_TOKEN", token)
            .env("RAILWAY_API_URL", format!("http://{}/graphql", platform.address));
        let ran = tokio::task::spawn_blocking(move || ended(script)).await??;
        assert_ne!(ran.code, Some(0));
        assert!(ran.err.contains(told), "{}", ran.err);
    }
    assert_eq!(platform.changes(), [""; 0]);
    Ok(())
}

#[test]
fn a_push_deploys_what_was_touched_since_the_last_deploy_that_held() -> Result<()> {
    let (checkout, programs) = (Checkout::new()?, Programs::new()?);
    let plan = |branch: &str| -> Result<Ran> {
        let mut script = programs.script("plan.sh", &[])?;
        script.current_dir(checkout.path()).env("GITHUB_REF_NAME", branch);
        ended(script)
    };
    let first = plan("main")?;
    assert_eq!(
        first.out, "environment=production\nservices=operator core api app console docs web os root\n",
        "{first:?}"
    );

    git(
        checkout.path(),
        &["push", "--quiet", "origin", "HEAD:refs/deployed/production"],
    )?;
    assert_eq!(plan("main")?.out, "environment=production\nservices=\n");
    // Two pushes: the deploy of the first did not hold, so it is still due at the second.
    checkout.change("services/web/src/lib.rs")?;
    checkout.change("docs/tutorial.md")?;
    assert_eq!(plan("main")?.out, "environment=production\nservices=docs web\n");
    assert!(
        plan("dev")?
            .out
            .starts_with("environment=development\nservices=operator core")
    );
    let nowhere = plan("feature")?;
    assert!(
        nowhere.code == Some(2) && nowhere.err.contains("deployed nowhere"),
        "{nowhere:?}"
    );
    Ok(())
}

#[test]
fn a_service_behind_what_was_deployed_is_found() -> Result<()> {
    let (checkout, programs) = (Checkout::new()?, Programs::new()?);
    let before = git(checkout.path(), &["rev-parse", "HEAD"])?;
    checkout.change("services/web/src/lib.rs")?;
    git(
        checkout.path(),
        &["push", "--quiet", "origin", "HEAD:refs/deployed/production"],
    )?;
    // All run the commit before: for eight of them that is as new as any.
    programs.add("curl", &format!("echo '{{\"version\":\"1\",\"commit\":\"{before}\"}}'"))?;
    let mut script = programs.script("drift.sh", &["fleet"])?;
    script.current_dir(checkout.path());
    let ran = ended(script)?;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let told: Vec<&str> = ran.err.lines().filter(|line| line.contains("touches it")).collect();
    assert!(told.len() == 1 && told[0].starts_with("web runs "), "{told:?}");
    Ok(())
}
