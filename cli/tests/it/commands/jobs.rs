//! Jobs.

use anyhow::{Context as _, Result};
use serde_json::json;

use super::start;
use crate::binary::run;

#[test]
fn a_job_is_created_shown_listed_cancelled_and_retried() -> Result<()> {
    let fleet = start()?;
    let params = r#"{"service":"core"}"#;
    let job = fleet.json(&[
        "job",
        "create",
        "operator",
        "deploy-service",
        params,
        "--delay",
        "1h",
        "--priority",
        "-3",
    ])?;
    let id = job["id"].as_str().unwrap();
    assert_eq!((&job["status"], &job["priority"]), (&json!("queued"), &json!(-3)));
    let shown = fleet.run(&["job", "show", "operator", id])?.out;
    assert!(
        shown.contains("deploy-service") && shown.contains("(in 1 h)") && shown.contains(params),
        "{shown}"
    );
    let listed = fleet
        .run(&["jobs", "operator", "--status", "queued", "--name", "deploy-service"])?
        .out;
    assert!(listed.contains(id) && listed.contains("due in 1 h"), "{listed}");
    assert_eq!(fleet.json(&["job", "cancel", "operator", id])?["status"], "cancelled");
    assert_eq!(fleet.run(&["job", "cancel", "operator", id])?.code, Some(1));
    assert_ne!(fleet.json(&["job", "retry", "operator", id])?["status"], "cancelled");

    let cron = [
        "job",
        "create",
        "operator",
        "deploy-service",
        params,
        "--cron",
        "0 0 1 1 *",
        "--tz",
        "Europe/Berlin",
    ];
    let schedule = fleet.json(&cron)?;
    let pause = [
        "job",
        "pause",
        "operator",
        schedule["id"].as_str().unwrap(),
        "--schedule",
        "--reason",
        "a freeze",
        "--by",
        "ada",
    ];
    assert_eq!(fleet.json(&pause)?["reason"], "a freeze");
    let listed = fleet.run(&["jobs", "operator", "--schedules"])?.out;
    assert!(
        listed.contains("Europe/Berlin") && listed.contains("by ada: a freeze"),
        "{listed}"
    );
    let resume = [
        "job",
        "resume",
        "operator",
        schedule["id"].as_str().unwrap(),
        "--schedule",
    ];
    assert_eq!(fleet.run(&resume)?.code, Some(0));
    assert_eq!(fleet.run(&resume)?.code, Some(1), "it is not paused any more");
    assert_eq!(
        fleet.json(&["job", "cancel", "operator", schedule["id"].as_str().unwrap()])?["status"],
        "cancelled"
    );
    assert_eq!(
        run(&["job", "create", "core", "x", "--tz", "UTC"])?.code,
        Some(2),
        "a time zone is for a schedule"
    );
    Ok(())
}

#[test]
fn a_wait_ends_with_its_job_or_with_its_time() -> Result<()> {
    let fleet = start()?;
    let swept = fleet.json(&["job", "create", "operator", "sweep-roster"])?;
    let done = fleet.run(&["job", "wait", "operator", swept["id"].as_str().unwrap()])?;
    assert!(done.code == Some(0) && done.out.contains("completed"), "{done:?}");

    let later = fleet.json(&["job", "create", "operator", "sweep-roster", "--delay", "1h"])?;
    let id = later["id"].as_str().unwrap();
    let still = fleet.run(&["job", "wait", "operator", id, "--for", "50ms"])?;
    assert!(
        still.code == Some(1) && still.out.contains("queued") && still.err.contains("queued still"),
        "{still:?}"
    );
    fleet.json(&["job", "cancel", "operator", id])?;
    let ended = fleet.run(&["job", "wait", "operator", id])?;
    assert!(
        ended.code == Some(1) && ended.err.contains("the job is cancelled"),
        "{ended:?}"
    );
    Ok(())
}

#[test]
fn dead_jobs_are_retried_one_by_one_edited_and_all_at_once() -> Result<()> {
    let fleet = start()?;
    let dead = |params: &str| -> Result<String> {
        let job = fleet.json(&["job", "create", "operator", "deploy-service", params, "--delay", "1h"])?;
        let id = job["id"].as_str().context("an id")?.to_owned();
        fleet.json(&["job", "cancel", "operator", &id])?;
        Ok(id)
    };
    let (first, second) = (dead(r#"{"service":"core"}"#)?, dead(r#"{"service":"api"}"#)?);
    let edited = [
        "job",
        "retry",
        "operator",
        &first,
        "--params",
        r#"{"service":"web"}"#,
        "--delay",
        "1h",
    ];
    let new = fleet.json(&edited)?;
    assert_eq!(
        (&new["redriveOf"], &new["params"]["service"]),
        (&json!(first), &json!("web"))
    );
    let old = fleet.run(&["job", "show", "operator", &first])?.out;
    assert!(
        old.contains("made anew") && old.contains(new["id"].as_str().unwrap()),
        "{old}"
    );
    let again = fleet.run(&["job", "retry", "operator", &first])?;
    assert!(again.code == Some(1) && again.err.contains("JOB_REDRIVEN"), "{again:?}");

    let none = fleet.run(&["jobs", "retry", "operator"])?;
    assert!(none.out.contains("0 failed jobs are queued anew"), "{none:?}");
    let all = fleet.json(&[
        "jobs",
        "retry",
        "operator",
        "--status",
        "cancelled",
        "--name",
        "deploy-service",
    ])?;
    assert_eq!((&all["retried"], &all["left"]), (&json!(1), &json!(1)));
    assert_ne!(
        fleet.json(&["job", "show", "operator", &second])?["status"],
        "cancelled"
    );
    assert_eq!(
        fleet.run(&["jobs", "retry", "operator", "--status", "queued"])?.code,
        Some(1)
    );
    assert_eq!(run(&["jobs"])?.code, Some(2), "a service is to be named");
    Ok(())
}
