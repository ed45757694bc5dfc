//! The documentation site over a real fleet.

use anyhow::{Context as _, Result};
use blackroad_os_contracts::docs::{GET_PAGE, GetPage, SEARCH, SearchDocs};

use crate::browser::{Browser, META, Page};
use crate::fleet::{Fleet, Place, stays_still, whole_everywhere, whole_without_script, within_budget};
use crate::pages::{LIVE, SOON, check, picture};

const PLACES: [Place<'static>; 5] = [
    ("docs", "/", "docs-contents"),
    ("docs", "/tutorial", "docs-tutorial"),
    ("docs", "/reference", "docs-folder"),
    ("docs", "/search?q=file+system", "docs-search"),
    ("docs", "/search?q=zzzzzz", "docs-search-nothing"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_whole_in_every_way_it_is_looked_at() -> Result<()> {
    let (fleet, browser) = (Fleet::start().await?, Browser::launch().await?);
    whole_everywhere(&fleet, &browser, &PLACES).await?;
    whole_without_script(&fleet, &browser, &PLACES).await?;
    for place in PLACES {
        within_budget(&fleet, &browser, place).await?;
    }
    let page = browser.page(1280, 800, false).await?;
    page.goto(&fleet.url("docs", "/tutorial")).await?;
    page.wait_for(LIVE, SOON).await?;
    stays_still(&page, "docs-tutorial").await?;
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_of_the_contents_can_be_read_and_every_link_leads_somewhere() -> Result<()> {
    let (fleet, browser) = (Fleet::start().await?, Browser::launch().await?);
    let page = browser.page(360, 740, true).await?;
    page.goto(&fleet.url("docs", "/")).await?;
    let hrefs: Vec<String> = page
        .eval("[...document.querySelectorAll('.side a')].map((link) => link.getAttribute('href'))")
        .await?;
    assert!(!hrefs.is_empty());
    for href in &hrefs {
        page.goto(&fleet.url("docs", href)).await?;
        check(&page, href).await?;
        let dead: Vec<String> = page
            .eval(
                "(async () => {
                    const here = [...document.querySelectorAll('.prose a[href]')].filter((link) => link.origin === location.origin);
                    const dead = [];
                    for (const link of here) {
                        if (link.pathname === location.pathname) {
                            if (link.hash && !document.getElementById(decodeURIComponent(link.hash.slice(1)))) dead.push(link.href);
                        } else if (!(await fetch(link.href)).ok) dead.push(link.href);
                    }
                    return dead;
                })()",
            )
            .await?;
        assert_eq!(dead, Vec::<String>::new(), "on {href}");
        let twin = fleet.get("docs.localhost:PORT", &format!("{href}.md")).await?;
        assert_eq!(twin.headers()["content-type"], "text/markdown; charset=utf-8");
        assert!(twin.text().await?.starts_with("# "), "{href}.md begins with its title");
    }
    fleet.stop().await;
    Ok(())
}

async fn search_for(page: &Page, words: &str) -> Result<()> {
    page.eval::<()>("void document.querySelector('#q').select()").await?;
    page.type_text(words).await?;
    let before: f64 = page.eval("performance.timeOrigin").await?;
    page.press("Enter", 0).await?;
    // While a page goes, nothing can be asked of it.
    let there = format!("performance.timeOrigin !== {before} && document.querySelector('.said')");
    let arrive = async { while page.wait_for(&there, SOON).await.is_err() {} };
    tokio::time::timeout(SOON, arrive)
        .await
        .context("the results did not come")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_finds_a_section_and_gets_to_it() -> Result<()> {
    let (fleet, browser) = (Fleet::start().await?, Browser::launch().await?);
    let page = browser.page(1280, 800, false).await?;
    page.goto(&fleet.url("docs", "/tutorial")).await?;
    search_for(&page, "long director").await?;
    let first: String = page.eval("document.querySelector('.pages a').textContent").await?;
    assert!(first.contains("Long directories"), "{first}");
    assert!(page.eval::<bool>("!!document.querySelector('.pages mark')").await?);
    let href: String = page.eval("document.querySelector('.pages a').href").await?;
    assert!(href.ends_with("/reference/file-system#long-directories"), "{href}");
    page.goto(&href).await?;
    page.wait_for(
        "document.querySelector('#long-directories').getBoundingClientRect().top >= 48",
        SOON,
    )
    .await?;

    search_for(&page, "<b>\"quoted\" & [odd] AND (").await?;
    check(&page, "an odd query").await?;
    page.press("k", META).await?;
    page.wait_for("document.querySelector('.palette').open", SOON).await?;
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_address_says_which_pages_are_near() -> Result<()> {
    let (fleet, browser) = (Fleet::start().await?, Browser::launch().await?);
    for (path, near) in [
        ("/tutoral", "/tutorial"),
        ("/refrence/file-systems", "/reference/file-system"),
    ] {
        let page = browser.page(360, 740, false).await?;
        page.goto(&fleet.url("docs", path)).await?;
        let first: String = page
            .eval("document.querySelector('.pages a').getAttribute('href')")
            .await?;
        assert_eq!(first, near, "for {path}");
        page.wait_for(LIVE, SOON).await?;
        page.screenshot(&picture("docs-not-found")).await?;
        let program = fleet.get("docs.localhost:PORT", path).await?;
        assert_eq!(program.status(), 404);
        let body: serde_json::Value = program.json().await?;
        assert!(
            body["error"]["code"]
                .as_str()
                .context("a code")?
                .ends_with("_NOT_FOUND"),
            "{body}"
        );
    }
    let syscall = fleet.get("docs.localhost:PORT", "/v1/sys/nothing").await?;
    assert_eq!(
        syscall.json::<serde_json::Value>().await?["error"]["code"],
        "ROUTE_NOT_FOUND"
    );
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_search_and_read_over_rpc_and_http() -> Result<()> {
    let fleet = Fleet::start().await?;
    let context = fleet.context("core");
    let asked = SearchDocs {
        q: "long directories".to_owned(),
        limit: Some(1),
    };
    let found = context.call(&SEARCH, asked).await?;
    assert_eq!(found.hits[0].url, "/reference/file-system#long-directories");
    let hit = &found.hits[0];
    let page = context.call(&GET_PAGE, GetPage { path: hit.path.clone() }).await?;
    assert!(page.markdown.starts_with(&format!("# {}\n", hit.title)));
    let missing = context
        .call(
            &GET_PAGE,
            GetPage {
                path: "nowhere".to_owned(),
            },
        )
        .await;
    assert_eq!(missing.expect_err("there is none").code(), "PAGE_NOT_FOUND");

    for path in [
        "/search.json?q=long%20directories&limit=1",
        "/search?format=json&limit=1&q=long+directories",
    ] {
        let same = fleet.json("docs", path).await?;
        assert_eq!(same["hits"][0]["url"], hit.url.as_str(), "{path}");
    }
    for odd in [
        "/search.json",
        "/search.json?q=",
        "/search.json?q=%",
        "/search.json?q=%ff&limit=-1",
        "/search.json?q=(%22*%22)+AND+~",
    ] {
        assert!(fleet.json("docs", odd).await?["hits"].is_array(), "{odd}");
    }
    fleet.stop().await;
    Ok(())
}
