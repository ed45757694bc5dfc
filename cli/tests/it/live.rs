//! Live parts: they change in place, wait for the reader, and say when they are old.

use anyhow::Result;
use syscall_sdk::pages::{FleetMark, Frame, Html, Status};

use crate::browser::Browser;
use crate::demo::{Demo, fleet, jobs, log_line};
use crate::pages::{LIVE, SOON, check, picture};

#[tokio::test]
async fn a_live_part_changes_in_place_and_keeps_focus() -> Result<()> {
    let (demo, browser) = (Demo::start().await?, Browser::launch().await?);
    let page = browser.page(1280, 800, false).await?;
    page.goto(&demo.url("/")).await?;
    page.wait_for(LIVE, SOON).await?;
    page.eval::<()>(
        "document.querySelector('[data-key=\"018f4a41\"] a').focus();
         window.row = document.querySelector('[data-key=\"018f4a41\"]');
         void 0",
    )
    .await?;

    let fresh = jobs()
        .html()
        .into_string()
        .replace("waiting", "running")
        .replace("018f4a6e", "018f4b00");
    let rows = fresh
        .split_once("<tbody id=\"jobs\">")
        .and_then(|(_, rest)| rest.split_once("</tbody>"))
        .expect("rows")
        .0;
    demo.push("jobs", &Html::trusted(format!(r#"<tbody id="jobs">{rows}</tbody>"#)));
    page.wait_for("document.querySelector('[data-key=\"018f4b00\"]')", SOON)
        .await?;
    assert!(
        page.eval::<bool>("row.isConnected && row.textContent.includes('running')")
            .await?,
        "the row is the same"
    );
    assert!(
        page.eval::<bool>("row.contains(document.activeElement)").await?,
        "the focus has stayed"
    );
    assert!(
        page.eval::<bool>("!document.querySelector('[data-key=\"018f4a6e\"]')")
            .await?,
        "what has gone is gone"
    );

    let well: Vec<_> = fleet()
        .into_iter()
        .map(|mark| FleetMark {
            status: Status::Healthy,
            ..mark
        })
        .collect();
    demo.push("message", &Frame::new("", "").fleet(well).fleet_fragment());
    page.wait_for("document.querySelectorAll('#fleet .is-healthy').length === 9", SOON)
        .await?;
    assert_eq!(page.console_errors(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_growing_list_waits_while_the_reader_is_elsewhere() -> Result<()> {
    let (demo, browser) = (Demo::start().await?, Browser::launch().await?);
    let page = browser.page(1280, 800, true).await?;
    page.goto(&demo.url("/")).await?;
    page.wait_for(LIVE, SOON).await?;
    demo.push("log:add", &log_line(40));
    page.wait_for("document.querySelector('[data-key=\"line-40\"]')", SOON)
        .await?;
    assert!(
        page.eval::<bool>("log.scrollHeight - log.scrollTop - log.clientHeight < 2")
            .await?,
        "it follows its end"
    );

    page.eval::<()>("void (log.scrollTop = 100)").await?;
    page.wait_for("log.scrollTop === 100", SOON).await?;
    demo.push("log:add", &[log_line(41), log_line(42)].into_iter().collect::<Html>());
    demo.push("log:add", &log_line(43));
    page.wait_for("document.querySelector('.tail-new')?.textContent === '3 new'", SOON)
        .await?;
    assert!(
        page.eval::<bool>("log.scrollTop === 100 && !document.querySelector('[data-key=\"line-41\"]')")
            .await?
    );
    page.eval::<()>("void log.scrollIntoView({ block: 'center' })").await?;
    page.screenshot_of_view(&picture("tail")).await?;
    check(&page, "a list that waits").await?;

    page.click(".tail-new button").await?;
    page.wait_for(
        "document.querySelector('[data-key=\"line-43\"]') && !document.querySelector('.tail-new')",
        SOON,
    )
    .await?;
    assert!(
        page.eval::<bool>("log.scrollHeight - log.scrollTop - log.clientHeight < 2")
            .await?,
        "it is at its end"
    );
    Ok(())
}

#[tokio::test]
async fn rows_do_not_move_under_the_pointer() -> Result<()> {
    let (demo, browser) = (Demo::start().await?, Browser::launch().await?);
    let page = browser.page(1280, 800, false).await?;
    page.goto(&demo.url("/")).await?;
    page.wait_for(LIVE, SOON).await?;
    let row = |key: &str| Html::trusted(format!(r#"<tr data-key="{key}"><td>{key}</td><td>a new one</td></tr>"#));
    page.hover("[data-key='018f4a41']").await?;
    demo.push("jobs:add", &row("018f5000"));
    page.wait_for("document.querySelector('.tail-new')?.textContent === '1 new'", SOON)
        .await?;
    page.screenshot_of_view(&picture("held")).await?;
    assert!(
        page.eval::<bool>("jobs.firstElementChild.dataset.key === '018f4a6e'")
            .await?,
        "nothing has moved"
    );
    page.hover("h2").await?;
    page.wait_for("jobs.firstElementChild.dataset.key === '018f5000'", SOON)
        .await?;
    demo.push("jobs:add", &row("018f5001"));
    page.wait_for("jobs.firstElementChild.dataset.key === '018f5001'", SOON)
        .await
}

#[tokio::test]
async fn a_paused_page_holds_what_arrives_and_says_how_much() -> Result<()> {
    let (demo, browser) = (Demo::start().await?, Browser::launch().await?);
    let page = browser.page(1280, 800, false).await?;
    page.goto(&demo.url("/")).await?;
    page.wait_for(LIVE, SOON).await?;
    page.click("[data-live-pause]").await?;
    page.wait_for("document.body.dataset.liveNow === 'paused'", SOON)
        .await?;
    demo.push("log:add", &log_line(50));
    demo.push("log:add", &log_line(51));
    page.wait_for(
        "document.querySelector('[data-live-state]').textContent === 'paused, 2 new'",
        SOON,
    )
    .await?;
    assert!(
        page.eval::<bool>("!document.querySelector('[data-key=\"line-50\"]')")
            .await?
    );
    page.click("[data-live-pause]").await?;
    page.wait_for("document.querySelector('[data-key=\"line-51\"]')", SOON)
        .await
}

#[tokio::test]
async fn a_broken_stream_is_said_with_its_countdown_and_mends_itself() -> Result<()> {
    let (demo, browser) = (Demo::start().await?, Browser::launch().await?);
    let page = browser.page(1280, 800, false).await?;
    page.goto(&demo.url("/")).await?;
    page.wait_for(LIVE, SOON).await?;
    page.eval::<()>(
        "window.said = []; new MutationObserver(() => said.push(document.querySelector('[data-live-state]').textContent))
             .observe(document.querySelector('[data-live-state]'), { childList: true })",
    )
    .await?;
    demo.break_streams();
    page.wait_for("said.includes('no connection, again in 1 s')", SOON)
        .await?;
    page.wait_for(LIVE, SOON).await?;
    demo.push("log:add", &log_line(60));
    page.wait_for("document.querySelector('[data-key=\"line-60\"]')", SOON)
        .await
}
