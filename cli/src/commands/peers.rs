//! `blackroad peers SERVICE` and `blackroad resolve SERVICE`: the fleet, or one service of it, as a process sees it.

use anyhow::Result;
use comfy_table::{Cell, Color};
use syscall_sdk::wire::{Peer, PeerEndpoint, PeerFreshness, PeerState, PeerWay, Peers};

use crate::args::{One, Resolve};
use crate::print;
use crate::remote::Remote;

pub(super) async fn list(remote: &Remote, machine: bool, one: One) -> Result<()> {
    let found: Peers = remote.get(&one.service, "/v1/sys/peers", &[]).await?;
    if machine {
        return print::json(&found);
    }
    let mut table = print::table(&[
        "peer",
        "way",
        "replicas",
        "calls",
        "failed",
        "retries",
        "p50",
        "p99",
        "in flight",
    ]);
    for peer in &found.peers {
        let calls = peer.calls;
        let failed = calls.failed + calls.overloaded + calls.late + calls.unreachable + calls.broken;
        let open = peer
            .endpoints
            .iter()
            .filter(|endpoint| endpoint.state != PeerState::Closed);
        let replicas = match (peer.endpoints.len(), open.count()) {
            (0, _) => Cell::new("-"),
            (all, 0) => Cell::new(all),
            (all, open) => Cell::new(format!("{} of {all}", all - open)).fg(Color::Yellow),
        };
        table.add_row([
            Cell::new(named(peer)),
            Cell::new(way(peer.way)),
            replicas,
            Cell::new(calls.answered + failed),
            if failed > 0 {
                Cell::new(failed).fg(Color::Red)
            } else {
                Cell::new(failed)
            },
            Cell::new(peer.retries),
            Cell::new(format!("{:.1} ms", peer.latency.p50)),
            Cell::new(format!("{:.1} ms", peer.latency.p99)),
            Cell::new(peer.in_flight),
        ]);
    }
    print::show(&table)
}

/// `web`, or `web green` where it has versions.
fn named(peer: &Peer) -> String {
    let version = peer.version.iter().map(|version| format!(" {version}"));
    std::iter::once(peer.service.clone()).chain(version).collect()
}

pub(super) async fn resolve(remote: &Remote, machine: bool, args: Resolve) -> Result<()> {
    let path = format!("/v1/sys/peers/{}", args.service);
    let peer: Peer = remote.get(&args.from, &path, &[]).await?;
    if machine {
        return print::json(&peer);
    }
    print::line(story(&peer, &args.from))?;
    if peer.endpoints.is_empty() {
        return Ok(());
    }
    let mut table = print::table(&["address", "state", "in flight", "answers in", "attempts", "failures"]);
    for endpoint in &peer.endpoints {
        table.add_row([
            Cell::new(&endpoint.address),
            state(endpoint),
            Cell::new(endpoint.in_flight),
            Cell::new(
                endpoint
                    .cost
                    .map_or_else(|| "-".to_owned(), |cost| format!("{cost:.1} ms")),
            ),
            Cell::new(endpoint.attempts),
            Cell::new(endpoint.failures),
        ]);
    }
    print::show(&table)
}

/// What is known of it in a sentence.
fn story(peer: &Peer, from: &str) -> String {
    let Peer {
        service,
        host,
        port,
        source,
        ..
    } = peer;
    let (ttl, age) = (peer.ttl / 1_000, peer.age.unwrap_or(0) / 1_000);
    let why = peer.why.as_deref().unwrap_or("nobody said why");
    let known = match peer.freshness {
        _ if peer.way == PeerWay::InProcess => {
            return format!("{service} is in the process of {from}: nothing is resolved");
        }
        PeerFreshness::Unasked => "not asked yet".to_owned(),
        PeerFreshness::Fresh if source == "table" => format!("by a {source}"),
        PeerFreshness::Fresh => format!("by {source}, {age} s ago, for {ttl} s"),
        PeerFreshness::Stale => format!("by {source}, {age} s ago and since then no more: {why}"),
        PeerFreshness::Empty => format!("by {source}, {age} s ago: the name has no address"),
        PeerFreshness::Failed => format!("by {source}: {why}"),
    };
    let outside = match peer.way {
        PeerWay::InProcess | PeerWay::Internal => String::new(),
        other => format!("; calls go by {} meanwhile", way(other)),
    };
    format!("{service} is {host}:{port} to {from}, {known}{outside}")
}

fn way(way: PeerWay) -> &'static str {
    match way {
        PeerWay::InProcess => "in process",
        PeerWay::Internal => "internal",
        PeerWay::Railway => "railway",
        PeerWay::Cloudflare => "cloudflare",
    }
}

fn state(endpoint: &PeerEndpoint) -> Cell {
    match endpoint.state {
        PeerState::Closed => Cell::new("well").fg(Color::Green),
        PeerState::Warming => Cell::new("new").fg(Color::Green),
        PeerState::Probing => Cell::new("being tried").fg(Color::Yellow),
        PeerState::Open => {
            let wait = endpoint.retry_in.unwrap_or(0) / 1_000;
            Cell::new(format!("left alone for {wait} s")).fg(Color::Red)
        }
    }
}
