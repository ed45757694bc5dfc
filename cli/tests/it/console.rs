//! The console over a real fleet: what it shows, what changes by itself, what can be done from it.

mod calls;
mod jobs;

use anyhow::Result;
use blackroad_os_contracts::core::{CREATE_USER, CreateUser};
use syscall_sdk::audit::Record;
use syscall_sdk::wire::LogLevel;

use crate::browser::Browser;
use crate::fleet::{Fleet, Place, REST, SERVICES, stays_still, whole_everywhere, whole_without_script, within_budget};
use crate::pages::{LIVE, SOON, check, picture};

const PLACES: [Place<'static>; 6] = [
    ("console", "/", "console-fleet"),
    ("console", "/services/core", "console-service"),
    ("console", "/traces", "console-traces"),
    ("console", "/audit", "console-audit"),
    ("console", "/calls", "console-calls"),
    ("console", "/calls/api/core", "console-pair"),
];

/// A fleet in which something has happened.
async fn busy() -> Result<Fleet> {
    let fleet = Fleet::start().await?;
    fleet.record_vitals()?;
    let core = fleet.context("core");
    for (level, message) in [
        (LogLevel::Info, "the mailer is up"),
        (LogLevel::Warn, "the mailer took long"),
        (LogLevel::Error, "the mailer refused <b>ada@example.com</b>"),
    ] {
        core.logs().write(level, message, None)?;
    }
    let email = "ada@example.com".to_owned();
    let name = "Ada".to_owned();
    fleet
        .context("api")
        .call(&CREATE_USER, CreateUser { email, name })
        .await?;
    core.enqueue(&REST, &()).await?;
    core.audit(Record::allowed("login", "user/7").by("user/7")).await?;
    core.audit(Record::denied("login", "user/8").because("the password is wrong"))
        .await?;
    fleet
        .until("core", "/v1/audit?action=login", |page| {
            page["entries"].as_array().is_some_and(|entries| entries.len() >= 2)
        })
        .await?;
    Ok(fleet)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_whole_in_every_way_it_is_looked_at() -> Result<()> {
    let (fleet, browser) = (busy().await?, Browser::launch().await?);
    whole_everywhere(&fleet, &browser, &PLACES).await?;
    whole_without_script(&fleet, &browser, &PLACES).await?;
    let jobs = fleet
        .until("core", "/v1/sys/jobs?status=running", |jobs| {
            jobs["jobs"][0]["id"].is_string()
        })
        .await?;
    let why = format!(
        "/services/core/why/{}",
        jobs["jobs"][0]["id"].as_str().expect("it runs")
    );
    let why: [Place<'_>; 1] = [("console", &why, "console-why")];
    whole_everywhere(&fleet, &browser, &why).await?;
    whole_without_script(&fleet, &browser, &why).await?;
    for place in PLACES {
        within_budget(&fleet, &browser, place).await?;
        let page = browser.page(1280, 800, false).await?;
        page.goto(&fleet.url(place.0, place.1)).await?;
        page.wait_for(LIVE, SOON).await?;
        stays_still(&page, place.2).await?;
    }
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fleet_changes_on_its_page_by_itself() -> Result<()> {
    let (fleet, browser) = (Fleet::start().await?, Browser::launch().await?);
    let page = browser.page(1280, 800, false).await?;
    page.goto(&fleet.url("console", "/")).await?;
    page.wait_for(LIVE, SOON).await?;
    let up = "document.querySelector('[data-key=core] td:nth-child(3)').textContent";
    let before: String = page.eval(up).await?;
    page.wait_for(&format!("{up} !== {before:?}"), SOON).await?;
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_and_events_come_as_they_are_written() -> Result<()> {
    let (fleet, browser) = (busy().await?, Browser::launch().await?);
    let page = browser.page(1280, 800, false).await?;
    page.goto(&fleet.url("console", "/services/core?level=warn&event=user:*"))
        .await?;
    page.wait_for(LIVE, SOON).await?;
    assert!(
        !page.eval::<bool>("lines.textContent.includes('refused')").await?,
        "another level"
    );

    let core = fleet.context("core");
    core.logs().write(LogLevel::Error, "this one is not asked for", None)?;
    core.logs().write(LogLevel::Warn, "the <i>disk</i> fills", None)?;
    page.wait_for(
        "lines.lastElementChild.textContent.includes('the <i>disk</i> fills')",
        SOON,
    )
    .await?;
    assert!(!page.eval::<bool>("lines.textContent.includes('not asked for')").await?);

    let (email, name) = ("grace@example.com".to_owned(), "Grace".to_owned());
    fleet
        .context("api")
        .call(&CREATE_USER, CreateUser { email, name })
        .await?;
    page.wait_for(
        "document.getElementById('event-rows').firstElementChild.textContent.includes('grace@example.com')",
        SOON,
    )
    .await?;
    let twice: u32 = page
        .eval("document.querySelectorAll('#event-rows tr').length - new Set([...document.querySelectorAll('#event-rows tr')].map((row) => row.dataset.key)).size")
        .await?;
    assert_eq!(twice, 0, "no event stands twice");
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_is_called_from_its_form_and_shows_what_it_gave() -> Result<()> {
    let (fleet, browser) = (busy().await?, Browser::launch().await?);
    let page = browser.page(1280, 800, false).await?;
    page.goto(&fleet.url("console", "/services/core#methods")).await?;
    page.wait_for(LIVE, SOON).await?;
    page.click("[data-key=method-listUsers] summary").await?;
    page.click("[data-key=method-listUsers] form .is-first").await?;
    page.wait_for(
        "document.getElementById('result-listUsers').textContent.includes('ada@example.com')",
        SOON,
    )
    .await?;
    check(&page, "a called method").await?;
    page.screenshot_of_view(&picture("console-method")).await?;

    // What the service refuses is shown as it refused it.
    page.click("[data-key=method-getUserById] summary").await?;
    page.eval::<()>("void (document.getElementById('params-getUserById').value = '{\"id\":\"nobody\"}')")
        .await?;
    page.click("[data-key=method-getUserById] form .is-first").await?;
    page.wait_for(
        "document.getElementById('result-getUserById').textContent.includes('USER_NOT_FOUND')",
        SOON,
    )
    .await?;
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_action_that_another_sites_page_asks_for_is_refused() -> Result<()> {
    let fleet = busy().await?;
    let call = |from: &'static str| {
        let url = format!("http://127.0.0.1:{}/services/core/call/listUsers", fleet.port());
        reqwest::Client::new()
            .post(url)
            .header("host", format!("console.localhost:{}", fleet.port()))
            .header("sec-fetch-site", from)
            .body("{}")
            .send()
    };
    assert_eq!(call("cross-site").await?.status(), 403);
    assert_eq!(call("same-site").await?.status(), 403);
    assert_eq!(call("same-origin").await?.status(), 200);
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_over_two_services_is_one_picture() -> Result<()> {
    let (fleet, browser) = (busy().await?, Browser::launch().await?);
    // The relay of api has a part in it, and so has core.
    let url = format!("http://127.0.0.1:{}/v1/sys/rpc", fleet.port());
    let answer = reqwest::Client::new()
        .post(url)
        .header("host", format!("api.localhost:{}", fleet.port()))
        .body(r#"{"method":"getUserById","service":"core","params":{"id":"nobody"}}"#)
        .send()
        .await?;
    let traceparent = answer.headers()["traceparent"].to_str()?.to_owned();
    let id = traceparent.split('-').nth(1).expect("a trace id").to_owned();
    let path = format!("/traces/{id}");
    let place = [("console", path.as_str(), "console-trace")];
    whole_everywhere(&fleet, &browser, &place).await?;
    whole_without_script(&fleet, &browser, &place).await?;
    let page = browser.page(1280, 800, false).await?;
    page.goto(&fleet.url("console", &path)).await?;
    let services: Vec<String> = page
        .eval("[...new Set([...document.querySelectorAll('.waterfall td a')].map((link) => link.textContent))]")
        .await?;
    assert_eq!(services, ["api", "core"]);
    let unknown = fleet
        .get("console.localhost:PORT", &format!("/traces/{}", "0".repeat(32)))
        .await?;
    assert_eq!(unknown.status(), 404);
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_does_not_answer_is_said_so_and_the_others_are_shown() -> Result<()> {
    let (fleet, browser) = (Fleet::start_without(&["docs"]).await?, Browser::launch().await?);
    let places = [
        ("console", "/", "console-partial"),
        ("console", "/services/docs", "console-silent"),
    ];
    whole_everywhere(&fleet, &browser, &places).await?;
    let page = browser.page(1280, 800, false).await?;
    page.goto(&fleet.url("console", "/")).await?;
    let said: String = page.eval("document.querySelector('.notice').textContent").await?;
    let all = SERVICES.len();
    assert!(
        said.contains(&format!("1 of {all} services did not answer: docs.")),
        "{said}"
    );
    let rows: usize = page.eval("document.querySelectorAll('#services tr').length").await?;
    assert_eq!(rows, all);
    page.goto(&fleet.url("console", "/services/docs")).await?;
    let said: String = page.eval("document.querySelector('.state-error').textContent").await?;
    assert!(said.contains("docs did not answer."), "{said}");
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_trail_is_narrowed_by_what_is_clicked() -> Result<()> {
    let (fleet, browser) = (busy().await?, Browser::launch().await?);
    let page = browser.page(1280, 800, false).await?;
    page.goto(&fleet.url("console", "/audit")).await?;
    let says = |text: &str| format!("document.getElementById('trail').textContent.includes({text:?})");
    assert!(page.eval::<bool>(&says("the password is wrong")).await?);
    page.click("a[href='/audit?outcome=denied']").await?;
    page.wait_for("location.search === '?outcome=denied'", SOON).await?;
    page.wait_for(&says("user/8"), SOON).await?;
    assert!(
        !page.eval::<bool>(&says("user/7")).await?,
        "what was let happen is not denied"
    );
    page.click("a[href='/audit?outcome=denied&target=user%2F8']").await?;
    page.wait_for(&says("Only"), SOON).await?;
    fleet.stop().await;
    Ok(())
}
