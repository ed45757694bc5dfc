//! Nine services that come up in any order find one another, and none waits for another.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::fleet::SERVICES;
use crate::hosts::{Hosts, pass};
use crate::pages::SOON;

/// The services in an order that a seed gives (Fisher and Yates, with Marsaglia's xorshift).
fn shuffled(mut seed: u64) -> Vec<&'static str> {
    let mut keys: Vec<_> = SERVICES.iter().map(|(key, _)| *key).collect();
    for last in (1..keys.len()).rev() {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        keys.swap(last, usize::try_from(seed % (last as u64 + 1)).unwrap());
    }
    keys
}

/// Waits until everyone is on the roster.
async fn all_there(hosts: &Hosts) -> Result<()> {
    let expected = hosts.expected();
    let there = async {
        while hosts.roster().await? != expected {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(())
    };
    let found = tokio::time::timeout(SOON, there).await;
    let roster = hosts.roster().await?;
    found.with_context(|| format!("expected {expected:?}, found {roster:?}"))?
}

#[tokio::test]
async fn nine_services_started_in_any_order_are_all_on_the_roster() -> Result<()> {
    let random = u64::from(std::process::id()) << 20 | 1;
    for seed in [1, 99, random] {
        let order = shuffled(seed);
        println!("seed {seed}: {order:?}");
        let sockets = tempfile::tempdir()?;
        let mut hosts = Hosts::new(sockets.path(), sockets.path(), 0)?;
        for key in order {
            hosts.start(key).await?;
            // So that who came first has failed to reach the operator some times.
            pass(Duration::from_secs(20), || ()).await;
        }
        pass(Duration::from_secs(31), || ()).await;
        all_there(&hosts).await?;
        hosts.stop().await;
    }
    Ok(())
}

#[tokio::test]
async fn an_operator_that_comes_minutes_after_everyone_or_has_lost_its_roster_knows_everyone() -> Result<()> {
    let sockets = tempfile::tempdir()?;
    let mut hosts = Hosts::new(sockets.path(), sockets.path(), 0)?;
    for (key, _) in SERVICES.iter().copied().filter(|(key, _)| *key != "operator") {
        hosts.start(key).await?;
    }
    pass(Duration::from_secs(300), || ()).await;
    hosts.start("operator").await?;
    all_there(&hosts).await?;
    // By now everyone has announced itself as well, and is there once.
    pass(Duration::from_secs(31), || ()).await;
    all_there(&hosts).await?;

    hosts.stop_one("operator").await;
    hosts.start("operator").await?;
    ensure!(hosts.expected().len() == SERVICES.len(), "all of them run");
    all_there(&hosts).await?;
    hosts.stop().await;
    Ok(())
}
