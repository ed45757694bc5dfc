//! An idle fleet is silent, so that a platform may put it to sleep: every byte between its services passes through here and is counted.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use syscall_sdk::lifecycle::Scope;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::fleet::SERVICES;
use crate::hosts::{Hosts, pass};
use crate::pages::SOON;

/// What has passed.
#[derive(Default)]
struct Wire {
    bytes: AtomicU64,
    connections: AtomicU64,
    open: AtomicI64,
}

impl Wire {
    fn passed(&self) -> (u64, u64) {
        (
            self.bytes.load(Ordering::SeqCst),
            self.connections.load(Ordering::SeqCst),
        )
    }
}

/// Stands between whoever calls a service and the service.
fn stand_between(scope: &Scope, known_at: &Path, listens_at: &Path, wire: &Arc<Wire>) -> Result<()> {
    let listener = UnixListener::bind(known_at)?;
    let (listens_at, wire, inner) = (listens_at.to_owned(), Arc::clone(wire), scope.clone());
    scope.spawn("between", async move {
        while let Ok((caller, _)) = listener.accept().await {
            wire.connections.fetch_add(1, Ordering::SeqCst);
            let (listens_at, wire) = (listens_at.clone(), Arc::clone(&wire));
            inner.spawn("connection", async move {
                // A service that is not up refuses, and so does this.
                let Ok(service) = UnixStream::connect(&listens_at).await else {
                    return;
                };
                wire.open.fetch_add(1, Ordering::SeqCst);
                let (from_caller, to_caller) = caller.into_split();
                let (from_service, to_service) = service.into_split();
                tokio::join!(
                    pump(from_caller, to_service, &wire),
                    pump(from_service, to_caller, &wire)
                );
                wire.open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    Ok(())
}

async fn pump(mut from: tokio::net::unix::OwnedReadHalf, mut to: tokio::net::unix::OwnedWriteHalf, wire: &Wire) {
    let mut buffer = [0; 8 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        wire.bytes.fetch_add(read as u64, Ordering::SeqCst);
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}

/// A whole fleet that has come up, with everything between its services counted.
async fn fleet(directory: &Path, scope: &Scope, probe_interval: u64) -> Result<(Hosts, Arc<Wire>)> {
    let own = directory.join("own");
    std::fs::create_dir(&own)?;
    let wire = Arc::<Wire>::default();
    for (key, _) in SERVICES {
        let socket = format!("{key}.sock");
        stand_between(scope, &directory.join(&socket), &own.join(&socket), &wire)?;
    }
    let mut hosts = Hosts::new(directory, &own, probe_interval)?;
    for (key, _) in SERVICES {
        hosts.start(key).await?;
    }
    // Everyone has announced itself, and web has heard of everyone by its subscriptions.
    pass(Duration::from_secs(180), || ()).await;
    let expected = hosts.expected();
    ensure!(hosts.roster().await? == expected, "everyone is on the roster");
    let heard = async {
        let web = hosts.context("web");
        while web
            .kernel()
            .subscriptions
            .list()
            .await?
            .incoming
            .iter()
            .any(|one| !one.registered)
        {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(SOON, heard).await.context("web is registered")??;
    Ok((hosts, wire))
}

#[tokio::test]
async fn a_fleet_that_is_not_probed_sends_nothing_and_its_idle_connections_close() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let scope = Scope::new("between", tracing::Span::none());
    let (hosts, wire) = fleet(directory.path(), &scope, 0).await?;
    let (bytes, connections) = wire.passed();
    ensure!(bytes > 0 && connections > 0, "what it said when it came up was counted");
    pass(Duration::from_secs(600), || ()).await;
    let after = wire.passed();
    ensure!(
        after == (bytes, connections),
        "in ten minutes {:?} more passed",
        (after.0 - bytes, after.1 - connections)
    );
    ensure!(
        wire.open.load(Ordering::SeqCst) == 0,
        "its idle connections were closed"
    );
    hosts.stop().await;
    scope.stop(Duration::ZERO).await;
    Ok(())
}

#[tokio::test]
async fn a_fleet_that_is_probed_is_silent_between_the_probes() -> Result<()> {
    const INTERVAL: u64 = 60;
    let directory = tempfile::tempdir()?;
    let scope = Scope::new("between", tracing::Span::none());
    let (hosts, wire) = fleet(directory.path(), &scope, INTERVAL).await?;
    let minutes = 6;
    let counts = pass(Duration::from_secs(INTERVAL * minutes), || wire.passed().0).await;
    let loud = counts.windows(2).filter(|pair| pair[0] != pair[1]).count() as u64;
    // The operator and web each ask everyone once an interval; a round may fall into two of the seconds.
    ensure!(
        (minutes..=minutes * 4).contains(&loud),
        "bytes passed in {loud} of {} seconds",
        INTERVAL * minutes
    );
    hosts.stop().await;
    scope.stop(Duration::ZERO).await;
    Ok(())
}
