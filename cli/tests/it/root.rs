//! The apex over a real fleet.

use anyhow::Result;

use crate::browser::Browser;
use crate::fleet::{Fleet, Place, stays_still, whole_everywhere, whole_without_script, within_budget};
use crate::pages::{LIVE, SOON};

const PLACE: Place<'static> = ("root", "/", "root");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_front_page_is_whole_in_every_way_it_is_looked_at() -> Result<()> {
    let (fleet, browser) = (Fleet::start().await?, Browser::launch().await?);
    whole_everywhere(&fleet, &browser, &[PLACE]).await?;
    whole_without_script(&fleet, &browser, &[PLACE]).await?;
    within_budget(&fleet, &browser, PLACE).await?;
    let page = browser.page(1280, 800, false).await?;
    page.goto(&fleet.url("root", "/")).await?;
    page.wait_for(LIVE, SOON).await?;
    let links: Vec<String> = page
        .eval("[...document.querySelectorAll('#services a')].map((link) => link.querySelector('b').textContent)")
        .await?;
    assert_eq!(
        links,
        ["operator", "core", "api", "app", "console", "docs", "web", "os", "root"]
    );
    stays_still(&page, "root").await?;
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn www_leads_to_the_apex_with_its_path_and_query_and_nothing_else_does() -> Result<()> {
    let fleet = Fleet::start().await?;
    for (path, to) in [
        ("/", "/"),
        ("/a/b?x=1", "/a/b?x=1"),
        ("/registry.json", "/registry.json"),
        ("//evil.example", "//evil.example"),
    ] {
        let answer = fleet.get("www.blackroad.systems", path).await?;
        assert_eq!(answer.status(), 301, "{path}");
        assert_eq!(
            answer.headers()["location"],
            format!("https://blackroad.systems{to}").as_str()
        );
    }
    let local = fleet.get("www.localhost:PORT", "/a?b").await?;
    assert_eq!(local.headers()["location"], fleet.url("root", "/a?b").as_str());
    let stranger = fleet.get("www.evil.example", "/").await?;
    assert_eq!(stranger.status(), 200, "a name that is not ours is redirected nowhere");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_domains_files_are_there() -> Result<()> {
    let fleet = Fleet::start().await?;
    let security = fleet.get("localhost:PORT", "/.well-known/security.txt").await?;
    assert_eq!(security.headers()["content-type"], "text/plain; charset=utf-8");
    assert!(security.text().await?.starts_with("Contact: https://"));
    let robots = fleet.get("localhost:PORT", "/robots.txt").await?.text().await?;
    assert!(robots.contains("Disallow: /\n"), "development is not for crawlers");
    let icon = fleet.get("localhost:PORT", "/favicon.ico").await?;
    assert_eq!(icon.status(), 302);
    let icon = fleet
        .get("localhost:PORT", icon.headers()["location"].to_str()?)
        .await?;
    assert_eq!(icon.headers()["content-type"], "image/svg+xml");
    let registry = fleet.json("root", "/registry.json").await?;
    assert_eq!(registry["services"].as_array().map(Vec::len), Some(9));
    assert_eq!(
        registry["services"][1]["internal"],
        "http://blackroad-os-core.railway.internal:8000"
    );
    let nothing = fleet.get("localhost:PORT", "/nothing/here").await?;
    assert_eq!(nothing.status(), 404);
    assert!(nothing.text().await?.contains("ROUTE_NOT_FOUND"));
    Ok(())
}
