//! The pages with which people sign in, in a real browser.

use anyhow::Result;
use blackroad_os_contracts::core::{BOOTSTRAP_ADMIN, BootstrapAdmin};
use serde_json::Value;

use crate::browser::{Browser, Page};
use crate::fleet::{Fleet, Place, whole_everywhere, whole_without_script};
use crate::pages::{SOON, check};

const PASSWORD: &str = "a lamp beside the river";
const PLACES: [Place<'static>; 1] = [("core", "/login", "core-login")];

/// Fills a field and leaves it, as a person does.
async fn fill(page: &Page, selector: &str, text: &str) -> Result<()> {
    page.eval::<()>(&format!("document.querySelector('{selector}').focus()"))
        .await?;
    page.type_text(text).await
}

/// The first administrator, with a password set by the link.
async fn administrator(fleet: &Fleet, page: &Page) -> Result<()> {
    let params = BootstrapAdmin {
        email: "ada@b.example".to_owned(),
        name: Some("Ada Lovelace".to_owned()),
    };
    let made = fleet.context("core").call(&BOOTSTRAP_ADMIN, params).await?;
    let at = made.link.0.find("/welcome/").expect("the link leads to core");
    page.goto(&fleet.url("core", &made.link.0[at..])).await?;
    check(page, "core-welcome").await?;
    fill(page, "input[type=password]", PASSWORD).await?;
    page.press("Enter", 0).await?;
    page.wait_for("location.pathname === '/login'", SOON).await
}

async fn sign_in(page: &Page) -> Result<()> {
    fill(page, "#email", "ada@b.example").await?;
    fill(page, "#password", PASSWORD).await?;
    page.press("Enter", 0).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sign_in_page_is_whole_in_every_way_it_is_looked_at() -> Result<()> {
    let (fleet, browser) = (Fleet::start().await?, Browser::launch().await?);
    whole_everywhere(&fleet, &browser, &PLACES).await?;
    whole_without_script(&fleet, &browser, &PLACES).await?;
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_signs_in_by_keyboard_alone_and_without_a_script() -> Result<()> {
    let (fleet, browser) = (Fleet::start().await?, Browser::launch().await?);
    let page = browser.page(360, 740, false).await?;
    administrator(&fleet, &page).await?;
    page.set_script_enabled(false).await?;
    page.goto(&fleet.url("core", "/login")).await?;
    sign_in(&page).await?;
    page.wait_for("location.pathname === '/account'", SOON).await?;
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_gets_its_code_after_the_sign_in_as_the_pages_policy_allows() -> Result<()> {
    let (fleet, browser) = (Fleet::start().await?, Browser::launch().await?);
    let page = browser.page(1280, 800, false).await?;
    administrator(&fleet, &page).await?;
    let redirect = fleet.url("console", "/auth/callback");
    let encoded: String = page
        .eval(&format!("encodeURIComponent({})", Value::from(redirect.as_str())))
        .await?;
    let asked = format!(
        "/oauth/authorize?response_type=code&client_id=console&redirect_uri={encoded}&scope=openid&state=s&code_challenge_method=S256\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    );
    page.goto(&fleet.url("core", &asked)).await?;
    page.wait_for("location.pathname === '/login'", SOON).await?;
    sign_in(&page).await?;
    // Nothing is at that path yet; that the browser comes there with a code is what the policy of the form decides.
    page.wait_for(
        "location.hostname === 'console.localhost' && new URLSearchParams(location.search).has('code')",
        SOON,
    )
    .await?;
    fleet.stop().await;
    Ok(())
}
