//! The pages as readers meet them: wide and narrow, light and dark, by keyboard, live, and with script off.

use std::path::PathBuf;
use std::time::Duration;

use crate::browser::{Browser, CONTROL, META, Page, SHIFT};
use crate::demo::Demo;
use anyhow::Result;

/// How long a page may take to show what it was told, on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(10);

const PATHS: [(&str, &str); 4] = [
    ("/", "overview"),
    ("/parts", "parts"),
    ("/guide", "guide"),
    ("/desk", "desk"),
];

/// True once the page's stream is open.
pub(crate) const LIVE: &str = "document.body.dataset.liveNow === 'live'";

/// Where a picture of that name goes.
pub(crate) fn picture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join("../screenshots")
        .join(format!("{name}.png"))
}

/// What is wrong with a page as it stands: its width, its accessibility, its console.
async fn faults(page: &Page, place: &str) -> Result<Vec<String>> {
    let overflow: f64 = page
        .eval("document.scrollingElement.scrollWidth - document.documentElement.clientWidth")
        .await?;
    let mut faults: Vec<String> = page.eval(include_str!("accessible.js")).await?;
    if overflow > 0.0 {
        faults.push(format!("{overflow} px wider than the window"));
    }
    faults.extend(page.console_errors());
    Ok(faults.into_iter().map(|fault| format!("{place}: {fault}")).collect())
}

/// Fails where anything is wrong with a page.
pub(crate) async fn check(page: &Page, place: &str) -> Result<()> {
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
    // Shifts are reported late but in order: one made on purpose comes after all that the load has made.
    page.wait_for("performance.getEntriesByName('first-contentful-paint').length", SOON)
        .await?;
    let shifts: Vec<String> = page
        .eval(
            "new Promise((resolve) => {
                const [shifts, end] = [[], performance.now()];
                new PerformanceObserver((list) => {
                    for (const { value, startTime, sources } of list.getEntries()) {
                        if (startTime >= end) resolve(shifts);
                        else shifts.push(`${value}: ${sources.map(({ node, previousRect: from, currentRect: to }) =>
                            `${(node?.outerHTML ?? node?.data)?.slice(0, 120)} ${from.x},${from.y} to ${to.x},${to.y}`).join('; ')}`);
                    }
                }).observe({ type: 'layout-shift', buffered: true });
                const block = document.createElement('div');
                block.style.height = '200px';
                document.querySelector('main').prepend(block);
            })",
        )
        .await?;
    assert!(shifts.is_empty(), "the layout shifts by {}", shifts.join("\n"));

    // The second visit is what a reader has after the browser itself has started.
    page.goto(&demo.url("/")).await?;
    page.wait_for("performance.getEntriesByName('first-contentful-paint').length", SOON)
        .await?;
    let painted: f64 = page
        .eval("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        .await?;
    println!("first paint of a second visit after {painted:.0} ms");
    Ok(())
}

#[tokio::test]
async fn the_browser_reaches_this_machine_only() -> Result<()> {
    let browser = Browser::launch().await?;
    let page = browser.page(1280, 800, false).await?;
    for url in ["http://blackroad.systems/", "http://192.0.2.1/"] {
        let refused = page.goto(url).await.expect_err("nothing else is there").to_string();
        assert!(refused.contains("ERR_NAME_NOT_RESOLVED"), "{refused}");
    }
    Ok(())
}

#[tokio::test]
async fn the_palette_works_by_keyboard_alone() -> Result<()> {
    let (demo, browser) = (Demo::start().await?, Browser::launch().await?);
    for (width, height, dark, modifier) in [(1280, 800, false, CONTROL), (360, 740, true, META)] {
        let page = browser.page(width, height, dark).await?;
        page.goto(&demo.url("/parts")).await?;
        page.wait_for(LIVE, SOON).await?;
        page.eval::<()>("document.querySelector('#name').focus()").await?;
        page.press("k", modifier).await?;
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

        page.press("k", modifier).await?;
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
