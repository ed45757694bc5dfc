//! The checker checked: our own services pass it, and a service that breaks one rule is caught at that rule.

mod mutants;

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result};
use serde_json::Value;
use syscall_sdk::config::Variables;
use syscall_sdk::context::{Context as Kernel, FlowContext, JobContext};
use syscall_sdk::contract::{Flow, Method, Task};
use syscall_sdk::host::{Door, DrainBudget, Host, Running};
use syscall_sdk::service::Service;
use syscall_sdk::transport::{Bind, Bound};

use crate::binary::{Fleet, Ran, blackroad};

/// A job and methods as a service has them, so that every family has something to check.
const REST: Task<(), ()> = Task::new("core", "rest");
/// A workflow that waits for what does not come.
const HOLD: Flow<Nothing, ()> = Flow::new("core", "hold");
const QUICK: Method<Nothing, u8> = Method::new("core", "quick", "Gives a number.").idempotent();
const SLOW: Method<Nothing, u8> = Method::new("core", "slow", "Takes its time.");
const DEMANDING: Method<Demand, u8> = Method::new("core", "demanding", "Wants something.");

/// What a method is given that wants nothing.
#[derive(serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
struct Nothing {}

/// What [`DEMANDING`] wants.
#[derive(serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
struct Demand {
    wanted: u8,
}

fn service() -> Service {
    Service::new("core", "1.2.3")
        .task(REST, async |context: JobContext, (): ()| {
            context.cancelled().await;
            Ok(())
        })
        .flow(HOLD, async |flow: FlowContext, _: Nothing| {
            flow.signal::<()>("end", None).await.map(drop)
        })
        .method(QUICK, async |_: Kernel, _: Nothing| Ok(7))
        .method(SLOW, async |_: Kernel, _: Nothing| std::future::pending().await)
        .method(DEMANDING, async |_: Kernel, demand: Demand| Ok(demand.wanted))
}

/// One service by itself, behind no door that chooses.
async fn start(variables: &[(&str, &str)]) -> Result<(Running, String)> {
    let mut all = Variables::from([("AMNESIA".to_owned(), "true".to_owned())]);
    all.extend(
        variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    let door = Door::of_service("core", vec![Bind::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))]);
    let running = Host::new(all).mount(service).start(vec![door]).await?;
    let url = match running.bound().first() {
        Some(Bound::Tcp(address)) => format!("http://{address}"),
        _ => anyhow::bail!("a TCP door was asked for"),
    };
    Ok((running, url))
}

/// Runs the checker, beside the server that this test is.
async fn conform(args: &[&str]) -> Result<(Ran, Value)> {
    let mut command = blackroad(&[&["--json", "conform"], args].concat());
    let ran: Ran = tokio::task::spawn_blocking(move || command.output()).await??.into();
    let told = serde_json::from_str(&ran.out).with_context(|| format!("{ran:?}"))?;
    Ok((ran, told))
}

/// The sentences of the rules that came to this.
fn that(told: &Value, outcome: &str) -> Vec<String> {
    let rules = told["rules"].as_array().into_iter().flatten();
    rules
        .filter(|rule| rule["outcome"] == outcome)
        .map(|rule| {
            format!(
                "{}: {}",
                rule["rule"].as_str().unwrap_or_default(),
                rule["message"].as_str().unwrap_or_default()
            )
        })
        .collect()
}

#[test]
fn every_service_conforms() -> Result<()> {
    let fleet = Fleet::start(&["--amnesia"])?;
    let keys = fleet.told["services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["key"].as_str().unwrap().to_owned());
    let checks: Vec<_> = keys
        .map(|key| {
            let job: &[&str] = if key == "operator" {
                let graph = r#"{"nodes":[{"id":"ok","approval":{}}]}"#;
                &["--job", "sweep-roster", "--workflow", "graph", "--input", graph]
            } else {
                &[]
            };
            let child = fleet
                .command(&[&["--json", "conform", &key], job].concat())
                .stdout(std::process::Stdio::piped())
                .spawn();
            (key, child)
        })
        .collect();
    assert_eq!(checks.len(), crate::fleet::SERVICES.len());
    for (key, child) in checks {
        let ran: Ran = child?.wait_with_output()?.into();
        let told: Value = serde_json::from_str(&ran.out)?;
        assert_eq!((ran.code, that(&told, "fail")), (Some(0), vec![]), "{key}");
        assert!(
            told["summary"]["pass"].as_u64() > Some(90),
            "{key}: {}",
            told["summary"]
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_with_jobs_and_methods_conforms_in_every_family() -> Result<()> {
    let (running, url) = start(&[]).await?;
    let (ran, told) = conform(&[
        &url,
        "--service",
        "core",
        "--slow",
        "slow",
        "--job",
        "rest",
        "--workflow",
        "hold",
        "--input",
        "{}",
        "--patient",
    ])
    .await?;
    assert_eq!((ran.code, that(&told, "fail")), (Some(0), vec![]));
    let skipped = that(&told, "skip");
    let reasons = [
        "does not list the capability",
        "this is not the",
        "cannot be reached",
        "was answered with 429 or 503",
    ];
    let unexplained: Vec<_> = skipped
        .iter()
        .filter(|rule| !reasons.iter().any(|reason| rule.contains(reason)))
        .collect();
    assert!(unexplained.is_empty(), "{unexplained:#?}");
    running.stop(DrainBudget::none(), "the test is over").await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_switched_off_is_skipped_and_what_2_0_cannot_do_without_is_missed() -> Result<()> {
    let (running, url) = start(&[("ENABLE_STATE", "false"), ("ENABLE_JOBS", "false")]).await?;
    for level in ["2.0", "ours"] {
        let (ran, told) = conform(&[&url, "--level", level]).await?;
        assert_eq!((ran.code, that(&told, "fail")), (Some(0), vec![]), "{level}");
        let off = |rule: &String| rule.contains("does not list the capability \"state\"");
        assert!(that(&told, "skip").iter().filter(|rule| off(rule)).count() > 10);
    }
    running.stop(DrainBudget::none(), "the test is over").await;

    let (running, url) = start(&[("ENABLE_RPC", "false")]).await?;
    let (ran, told) = conform(&[&url, "--level", "2.0"]).await?;
    assert_eq!(ran.code, Some(1));
    assert!(
        that(&told, "fail")
            .iter()
            .any(|rule| rule.starts_with("an unknown method is METHOD_NOT_FOUND"))
    );
    running.stop(DrainBudget::none(), "the test is over").await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_service_than_was_asked_for_does_not_conform() -> Result<()> {
    let (running, url) = start(&[]).await?;
    let (ran, told) = conform(&[&url, "--service", "api", "--rule", "the service which was asked for"]).await?;
    assert_eq!((ran.code, that(&told, "fail").len()), (Some(1), 1));
    running.stop(DrainBudget::none(), "the test is over").await;
    Ok(())
}

#[test]
fn where_nobody_answers_that_is_said() -> Result<()> {
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    for (target, expected) in [
        (format!("http://127.0.0.1:{port}"), "nothing that speaks HTTP answers"),
        ("nobody".to_owned(), "neither a URL"),
    ] {
        let ran = crate::binary::run(&["conform", &target])?;
        assert!(ran.code == Some(1) && ran.err.contains(expected), "{ran:?}");
    }
    Ok(())
}
