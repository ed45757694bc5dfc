//! The page of calls: who calls whom, as it happens.

use anyhow::Result;
use blackroad_os_contracts::docs::{SEARCH, SearchDocs};

use crate::browser::Browser;
use crate::fleet::{Fleet, whole_everywhere};
use crate::pages::{LIVE, SOON, picture};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_draws_its_line_by_itself_and_the_line_leads_to_the_pair() -> Result<()> {
    let (fleet, browser) = (Fleet::start().await?, Browser::launch().await?);
    let page = browser.page(1280, 800, false).await?;
    page.goto(&fleet.url("console", "/calls")).await?;
    page.wait_for(LIVE, SOON).await?;
    let line = "document.querySelector('.graph [data-key=app-docs]')";
    assert!(
        page.eval::<bool>(&format!("{line} === null")).await?,
        "nobody has called"
    );
    let search = SearchDocs {
        q: "jobs".to_owned(),
        limit: None,
    };
    fleet.context("app").call(&SEARCH, search).await?;
    page.wait_for(
        &format!("{line}.textContent.includes('app → docs: 1 call, none failed')"),
        SOON,
    )
    .await?;
    assert!(page.eval::<bool>(&format!("{line}.matches('.is-healthy')")).await?);

    // By keyboard: the line says what it is, and leads to its pair.
    page.eval::<()>(&format!("{line}.focus({{ focusVisible: true }})"))
        .await?;
    page.wait_for(&format!("{line}.querySelector('text').checkVisibility()"), SOON)
        .await?;
    page.screenshot_of_view(&picture("console-calls-pointed")).await?;
    page.press("Enter", 0).await?;
    page.wait_for("document.querySelector('h1').textContent === 'app → docs'", SOON)
        .await?;
    let said: String = page.eval("document.querySelector('#pair').textContent").await?;
    assert!(said.contains("app and docs are one process"), "{said}");

    let same = fleet.get("console.localhost:PORT", "/calls/core/core").await?;
    assert_eq!(same.status(), 404);
    let of = fleet.get("console.localhost:PORT", "/calls/core").await?;
    assert_eq!(of.headers()["location"], "/calls?service=core");
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_to_a_dead_service_are_a_line_that_says_so() -> Result<()> {
    let (fleet, browser) = (Fleet::start_without(&["docs"]).await?, Browser::launch().await?);
    let page = browser.page(1280, 800, false).await?;
    page.goto(&fleet.url("console", "/calls")).await?;
    page.wait_for(LIVE, SOON).await?;
    page.wait_for(
        "document.querySelector('.graph [data-key=console-docs]').matches('.is-down')",
        SOON,
    )
    .await?;
    let drawn: String = page
        .eval("getComputedStyle(document.querySelector('.graph [data-key=console-docs] .graph-curve')).stroke")
        .await?;
    assert_eq!(drawn, "rgb(192, 54, 44)", "in the colour of what is down");
    let first: String = page.eval("document.querySelector('#edges tr').textContent").await?;
    assert!(first.contains("docs"), "the worst is the first: {first}");
    let silent: String = page
        .eval("document.querySelector('.graph [data-key=docs]').textContent")
        .await?;
    assert!(silent.contains("no answer"), "{silent}");
    let places = [
        ("console", "/calls", "console-calls-partial"),
        ("console", "/calls?service=docs", "console-calls-of-docs"),
        ("console", "/calls/console/docs", "console-pair-dead"),
        ("console", "/calls/docs/core", "console-pair-silent"),
    ];
    whole_everywhere(&fleet, &browser, &places).await?;
    page.goto(&fleet.url("console", "/calls/console/docs")).await?;
    let said: String = page.eval("document.querySelector('#pair').textContent").await?;
    assert!(
        said.contains("127.0.0.1:1") && said.contains("address of docs is open"),
        "{said}"
    );
    fleet.stop().await;
    Ok(())
}
