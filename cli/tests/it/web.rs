//! The public site and its status page over a real fleet.

use anyhow::Result;
use serde_json::Value;

use crate::browser::Browser;
use crate::fleet::{Fleet, Place, stays_still, whole_everywhere, whole_without_script, within_budget};
use crate::pages::{LIVE, SOON};

const PLACES: [Place<'static>; 2] = [("web", "/", "web-home"), ("web", "/status", "web-status")];

fn probes(service: &Value) -> u64 {
    let hours = service["hours"].as_array().map(Vec::as_slice).unwrap_or_default();
    hours.iter().filter_map(|hour| hour["ok"].as_u64()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_whole_in_every_way_it_is_looked_at() -> Result<()> {
    let (fleet, browser) = (Fleet::start().await?, Browser::launch().await?);
    fleet
        .until("web", "/status.json", |status| status["status"] == "ok")
        .await?;
    whole_everywhere(&fleet, &browser, &PLACES).await?;
    whole_without_script(&fleet, &browser, &PLACES).await?;
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
async fn probes_are_counted_by_the_hour_and_what_nobody_measured_stays_a_gap() -> Result<()> {
    let fleet = Fleet::start().await?;
    let status = fleet
        .until("web", "/status.json", |status| {
            let services = status["services"].as_array().map(Vec::as_slice).unwrap_or_default();
            services.len() == 9 && services.iter().all(|service| probes(service) >= 2)
        })
        .await?;
    for service in status["services"].as_array().expect("services") {
        assert_eq!(service["status"], "ok", "{service}");
        assert_eq!(service["uptime24h"], 1.0);
        let days = service["days"].as_array().expect("days");
        assert_eq!(days.len(), 90);
        assert!(days[..88].iter().all(|day| day["measuredHours"] == 0));
    }
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_page_follows_the_probes_by_itself() -> Result<()> {
    let (fleet, browser) = (Fleet::start().await?, Browser::launch().await?);
    let page = browser.page(1280, 800, false).await?;
    page.goto(&fleet.url("web", "/status")).await?;
    page.wait_for(LIVE, SOON).await?;
    page.wait_for(
        "document.querySelector('.headline').textContent.includes('Every service is well')",
        SOON,
    )
    .await?;
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_does_not_answer_is_down_and_an_incident() -> Result<()> {
    let (fleet, browser) = (Fleet::start_without(&["docs"]).await?, Browser::launch().await?);
    let status = fleet
        .until("web", "/status.json", |status| status["status"] == "down")
        .await?;
    let docs = status["services"]
        .as_array()
        .and_then(|services| services.iter().find(|service| service["key"] == "docs"))
        .expect("docs");
    assert_eq!(docs["uptime24h"], 0.0, "{docs}");
    whole_everywhere(&fleet, &browser, &[("web", "/status", "web-status-down")]).await?;
    let page = browser.page(1280, 800, false).await?;
    page.goto(&fleet.url("web", "/status")).await?;
    let said: String = page.eval("document.querySelector('.headline').textContent").await?;
    assert_eq!(said.trim(), "1 service is down.");
    let incident: String = page
        .eval("document.querySelector('[aria-label=Incidents] tbody tr').textContent")
        .await?;
    assert!(incident.contains("docs"), "{incident}");
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_outlive_the_service() -> Result<()> {
    let fleet = Fleet::start().await?;
    let counted = |status: &Value| probes(&status["services"][1]);
    let before = fleet
        .until("web", "/status.json", |status| counted(status) >= 2)
        .await
        .map(|status| counted(&status))?;
    let fleet = fleet.again().await?;
    let after = fleet.json("web", "/status.json").await.map(|status| counted(&status))?;
    assert!(after >= before, "{after} of {before} are left");
    fleet.stop().await;
    Ok(())
}
