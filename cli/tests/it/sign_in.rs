//! The pages with which people sign in, in a real browser.

use anyhow::Result;
use blackroad_os_contracts::core::{BOOTSTRAP_ADMIN, BootstrapAdmin, CREATE_CLIENT, CreateClient};
use serde_json::Value;

use crate::browser::{Browser, Page};
use crate::fleet::{Fleet, Place, whole_everywhere, whole_without_script};
use crate::pages::{LIVE, SOON, check, picture};
use crate::people::{self, PASSWORD, as_owner};

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
    // The console did not ask for it, and says so; that the browser comes there with a code is what the policy of the form decides.
    page.wait_for(
        "location.hostname === 'console.localhost' && new URLSearchParams(location.search).has('code')",
        SOON,
    )
    .await?;
    fleet.stop().await;
    Ok(())
}

/// Takes a picture of a page as it stands, and fails where anything is wrong with it.
async fn look(page: &Page, name: &str) -> Result<()> {
    page.wait_for("document.readyState === 'complete'", SOON).await?;
    page.screenshot(&picture(name)).await?;
    check(page, name).await
}

/// Presses a button that a selector finds.
async fn press(page: &Page, selector: &str) -> Result<()> {
    page.wait_for(&format!("document.querySelector({})", Value::from(selector)), SOON)
        .await?;
    page.click(selector).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_signs_in_at_the_console_does_something_and_signs_out() -> Result<()> {
    let (fleet, browser) = (Fleet::start_guarded().await?, Browser::launch().await?);
    people::administrator(&fleet).await?;
    for (width, height, dark) in [(1280, 800, false), (360, 740, true)] {
        let name = |what: &str| format!("signin-{what}-{width}-{}", if dark { "dark" } else { "light" });
        let page = browser.page(width, height, dark).await?;
        let wanted = fleet.url("console", "/services/core?range=1h");
        page.goto(&wanted).await?;
        page.wait_for(
            "location.hostname === 'core.localhost' && location.pathname === '/login'",
            SOON,
        )
        .await?;
        sign_in(&page).await?;
        page.wait_for(&format!("location.href === {}", Value::from(wanted.as_str())), SOON)
            .await?;
        page.wait_for(LIVE, SOON).await?;

        page.click("[data-key=method-listUsers] summary").await?;
        page.click("[data-key=method-listUsers] form .is-first").await?;
        page.wait_for(
            "document.getElementById('result-listUsers').textContent.includes('ada@b.example')",
            SOON,
        )
        .await?;

        page.goto(&fleet.url("app", "/")).await?;
        page.wait_for(
            "location.hostname === 'app.localhost' && document.querySelector('.who')",
            SOON,
        )
        .await?;
        page.wait_for(LIVE, SOON).await?;
        page.click(".who summary").await?;
        page.wait_for("document.querySelector('.who').open", SOON).await?;
        page.screenshot_of_view(&picture(&name("who"))).await?;
        check(&page, &name("who")).await?;
        page.click(".who form button").await?;
        page.wait_for(
            "location.hostname === 'app.localhost' && location.pathname === '/auth/out'",
            SOON,
        )
        .await?;
        page.wait_for(LIVE, SOON).await?;
        look(&page, &name("out")).await?;

        people::later(&fleet, "console", std::time::Duration::from_secs(60)).await?;
        page.goto(&wanted).await?;
        page.wait_for(
            "location.hostname === 'core.localhost' && location.pathname === '/login'",
            SOON,
        )
        .await?;

        // What this browser did not begin.
        page.goto(&fleet.url("console", "/auth/callback?code=x&state=y"))
            .await?;
        page.wait_for("document.body.textContent.includes('Nobody was signed in')", SOON)
            .await?;
        page.screenshot(&picture(&name("unknown"))).await?;
    }
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_stood_open_says_that_its_reader_is_signed_out() -> Result<()> {
    let (fleet, browser) = (Fleet::start_guarded().await?, Browser::launch().await?);
    people::administrator(&fleet).await?;
    let page = browser.page(1280, 800, false).await?;
    page.goto(&fleet.url("console", "/services/core")).await?;
    page.wait_for("location.pathname === '/login'", SOON).await?;
    sign_in(&page).await?;
    page.wait_for(LIVE, SOON).await?;
    // Where core is slow to say what it can do, the page tells it and asks again.
    page.wait_for("document.querySelector('[data-key=method-listUsers] summary')", SOON)
        .await?;
    page.click("[data-key=method-listUsers] summary").await?;
    // Signed out in another tab.
    page.eval::<()>(
        "fetch('/auth/logout', { method: 'POST', redirect: 'manual', headers: { 'content-type': 'application/x-www-form-urlencoded' },
            body: 'csrf_token=' + document.querySelector('meta[name=csrf-token]').content }).then(() => undefined)",
    )
    .await?;
    page.click("[data-key=method-listUsers] form .is-first").await?;
    page.wait_for(
        "document.querySelector('.toast')?.textContent.includes('You are signed out')",
        SOON,
    )
    .await?;
    fleet.stop().await;
    Ok(())
}

/// The code that an authenticator shows now for the secret on the page (RFC 6238), worked out by the browser.
const CODE: &str = "(async () => {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
    const secret = document.querySelector('main code').textContent.replace(/\\s/g, '');
    const bits = [...secret].map((letter) => letters.indexOf(letter).toString(2).padStart(5, '0')).join('');
    const bytes = new Uint8Array(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
    const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-1' }, false, ['sign']);
    const step = new DataView(new ArrayBuffer(8));
    step.setUint32(4, Math.floor(Date.now() / 30000));
    const sum = new DataView(await crypto.subtle.sign('HMAC', key, step.buffer));
    const code = (sum.getUint32(sum.getUint8(19) & 15) & 0x7fffffff) % 1000000;
    return String(code).padStart(6, '0');
})()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_of_an_account_are_whole_from_the_second_factor_to_a_consent() -> Result<()> {
    for (width, height, dark) in [(1280, 800, false), (360, 740, true)] {
        let (fleet, browser) = (Fleet::start_guarded().await?, Browser::launch().await?);
        people::administrator(&fleet).await?;
        let name = |what: &str| format!("core-{what}-{width}-{}", if dark { "dark" } else { "light" });
        let page = browser.page(width, height, dark).await?;
        page.goto(&fleet.url("core", "/account")).await?;
        sign_in(&page).await?;
        page.wait_for("location.pathname === '/account'", SOON).await?;
        look(&page, &name("account")).await?;

        page.click("#keys details summary").await?;
        fill(&page, "#key-name", "deploys of the wiki").await?;
        fill(&page, "#key-rights", "logs read").await?;
        look(&page, &name("account-key-form")).await?;
        press(&page, "#keys details form .is-first").await?;
        page.wait_for("location.pathname === '/account/keys'", SOON).await?;
        look(&page, &name("key")).await?;
        press(&page, "main a.is-first").await?;
        page.wait_for("location.pathname === '/account'", SOON).await?;

        press(&page, "#factor form button").await?;
        page.wait_for("location.pathname === '/account/factor'", SOON).await?;
        look(&page, &name("factor")).await?;
        let code: String = page.eval(CODE).await?;
        fill(&page, "#code", &code).await?;
        page.press("Enter", 0).await?;
        page.wait_for("location.pathname === '/account/factor/confirm'", SOON)
            .await?;
        look(&page, &name("recovery")).await?;
        let recovery: String = page
            .eval("document.querySelector('main code').textContent.trim().split(/\\s+/)[0]")
            .await?;
        press(&page, "main a.is-first").await?;
        page.wait_for("location.pathname === '/account'", SOON).await?;
        look(&page, &name("account-full")).await?;

        page.goto(&fleet.url("core", "/logout")).await?;
        look(&page, &name("logout")).await?;
        press(&page, "main .is-first").await?;
        page.wait_for("location.pathname === '/login'", SOON).await?;

        let asked = CreateClient {
            name: "The team's wiki".to_owned(),
            redirect_uris: vec![fleet.url("docs", "/")],
            rights: Vec::new(),
            confidential: true,
        };
        let client = as_owner(&fleet, &CREATE_CLIENT, asked).await?.client.id;
        let back: String = page
            .eval(&format!("encodeURIComponent({})", Value::from(fleet.url("docs", "/"))))
            .await?;
        let asked = format!(
            "/oauth/authorize?response_type=code&client_id={client}&redirect_uri={back}&scope=openid%20profile%20email%20offline_access%20admin\
             &state=s&code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
        page.goto(&fleet.url("core", &asked)).await?;
        page.wait_for("location.pathname === '/login'", SOON).await?;
        sign_in(&page).await?;
        page.wait_for("location.pathname === '/login/code'", SOON).await?;
        look(&page, &name("code")).await?;
        fill(&page, "#code", &recovery).await?;
        page.press("Enter", 0).await?;
        page.wait_for("location.pathname === '/oauth/authorize'", SOON).await?;
        look(&page, &name("consent")).await?;
        press(&page, "main button[value=allow]").await?;
        page.wait_for(
            "location.hostname === 'docs.localhost' && new URLSearchParams(location.search).has('code')",
            SOON,
        )
        .await?;
        fleet.stop().await;
    }
    Ok(())
}
