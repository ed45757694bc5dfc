//! What is done to jobs from the console.

use anyhow::Result;

use super::busy;
use crate::browser::Browser;
use crate::pages::{LIVE, SOON, check, picture};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_cancelled_and_retried_and_both_are_seen_at_once() -> Result<()> {
    let (fleet, browser) = (busy().await?, Browser::launch().await?);
    fleet
        .until("core", "/v1/sys/jobs?status=running", |jobs| {
            jobs["jobs"][0]["id"].is_string()
        })
        .await?;
    let page = browser.page(1280, 800, false).await?;
    page.goto(&fleet.url("console", "/services/core#jobs")).await?;
    page.wait_for(LIVE, SOON).await?;
    page.wait_for(
        "document.querySelector('#job-list .badge').textContent === 'running'",
        SOON,
    )
    .await?;
    page.click("#job-list form .is-bad").await?;
    page.wait_for("document.querySelector('.question').open", SOON).await?;
    page.click(".question .is-bad").await?;
    page.wait_for(
        "document.querySelector('#job-list .badge').textContent === 'cancelled'",
        SOON,
    )
    .await?;
    page.wait_for(
        "document.querySelector('.toast').textContent.includes('Cancelled.')",
        SOON,
    )
    .await?;
    page.screenshot_of_view(&picture("console-job-cancelled")).await?;
    page.click("#job-list form .button").await?;
    page.wait_for(
        "document.querySelector('#job-list .badge').textContent === 'running'",
        SOON,
    )
    .await?;
    let job: String = page.eval("document.querySelector('#job-list td .id').href").await?;
    page.goto(&job).await?;
    page.wait_for(LIVE, SOON).await?;
    check(&page, "a job").await?;
    page.screenshot(&picture("console-job")).await?;
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_jobs_are_edited_and_made_anew_and_retried_all_at_once() -> Result<()> {
    let (fleet, browser) = (busy().await?, Browser::launch().await?);
    let running = fleet
        .until("core", "/v1/sys/jobs?status=running", |jobs| {
            jobs["jobs"][0]["id"].is_string()
        })
        .await?;
    let id = running["jobs"][0]["id"].as_str().expect("it runs").to_owned();
    let core = fleet.context("core");
    core.jobs().cancel(&id).await?;
    let page = browser.page(1280, 800, false).await?;
    page.goto(&fleet.url("console", &format!("/services/core/jobs/{id}")))
        .await?;
    page.wait_for(LIVE, SOON).await?;
    check(&page, "a dead job").await?;
    page.screenshot(&picture("console-job-dead")).await?;
    page.eval::<()>("void (document.getElementById('redrive-attempts').value = '7')")
        .await?;
    page.click("#job-redrive .is-first").await?;
    page.wait_for("document.querySelector('#job-redrive .id') !== null", SOON)
        .await?;
    let made: String = page.eval("document.querySelector('#job-redrive .id').href").await?;
    let old = core.jobs().get(&id).await?.expect("it is kept");
    let new = old.redriven_as.expect("another was made of it");
    assert!(made.ends_with(&new), "{made}");
    assert_eq!(core.jobs().get(&new).await?.expect("it is there").max_attempts, 7);

    core.jobs().cancel(&new).await?;
    page.goto(&fleet.url("console", "/services/core?jobs=cancelled#jobs"))
        .await?;
    page.wait_for(LIVE, SOON).await?;
    page.click("#retry-all").await?;
    page.wait_for("document.querySelector('.question').open", SOON).await?;
    page.click(".question .is-bad").await?;
    page.wait_for("document.querySelectorAll('#job-list tbody tr').length === 1", SOON)
        .await?;
    assert!(
        !core.jobs().get(&new).await?.expect("it is there").status.ended(),
        "the newer one is queued anew, and the old one stays as it was"
    );
    fleet.stop().await;
    Ok(())
}
