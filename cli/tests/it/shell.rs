//! The shell over a real fleet, by keyboard and by pointer.

use anyhow::Result;

use crate::browser::{ALT, Browser, CONTROL, Page, SHIFT};
use crate::fleet::{Fleet, Place, stays_still, whole_everywhere, whole_without_script, within_budget};
use crate::pages::{LIVE, SOON, check, picture};

const PLACE: Place<'static> = ("app", "/", "shell");

/// The windows that stand, the front one last; each with whether its page has told its title.
const STANDING: &str = "[...document.querySelectorAll('.window:not(.is-away)')].sort((one, two) => one.style.getPropertyValue('--z') - two.style.getPropertyValue('--z')).map((one) => one.dataset.window)";

async fn standing(page: &Page) -> Result<Vec<String>> {
    page.eval(STANDING).await
}

async fn opened(page: &Page, key: &str) -> Result<()> {
    page.wait_for(
        &format!("document.querySelector('[data-window={key}] .window-title span').textContent"),
        SOON,
    )
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shell_is_whole_in_every_way_it_is_looked_at() -> Result<()> {
    let (fleet, browser) = (Fleet::start().await?, Browser::launch().await?);
    whole_everywhere(&fleet, &browser, &[PLACE]).await?;
    whole_without_script(&fleet, &browser, &[PLACE]).await?;
    within_budget(&fleet, &browser, PLACE).await?;
    let page = browser.page(1280, 800, false).await?;
    page.goto(&fleet.url("app", "/")).await?;
    page.wait_for(LIVE, SOON).await?;
    stays_still(&page, "the shell").await?;
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_windows_are_worked_with_by_keyboard_alone() -> Result<()> {
    let (fleet, browser) = (Fleet::start().await?, Browser::launch().await?);
    fleet.record_vitals()?;
    let page = browser.page(1280, 800, false).await?;
    page.goto(&fleet.url("app", "/")).await?;
    page.wait_for(LIVE, SOON).await?;

    page.eval::<()>("document.querySelector('[data-program=console]').focus()")
        .await?;
    page.press("Enter", 0).await?;
    opened(&page, "console").await?;
    page.press("7", ALT).await?;
    opened(&page, "web").await?;
    assert_eq!(standing(&page).await?, ["console", "web"]);

    page.press("F6", 0).await?;
    assert_eq!(standing(&page).await?, ["web", "console"]);
    let place = "[...['--x', '--y', '--w', '--h'].map((side) => parseInt(document.querySelector('[data-window=console]').style.getPropertyValue(side)))]";
    let before: [i32; 4] = page.eval(place).await?;
    page.press("ArrowRight", 0).await?;
    page.press("ArrowDown", 0).await?;
    page.press("ArrowLeft", SHIFT).await?;
    let after: [i32; 4] = page.eval(place).await?;
    assert_eq!(
        after,
        [before[0] + 16, before[1] + 16, before[2] - 16, before[3]],
        "moved right and down, and narrower"
    );
    check(&page, "two windows").await?;
    page.screenshot_of_view(&picture("shell-windows-1280")).await?;

    // As it was, after a reload.
    page.goto(&fleet.url("app", "/")).await?;
    page.wait_for(LIVE, SOON).await?;
    assert_eq!(standing(&page).await?, ["web", "console"]);
    assert_eq!(page.eval::<[i32; 4]>(place).await?, after);

    page.eval::<()>("document.querySelector('[data-window=console] .window-title').focus()")
        .await?;
    page.press("Escape", 0).await?;
    assert_eq!(standing(&page).await?, ["web"]);
    assert_eq!(
        page.eval::<String>("document.activeElement.closest('.window').dataset.window")
            .await?,
        "web",
        "the focus is in the window that is left"
    );
    page.press("Escape", 0).await?;
    assert!(standing(&page).await?.is_empty());
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_palette_opens_into_windows() -> Result<()> {
    let (fleet, browser) = (Fleet::start().await?, Browser::launch().await?);
    let page = browser.page(1280, 800, true).await?;
    page.goto(&fleet.url("app", "/")).await?;
    page.wait_for(LIVE, SOON).await?;
    page.press("k", CONTROL).await?;
    page.wait_for("document.querySelectorAll('.palette [role=option]').length > 9", SOON)
        .await?;
    page.type_text("core in the console").await?;
    page.press("Enter", 0).await?;
    opened(&page, "console").await?;
    assert!(
        page.eval::<bool>("document.querySelector('[data-window=console] iframe').src.endsWith('/services/core')")
            .await?
    );
    page.wait_for("document.activeElement.matches('.window-title')", SOON)
        .await?;
    page.screenshot_of_view(&picture("shell-palette-dark")).await?;
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_is_dragged_and_sized_by_the_pointer() -> Result<()> {
    let (fleet, browser) = (Fleet::start().await?, Browser::launch().await?);
    let page = browser.page(1280, 800, false).await?;
    page.goto(&fleet.url("app", "/")).await?;
    page.wait_for(LIVE, SOON).await?;
    page.click("[data-program=web]").await?;
    opened(&page, "web").await?;
    let place = "(() => { const { x, y, width, height } = document.querySelector('.window').getBoundingClientRect(); return [x, y, width, height].map(Math.round); })()";
    let before: [i32; 4] = page.eval(place).await?;
    page.drag(".window-title", 120, 40).await?;
    page.drag(".window-corner", -80, -60).await?;
    let after: [i32; 4] = page.eval(place).await?;
    assert_eq!(after, [before[0] + 120, before[1] + 40, before[2] - 80, before[3] - 60]);
    page.click("[data-dock=web]").await?;
    assert!(standing(&page).await?.is_empty(), "put away");
    page.click("[data-dock=web]").await?;
    assert_eq!(standing(&page).await?, ["web"]);
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_phone_a_window_is_the_screen_and_the_dock_switches() -> Result<()> {
    let (fleet, browser) = (Fleet::start().await?, Browser::launch().await?);
    fleet.record_vitals()?;
    let page = browser.page(360, 740, true).await?;
    page.goto(&fleet.url("app", "/")).await?;
    page.wait_for(LIVE, SOON).await?;
    page.click("[data-program=console]").await?;
    opened(&page, "console").await?;
    page.click("[data-dock=web]").await?;
    opened(&page, "web").await?;
    let filled: bool = page
        .eval("document.querySelector('.window.is-front').getBoundingClientRect().width === innerWidth && document.scrollingElement.scrollHeight <= innerHeight")
        .await?;
    assert!(filled, "the window is the screen, and the page does not scroll");
    check(&page, "a phone's window").await?;
    page.click("[data-dock=console]").await?;
    assert_eq!(standing(&page).await?, ["web", "console"]);
    page.screenshot_of_view(&picture("shell-window-360")).await?;
    page.click("[data-home]").await?;
    assert!(standing(&page).await?.is_empty());
    fleet.stop().await;
    Ok(())
}
