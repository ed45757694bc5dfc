//! The pages as readers meet them: wide and narrow, light and dark, by keyboard, live, and with script off.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use syscall_sdk::pages::Html;

use crate::browser::{Browser, CONTROL, Page, SHIFT};
use crate::demo::{Demo, jobs, log_line};

/// How long a page may take to show what it was told, on a busy machine.
const SOON: Duration = Duration::from_secs(10);

const PATHS: [(&str, &str); 4] = [
    ("/", "overview"),
    ("/parts", "parts"),
    ("/guide", "guide"),
    ("/desk", "desk"),
];

const LIVE: &str = "document.body.dataset.liveNow === 'live'";

fn picture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join("../screenshots")
        .join(format!("{name}.png"))
}

/// What is wrong with a page as it stands: its width, its accessibility, its console.
async fn faults(page: &Page, place: &str) -> Result<Vec<String>> {
    let overflow: f64 = page.eval("document.scrollingElement.scrollWidth - innerWidth").await?;
    let mut faults: Vec<String> = page.eval(include_str!("accessible.js")).await?;
    if overflow > 0.0 {
        faults.push(format!("{overflow} px wider than the window"));
    }
    faults.extend(page.console_errors());
    Ok(faults.into_iter().map(|fault| format!("{place}: {fault}")).collect())
}

async fn check(page: &Page, place: &str) -> Result<()> {
    let faults = faults(page, place).await?;
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

#[tokio::test]
async fn every_page_is_whole_wide_and_narrow_in_light_and_dark() -> Result<()> {
    let (demo, browser) = (Demo::start().await?, Browser::launch().await?);
    let mut found = Vec::new();
    for (width, height) in [(1280, 800), (360, 740)] {
        for dark in [false, true] {
            let page = browser.page(width, height, dark).await?;
            for (path, name) in PATHS {
                let place = format!("{name}-{width}-{}", if dark { "dark" } else { "light" });
                page.goto(&demo.url(path)).await?;
                page.wait_for(LIVE, SOON).await?;
                page.wait_for("document.getAnimations().every((one) => one.effect.getTiming().iterations === Infinity || one.playState === 'finished')", SOON).await?;
                page.screenshot(&picture(&place)).await?;
                found.extend(faults(&page, &place).await?);
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    Ok(())
}

#[tokio::test]
async fn nothing_moves_while_a_page_loads() -> Result<()> {
    let (demo, browser) = (Demo::start().await?, Browser::launch().await?);
    let page = browser.page(1280, 800, false).await?;
    page.goto(&demo.url("/")).await?;
    page.wait_for(LIVE, SOON).await?;
    let shift: f64 = page
        .eval(
            "new Promise((resolve) => {
                let sum = 0;
                new PerformanceObserver((list) => list.getEntries().forEach((entry) => sum += entry.value))
                    .observe({ type: 'layout-shift', buffered: true });
                requestAnimationFrame(() => requestAnimationFrame(() => resolve(sum)));
            })",
        )
        .await?;
    assert!(shift < 0.001, "the layout shifts by {shift}");
    Ok(())
}

#[tokio::test]
async fn the_palette_works_by_keyboard_alone() -> Result<()> {
    let (demo, browser) = (Demo::start().await?, Browser::launch().await?);
    for (width, height, dark) in [(1280, 800, false), (360, 740, true)] {
        let page = browser.page(width, height, dark).await?;
        page.goto(&demo.url("/parts")).await?;
        page.wait_for(LIVE, SOON).await?;
        page.eval::<()>("document.querySelector('#name').focus()").await?;
        page.press("k", CONTROL).await?;
        page.wait_for(
            "document.querySelectorAll('.palette [role=option]').length === 13",
            SOON,
        )
        .await?;
        check(&page, "the palette").await?;
        page.screenshot_of_view(&picture(&format!("palette-{width}"))).await?;
        page.press("Tab", 0).await?;
        page.press("Tab", SHIFT).await?;
        assert!(
            page.eval::<bool>(
                "document.activeElement.closest('.palette') !== null || document.activeElement === document.body"
            )
            .await?
        );
        page.eval::<()>("document.querySelector('.palette input').focus()")
            .await?;

        page.press("Escape", 0).await?;
        page.wait_for("!document.querySelector('.palette').open", SOON).await?;
        assert_eq!(
            page.eval::<String>("document.activeElement.id").await?,
            "name",
            "the focus is back"
        );

        page.press("k", CONTROL).await?;
        page.type_text("gubi").await?;
        page.wait_for(
            "document.querySelector('.palette [aria-selected=true]')?.textContent.startsWith('getUserById')",
            SOON,
        )
        .await?;
        page.type_text(" nothing such").await?;
        page.wait_for("document.querySelector('.palette-none')", SOON).await?;
        page.eval::<()>("document.querySelector('.palette input').select()")
            .await?;
        page.type_text("dead").await?;
        page.wait_for(
            "document.querySelector('.palette [aria-selected=true]')?.textContent.startsWith('Retry')",
            SOON,
        )
        .await?;
        page.press("Enter", 0).await?;
        page.wait_for("location.pathname === '/guide'", SOON).await?;
    }
    Ok(())
}

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
async fn pages_and_scripts_stay_within_their_budget() -> Result<()> {
    let (demo, browser) = (Demo::start().await?, Browser::launch().await?);
    let page = browser.page(1280, 800, false).await?;
    page.goto(&demo.url("/")).await?;
    let sizes: [u32; 3] = page
        .eval(
            "(async () => {
                const size = async (...urls) => {
                    const texts = await Promise.all(urls.map(async (url) => (await fetch(url)).text()));
                    const zipped = new Blob(texts).stream().pipeThrough(new CompressionStream('gzip'));
                    return (await new Response(zipped).arrayBuffer()).byteLength;
                };
                const scripts = [...document.scripts].map((script) => script.src);
                return [await size(location.href), await size(...scripts), await size(document.styleSheets[0].href)];
            })()",
        )
        .await?;
    let [html, script, style] = sizes;
    println!("gzipped: page {html} B, scripts {script} B, style {style} B");
    assert!(html <= 30_000, "the page has {html} B gzipped");
    assert!(script <= 15_000, "the scripts have {script} B gzipped");
    assert!(style <= 10_000, "the style has {style} B gzipped");
    Ok(())
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

#[tokio::test]
async fn an_action_shows_its_effect_without_a_reload() -> Result<()> {
    let (demo, browser) = (Demo::start().await?, Browser::launch().await?);
    let page = browser.page(1280, 800, false).await?;
    page.goto(&demo.url("/parts")).await?;
    page.wait_for(LIVE, SOON).await?;
    page.click("#retry button").await?;
    page.wait_for("outcome.textContent === 'Job 01a2 runs again.'", SOON)
        .await?;
    page.wait_for(
        "document.querySelector('.toast.tone-good').textContent.includes('The job runs again.')",
        SOON,
    )
    .await?;

    page.click("#cancel button").await?;
    page.wait_for("document.querySelector('.question').open", SOON).await?;
    page.screenshot_of_view(&picture("question")).await?;
    page.press("Escape", 0).await?;
    page.wait_for("!document.querySelector('.question')", SOON).await?;
    assert!(
        page.eval::<bool>("!document.querySelector('.toast.tone-bad')").await?,
        "no answer is no"
    );

    page.click("#cancel button").await?;
    page.wait_for("document.querySelector('.question').open", SOON).await?;
    page.click(".question .is-bad").await?;
    page.wait_for(
        "document.querySelector('.toast.tone-bad')?.textContent.includes('JOB_FINISHED')",
        SOON,
    )
    .await?;
    page.screenshot_of_view(&picture("toasts")).await
}

#[tokio::test]
async fn the_chosen_theme_stays() -> Result<()> {
    let (demo, browser) = (Demo::start().await?, Browser::launch().await?);
    let page = browser.page(1280, 800, false).await?;
    page.goto(&demo.url("/")).await?;
    page.wait_for(LIVE, SOON).await?;
    let ground = "getComputedStyle(document.body).backgroundColor";
    assert_eq!(page.eval::<String>(ground).await?, "rgb(251, 251, 249)");
    page.click("[data-theme-switch]").await?;
    page.click("[data-theme-switch]").await?;
    assert_eq!(page.eval::<String>(ground).await?, "rgb(15, 17, 21)");
    page.goto(&demo.url("/guide")).await?;
    assert_eq!(page.eval::<String>(ground).await?, "rgb(15, 17, 21)");
    Ok(())
}

#[tokio::test]
async fn with_script_off_everything_can_be_read() -> Result<()> {
    let (demo, browser) = (Demo::start().await?, Browser::launch().await?);
    let page = browser.page(360, 740, false).await?;
    page.set_script_enabled(false).await?;
    for (path, name) in PATHS {
        page.goto(&demo.url(path)).await?;
        page.screenshot(&picture(&format!("{name}-script-off"))).await?;
        check(&page, name).await?;
        let dead: u32 = page
            .eval("[...document.querySelectorAll('.needs-script')].filter((one) => one.checkVisibility()).length")
            .await?;
        assert_eq!(dead, 0, "controls that would do nothing are not shown");
    }
    Ok(())
}
