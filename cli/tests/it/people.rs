//! People in the pages of a fleet that asks for them: the whole way over real sockets, and what an attacker would try on it.

mod browser;
mod household;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use blackroad_os_contracts::core::{PUT_ROLE, PutRole, REVOKE_SESSIONS, RevokeSessions, UserId};
use http::{Method, StatusCode};

use self::browser::{Browser, form, parameter};
use self::household::person;
pub(crate) use self::household::{PASSWORD, administrator, as_owner, later};
use crate::fleet::Fleet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_signs_in_lands_on_the_page_that_they_asked_for_at_every_service() -> Result<()> {
    let fleet = Fleet::start_guarded().await?;
    administrator(&fleet).await?;
    let mut browser = Browser::new(&fleet);
    let wanted = fleet.url("console", "/services/core?jobs=failed&q=a%2Fb");
    let (at, page) = browser.sign_in(&wanted, "ada@b.example").await?;
    ensure!(
        at == wanted && page.status == StatusCode::OK,
        "came to {at}: {}",
        page.text
    );
    ensure!(
        page.text.contains("Signed in as Ada Lovelace") && page.text.contains("Sign out"),
        "{}",
        page.text
    );
    // Signed in at core already: the next service asks nobody for anything.
    for service in ["app", "os"] {
        let (at, page) = browser.open(&fleet.url(service, "/")).await?;
        ensure!(
            at == fleet.url(service, "/") && page.text.contains("Signed in as Ada"),
            "{service} led to {at}"
        );
    }
    // What is public asks nobody, and a program is told rather than led.
    for service in ["root", "web", "docs"] {
        let page = Browser::new(&fleet).get(&fleet.url(service, "/")).await?;
        ensure!(page.status == StatusCode::OK, "{service}: {}", page.status);
    }
    let mut program = Browser::new(&fleet);
    let told = program
        .send(Method::GET, &wanted, &[("accept", "application/json")], String::new())
        .await?;
    ensure!(
        told.status == StatusCode::UNAUTHORIZED && told.code() == "UNAUTHENTICATED",
        "{}",
        told.text
    );
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_does_for_its_reader_what_both_may_and_no_more() -> Result<()> {
    let fleet = Fleet::start_guarded().await?;
    administrator(&fleet).await?;
    person(&fleet, &["page read", "job read *", "rpc core listUsers"]).await?;
    let call = |method: &str| fleet.url("console", &format!("/services/core/call/{method}"));
    let cancel = fleet.url("console", "/services/core/jobs/nothing/cancel");

    let mut ada = Browser::new(&fleet);
    let (_, page) = ada.sign_in(&fleet.url("console", "/"), "ada@b.example").await?;
    let token = page.field("csrf_token")?;
    let asked = ada.act(&call("listUsers"), &token).await?;
    ensure!(
        asked.status == StatusCode::OK && asked.text.contains("ada@b.example"),
        "{}",
        asked.text
    );
    let asked = ada.act(&cancel, &token).await?;
    ensure!(
        asked.status == StatusCode::NOT_FOUND,
        "she may, and there is no such job: {}",
        asked.text
    );
    // She may do everything, and the console may not: nobody sets passwords by way of it.
    let asked = ada.act(&call("setPassword"), &token).await?;
    ensure!(asked.status == StatusCode::FORBIDDEN, "{} {}", asked.status, asked.text);

    let mut grace = Browser::new(&fleet);
    let (_, page) = grace
        .sign_in(&fleet.url("console", "/services/core"), "grace@b.example")
        .await?;
    ensure!(
        page.text.contains("this needs the right `logs read`"),
        "what she may not read the page says: {}",
        page.text
    );
    let token = page.field("csrf_token")?;
    let asked = grace.act(&call("listUsers"), &token).await?;
    ensure!(asked.status == StatusCode::OK, "{}", asked.text);
    for refused in [call("getUserByEmail"), cancel] {
        let asked = grace.act(&refused, &token).await?;
        ensure!(
            asked.status == StatusCode::FORBIDDEN && asked.code() == "FORBIDDEN",
            "{refused}: {}",
            asked.text
        );
    }
    // A right of its own is asked for at the page, and said to a person as a page.
    let (_, page) = grace.open(&fleet.url("os", "/fs/core")).await?;
    ensure!(page.text.contains("Grace"), "{}", page.text);
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_right_to_pages_is_told_which_and_can_leave() -> Result<()> {
    let fleet = Fleet::start_guarded().await?;
    administrator(&fleet).await?;
    person(&fleet, &["logs read"]).await?;
    let mut grace = Browser::new(&fleet);
    let (_, page) = grace.sign_in(&fleet.url("console", "/"), "grace@b.example").await?;
    ensure!(page.status == StatusCode::FORBIDDEN, "{}", page.status);
    ensure!(
        page.text.contains("page read") && page.text.contains("Grace") && page.text.contains("Sign out"),
        "{}",
        page.text
    );
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_page_sends_in_someones_name_is_not_done() -> Result<()> {
    let fleet = Fleet::start_guarded().await?;
    administrator(&fleet).await?;
    let mut browser = Browser::new(&fleet);
    let (_, page) = browser.sign_in(&fleet.url("console", "/"), "ada@b.example").await?;
    let token = page.field("csrf_token")?;
    let call = fleet.url("console", "/services/core/call/listUsers");
    for site in ["cross-site", "same-site", "none"] {
        browser.site = site;
        ensure!(browser.act(&call, &token).await?.code() == "CROSS_SITE", "{site}");
        let out = browser
            .post(&fleet.url("console", "/auth/logout"), &[("csrf_token", &token)])
            .await?;
        ensure!(
            out.status == StatusCode::FORBIDDEN && browser.holds("console"),
            "{site}"
        );
    }
    browser.site = "same-origin";
    for wrong in ["", "x", &token[1..]] {
        ensure!(browser.act(&call, wrong).await?.code() == "FORM_EXPIRED", "{wrong:?}");
        let out = browser
            .post(&fleet.url("console", "/auth/logout"), &[("csrf_token", wrong)])
            .await?;
        ensure!(
            out.status == StatusCode::FORBIDDEN && browser.holds("console"),
            "{wrong:?}"
        );
    }
    // A browser that says nothing of its page, as one that is none does.
    let silent = browser
        .send(Method::POST, &call, &[("x-csrf-token", &token)], "{}".to_owned())
        .await?;
    ensure!(silent.code() == "CROSS_SITE", "{}", silent.text);
    // A plain form bears the token as a field.
    let form = browser.post(&call, &[("csrf_token", &token)]).await?;
    ensure!(form.status != StatusCode::FORBIDDEN, "{}", form.text);
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_is_worth_nothing_to_another_browser_nor_twice() -> Result<()> {
    let fleet = Fleet::start_guarded().await?;
    administrator(&fleet).await?;
    let mut ada = Browser::new(&fleet);
    let back = ada.come_back(&fleet.url("console", "/traces"), "ada@b.example").await?;
    let own = reqwest::Url::parse(&back)?;
    let with = |name: &str, value: &str| {
        let mut url = own.clone();
        let pairs: Vec<(String, String)> = own
            .query_pairs()
            .map(|(n, v)| (n.into_owned(), v.into_owned()))
            .collect();
        let pairs = pairs
            .into_iter()
            .map(|(n, v)| if n == name { (n, value.to_owned()) } else { (n, v) });
        url.query_pairs_mut().clear().extend_pairs(pairs);
        url.to_string()
    };
    let state = parameter(&back, "state").context("a state")?;
    // Someone else's browser, which began nothing, or something of its own.
    let mut other = Browser::new(&fleet);
    ensure!(other.get(&back).await?.status == StatusCode::BAD_REQUEST && !other.holds("console"));
    other.get(&fleet.url("console", "/auth/login")).await?;
    ensure!(other.get(&back).await?.status == StatusCode::BAD_REQUEST && !other.holds("console"));
    // The browser's own, touched.
    let elsewhere = state.replace("/traces", "//evil.example");
    for touched in ["", "x", &state[1..], &format!("{state}x"), &elsewhere] {
        let answer = ada.get(&with("state", touched)).await?;
        ensure!(
            answer.status == StatusCode::BAD_REQUEST && !ada.holds("console"),
            "{touched}: {}",
            answer.status
        );
    }
    for issuer in ["", "https://evil.example", &fleet.url("core", "/")] {
        let answer = ada.get(&with("iss", issuer)).await?;
        ensure!(
            answer.status == StatusCode::FORBIDDEN && !ada.holds("console"),
            "{issuer}: {}",
            answer.status
        );
    }
    // The code of one attempt with the state of another: PKCE's verifier is another's.
    let another = ada.get(&fleet.url("console", "/auth/login?to=/traces")).await?.location;
    let mixed = with("state", &parameter(&another, "state").context("a state")?);
    ensure!(ada.get(&mixed).await?.status == StatusCode::FORBIDDEN && !ada.holds("console"));
    // It was in the wrong hands, and is spent.
    ensure!(ada.get(&back).await?.status == StatusCode::FORBIDDEN && !ada.holds("console"));

    let (begun, _) = ada.open(&fleet.url("console", "/traces")).await?;
    ensure!(begun == fleet.url("console", "/traces") && ada.holds("console"));
    // A good code that comes twice.
    let mut twice = Browser::new(&fleet);
    let back = twice.come_back(&fleet.url("console", "/"), "ada@b.example").await?;
    ensure!(twice.get(&back).await?.status == StatusCode::SEE_OTHER && twice.holds("console"));
    let again = twice.get(&back).await?;
    ensure!(again.status == StatusCode::FORBIDDEN, "{}", again.status);
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_led_from_a_sign_in_to_another_host() -> Result<()> {
    let fleet = Fleet::start_guarded().await?;
    administrator(&fleet).await?;
    let mut browser = Browser::new(&fleet);
    browser.sign_in(&fleet.url("console", "/"), "ada@b.example").await?;
    for to in [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "/%0d%0alocation:x",
        "evil",
        "/auth/login?to=/",
        "javascript:alert(1)",
    ] {
        let asked = fleet.url("console", &format!("/auth/login?{}", form(&[("to", to)])));
        let (at, _) = browser.open(&asked).await?;
        let here = fleet.url("console", "/");
        ensure!(at.starts_with(&here), "{to} led to {at}");
    }
    // A request line that names another host in its path is that host's no more.
    let led = Browser::new(&fleet)
        .get(&fleet.url("console", "/%2F%2Fevil.example/"))
        .await?;
    ensure!(
        led.status != StatusCode::SEE_OTHER || led.location.contains(".localhost"),
        "{}",
        led.location
    );
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_signs_out_is_out_here_and_at_core() -> Result<()> {
    let fleet = Fleet::start_guarded().await?;
    administrator(&fleet).await?;
    let mut browser = Browser::new(&fleet);
    let (_, page) = browser.sign_in(&fleet.url("console", "/"), "ada@b.example").await?;
    browser.open(&fleet.url("app", "/")).await?;
    let kept = browser.cookies.clone();
    let out = browser
        .post(
            &fleet.url("console", "/auth/logout"),
            &[("csrf_token", &page.field("csrf_token")?)],
        )
        .await?;
    let (at, page) = browser.open(&out.location).await?;
    ensure!(
        at == fleet.url("console", "/auth/out") && page.text.contains("signed out"),
        "{at}: {}",
        page.text
    );
    let (at, _) = browser.open(&fleet.url("core", "/account")).await?;
    ensure!(at.contains("/login"), "core's session is over too: {at}");
    // Cookies that were copied before are worth nothing.
    browser.cookies = kept;
    let (at, _) = browser.open(&fleet.url("console", "/")).await?;
    ensure!(at.starts_with(&fleet.url("core", "/login")), "{at}");
    // The other service notices when it next asks core.
    later(&fleet, "app", Duration::from_secs(60)).await?;
    let (at, _) = browser.open(&fleet.url("app", "/")).await?;
    ensure!(at.starts_with(&fleet.url("core", "/login")), "{at}");
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ends_at_core_and_a_right_that_is_taken_hold_here_within_a_minute() -> Result<()> {
    let fleet = Fleet::start_guarded().await?;
    let ada = administrator(&fleet).await?;
    let grace = person(&fleet, &["page read"]).await?;
    let mut browser = Browser::new(&fleet);
    browser.sign_in(&fleet.url("console", "/"), "ada@b.example").await?;
    let mut hers = Browser::new(&fleet);
    hers.sign_in(&fleet.url("console", "/"), "grace@b.example").await?;
    let ended = RevokeSessions {
        user_id: UserId(ada),
        id: None,
    };
    as_owner(&fleet, &REVOKE_SESSIONS, ended).await?;
    let role = PutRole {
        name: "reader".to_owned(),
        description: String::new(),
        rights: vec!["logs read".to_owned()],
    };
    as_owner(&fleet, &PUT_ROLE, role).await?;
    later(&fleet, "console", Duration::from_secs(60)).await?;
    let (at, _) = browser.open(&fleet.url("console", "/")).await?;
    ensure!(at.starts_with(&fleet.url("core", "/login")), "{at}");
    let page = hers.get(&fleet.url("console", "/")).await?;
    ensure!(page.status == StatusCode::FORBIDDEN, "{grace}: {}", page.status);
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_is_asked_nobody_is_led_anywhere() -> Result<()> {
    let fleet = Fleet::start().await?;
    let mut browser = Browser::new(&fleet);
    for service in ["console", "app", "os"] {
        let page = browser.get(&fleet.url(service, "/")).await?;
        ensure!(
            page.status == StatusCode::OK && !page.text.contains("Sign out"),
            "{service}"
        );
        let led = browser.get(&fleet.url(service, "/auth/login?to=/x")).await?;
        ensure!(led.location == fleet.url(service, "/x"), "{}", led.location);
    }
    fleet.stop().await;
    Ok(())
}
