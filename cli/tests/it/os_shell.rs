//! The fleet as a file system: over HTTP, as pages, and in the browser's terminal.

use anyhow::Result;
use serde_json::{Value, json};
use syscall_sdk::wire::LogLevel;

use crate::browser::{Browser, CONTROL, Page};
use crate::fleet::{Fleet, Place, SERVICES, stays_still, whole_everywhere, whole_without_script, within_budget};
use crate::pages::{LIVE, SOON, check, picture};

const PLACES: [Place<'static>; 5] = [
    ("os", "/", "os-shell"),
    ("os", "/fs/core", "os-directory"),
    ("os", "/fs/core/methods/getUserById", "os-file"),
    ("os", "/fs/core/jobs/", "os-empty"),
    ("os", "/fs/core/state/", "os-keys"),
];

/// True once the terminal takes a line.
const READY: &str = "document.querySelector('#shell[data-ready]:not([data-running])')";

async fn put(fleet: &Fleet, keys: &[&str]) -> Result<()> {
    let context = fleet.context("core");
    for key in keys {
        context.state().put(key, &json!({ "of": key })).await?;
    }
    Ok(())
}

/// Types a line and waits until it has run.
async fn enter(page: &Page, line: &str) -> Result<()> {
    type_line(page, line).await?;
    page.press("Enter", 0).await?;
    page.wait_for(READY, SOON).await
}

async fn type_line(page: &Page, line: &str) -> Result<()> {
    page.wait_for(READY, SOON).await?;
    page.eval::<()>("document.querySelector('#typed').focus()").await?;
    page.type_text(line).await
}

async fn printed(page: &Page) -> Result<String> {
    page.eval("document.querySelector('#screen').innerText").await
}

async fn value(page: &Page) -> Result<String> {
    page.eval("document.querySelector('#typed').value").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_whole_in_every_way_it_is_looked_at() -> Result<()> {
    let (fleet, browser) = (Fleet::start().await?, Browser::launch().await?);
    put(&fleet, &["orders/1", "orders/2", "a b/é", "..", "plain"]).await?;
    whole_everywhere(&fleet, &browser, &PLACES).await?;
    whole_without_script(&fleet, &browser, &PLACES).await?;
    for place in PLACES {
        within_budget(&fleet, &browser, place).await?;
    }
    let page = browser.page(1280, 800, false).await?;
    page.goto(&fleet.url("os", "/")).await?;
    page.wait_for(LIVE, SOON).await?;
    stays_still(&page, "os-shell").await?;
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tree_is_read_over_http() -> Result<()> {
    let fleet = Fleet::start().await?;
    put(&fleet, &["a", "a/x", "a b/é", "../up", "q//z", "end/"]).await?;
    let fs = async |path: &str| fleet.json("os", &format!("/v1/fs{path}")).await;

    for root in ["", "/"] {
        let root = fs(root).await?;
        assert_eq!(root["kind"], "dir");
        assert_eq!(
            root["entries"].as_array().map(Vec::len),
            Some(SERVICES.len() + 1),
            "the services and registry.json: {root}"
        );
    }
    let own: Value = fleet.json("core", "/v1/sys/version").await?;
    assert_eq!(fs("/core/version").await?["value"], own);
    assert_eq!(fs("/core/methods/getUserById").await?["value"]["name"], "getUserById");
    assert_eq!(
        fs("/blackroad-os-core/identity/").await?["value"]["service"],
        "blackroad-os-core"
    );
    for directory in ["methods", "state", "jobs", "schedules", "events", "metrics", "traces"] {
        let node = fs(&format!("/core/{directory}/")).await?;
        assert_eq!(node["kind"], "dir", "{directory}: {node}");
    }

    for (path, key) in [
        ("/core/state/a", "a"),
        ("/core/state/a/x", "a/x"),
        ("/core/state/a%20b/%C3%A9", "a b/é"),
        ("?path=/core/state/../up", "../up"),
        ("/core/state/q//z", "q//z"),
        ("/core/state/end%2F", "end/"),
        ("/core/state/end/", "end/"),
    ] {
        assert_eq!(fs(path).await?["value"]["key"], key, "{path}");
    }
    assert_eq!(fs("/core/state/a/").await?["entries"][0]["name"], "x");

    for (path, near) in [
        ("/nobody/x", "/"),
        ("/core/nothing", "/core"),
        ("/core/state/a/no/such", "/core/state/a"),
        ("/core/jobs/none", "/core/jobs"),
    ] {
        let error = &fs(path).await?["error"];
        assert_eq!(
            (error["code"].as_str(), error["details"]["nearest"].as_str()),
            (Some("PATH_NOT_FOUND"), Some(near)),
            "{path}"
        );
    }

    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = fs(&format!("/core/state?limit=2{cursor}")).await?;
        let entries = page["entries"].as_array().cloned().unwrap_or_default();
        names.extend(
            entries
                .iter()
                .filter_map(|entry| entry["name"].as_str().map(str::to_owned)),
        );
        match page["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={}", next.replace(' ', "%20")),
            None => break,
        }
    }
    assert_eq!(
        names,
        ["..", "a", "a b", "a", "end/", "q"],
        "in the order of the keys, each once"
    );
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_terminal_lists_reads_calls_and_refuses() -> Result<()> {
    let (fleet, browser) = (Fleet::start().await?, Browser::launch().await?);
    for (width, height, dark) in [(1280, 800, false), (360, 740, true)] {
        let page = browser.page(width, height, dark).await?;
        page.goto(&fleet.url("os", "/")).await?;
        enter(&page, "ls /").await?;
        let listed = printed(&page).await?;
        assert!(listed.contains("core/") && listed.contains("registry.json"), "{listed}");
        enter(&page, "cat /core/identity").await?;
        page.wait_for("document.querySelector('#screen .json .hl-t')", SOON)
            .await?;
        assert!(printed(&page).await?.contains("\"service\": \"blackroad-os-core\""));
        enter(&page, "cd core/methods").await?;
        assert_eq!(
            page.eval::<String>("document.querySelector('#where').textContent")
                .await?,
            "/core/methods"
        );
        enter(&page, "cd ..").await?;
        enter(&page, "pwd").await?;
        enter(&page, "call core listUsers").await?;
        assert!(printed(&page).await?.contains("users"), "{}", printed(&page).await?);
        enter(&page, "cat nothing").await?;
        let refused: String = page.eval("document.querySelector('.is-wrong').textContent").await?;
        assert!(
            refused.contains("PATH_NOT_FOUND") && refused.contains("/core/nothing"),
            "{refused}"
        );
        enter(&page, "call core getUserById '{\"id\": 7'").await?;
        assert!(printed(&page).await?.contains("INVALID_JSON"));
        enter(&page, "ps").await?;
        assert!(printed(&page).await?.contains("operator"));
        page.screenshot(&picture(&format!("os-terminal-{width}"))).await?;
        page.eval::<()>("void (document.querySelector('#shell').scrollTop = 0)")
            .await?;
        page.screenshot_of_view(&picture(&format!("os-terminal-{width}-top")))
            .await?;
        // What it refused is what was asked of it: the browser notes each such answer.
        let noted: Vec<String> = page.console_errors();
        assert!(noted.iter().all(|error| error.contains("404")), "{noted:?}");

        page.press("l", CONTROL).await?;
        assert_eq!(printed(&page).await?, "");
        page.press("ArrowUp", 0).await?;
        assert_eq!(value(&page).await?, "ps");
        page.press("ArrowDown", 0).await?;
        page.goto(&fleet.url("os", "/")).await?;
        enter(&page, "history").await?;
        assert!(
            printed(&page).await?.contains("cat /core/identity"),
            "the history outlives the page"
        );
    }
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tab_completes_commands_paths_services_and_methods() -> Result<()> {
    let (fleet, browser) = (Fleet::start().await?, Browser::launch().await?);
    put(&fleet, &["a b/c"]).await?;
    let page = browser.page(1280, 800, true).await?;
    page.goto(&fleet.url("os", "/")).await?;
    for (typed, completed) in [
        ("hel", "help "),
        ("ls /cor", "ls /core/"),
        ("cat /core/iden", "cat /core/identity "),
        ("ls /core/state/a", "ls /core/state/a\\\\ b/"),
        ("call oper", "call operator "),
        ("call core getUserByI", "call core getUserById "),
        ("tail core lo", "tail core logs "),
        ("emit cor", "emit core "),
    ] {
        type_line(&page, typed).await?;
        page.press("Tab", 0).await?;
        page.wait_for(
            &format!("document.querySelector('#typed').value === '{completed}'"),
            SOON,
        )
        .await?;
        page.eval::<()>("void (document.querySelector('#typed').value = '')")
            .await?;
    }
    type_line(&page, "call core getUser").await?;
    page.press("Tab", 0).await?;
    page.wait_for("document.querySelector('#typed').value === 'call core getUserBy'", SOON)
        .await?;
    page.press("Tab", 0).await?;
    page.wait_for(
        "document.querySelector('#screen').textContent.includes('getUserByEmail  getUserById')",
        SOON,
    )
    .await?;
    page.eval::<()>("void (document.querySelector('#typed').value = '')")
        .await?;
    page.press("Tab", 0).await?;
    assert!(
        page.eval::<bool>("document.activeElement.id !== 'typed'").await?,
        "on an empty line Tab leaves, so that nobody is caught"
    );
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tail_shows_an_event_as_it_is_emitted_and_ends_by_ctrl_c() -> Result<()> {
    let (fleet, browser) = (Fleet::start().await?, Browser::launch().await?);
    let page = browser.page(1280, 800, false).await?;
    page.goto(&fleet.url("os", "/")).await?;
    type_line(&page, "tail core events order:*").await?;
    page.press("Enter", 0).await?;
    page.wait_for(
        "document.querySelector('#screen').textContent.includes('following the events of core')",
        SOON,
    )
    .await?;
    // Another terminal emits until the first one shows it: the stream is open from some moment on.
    let other = browser.page(1280, 800, true).await?;
    other.goto(&fleet.url("os", "/")).await?;
    let mut shown = false;
    for number in 0..50 {
        enter(&other, &format!("emit core order:placed '{{\"number\": {number}}}'")).await?;
        shown = page
            .eval("!!document.querySelector('[data-event=\"order:placed\"]')")
            .await?;
        if shown {
            break;
        }
    }
    assert!(shown, "{}", printed(&page).await?);
    page.screenshot_of_view(&picture("os-tail")).await?;
    check(&page, "a running tail").await?;
    page.press("c", CONTROL).await?;
    page.wait_for(READY, SOON).await?;
    assert!(printed(&page).await?.trim_end().ends_with("stopped"));

    fleet
        .context("core")
        .logs()
        .write(LogLevel::Info, "a line to look at", None)?;
    type_line(&page, "tail /core/logs").await?;
    page.press("Enter", 0).await?;
    page.wait_for(
        "document.querySelector('#screen').innerText.includes('a line to look at')",
        SOON,
    )
    .await?;
    page.click("#stop").await?;
    page.wait_for(READY, SOON).await?;
    enter(&page, "tail nobody").await?;
    assert!(
        printed(&page).await?.contains("UNKNOWN_SERVICE"),
        "{}",
        printed(&page).await?
    );
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_another_site_cannot_use_the_shell() -> Result<()> {
    let fleet = Fleet::start().await?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let from = async |site: &'static str| -> Result<u16> {
        let asked = client
            .post(format!("http://127.0.0.1:{}/v1/shell/emit", fleet.port()))
            .header("host", format!("os.localhost:{}", fleet.port()))
            .header("sec-fetch-site", site)
            .body(r#"{"service":"core","event":"said:once"}"#);
        Ok(asked.send().await?.status().as_u16())
    };
    assert_eq!(from("cross-site").await?, 403);
    assert_eq!(from("same-site").await?, 403);
    assert_eq!(from("same-origin").await?, 201);
    let recent = fleet.json("core", "/v1/sys/events/recent?event=said:once").await?;
    assert_eq!(recent["events"].as_array().map(Vec::len), Some(1));
    fleet.stop().await;
    Ok(())
}
