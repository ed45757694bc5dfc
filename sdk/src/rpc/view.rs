//! The fleet as this process sees it, for who looks at it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::client::Client;
use super::peer::{Ending, Look, Peer};
use crate::error::Result;
use crate::metrics::Metrics;
use crate::registry::Way;
use crate::resolve::Freshness;
use crate::wire::{self, PeerCalls, PeerEndpoint, PeerFreshness, PeerLatency, PeerState, PeerWay};

/// Longest wait for the addresses of a peer that nobody has called yet: two questions to a silent name server.
const ASK_MAX: Duration = Duration::from_secs(3);

impl Client {
    /// Every other service of the registry, in its order, as this process sees it now. Asks nobody.
    pub fn peers(&self) -> wire::Peers {
        let own = self.own_name();
        let others = self.registry().services().filter(|service| service.name != own);
        wire::Peers {
            peers: others
                .filter_map(|service| self.versions(&service.key).ok())
                .flat_map(|versions| versions.iter().map(|version| self.view(&version.peer)))
                .collect(),
        }
    }

    /// One service as this process sees it; its name is resolved where that is due. Waits three seconds at most.
    ///
    /// # Errors
    /// `UNKNOWN_SERVICE`. That its name cannot be resolved is no error: the answer says so.
    pub async fn peer_of(&self, service: &str) -> Result<wire::Peer> {
        let peer = self.versions(service)?.main();
        if !self.is_here(&peer.target.key) {
            peer.look_up(Instant::now() + ASK_MAX).await;
        }
        Ok(self.view(peer))
    }

    fn view(&self, peer: &Peer) -> wire::Peer {
        let here = self.is_here(&peer.target.key);
        let found = peer.discovery.known();
        let figures = &peer.figures;
        let count = |ending: Ending| figures.ended[ending as usize].get();
        let latency = figures.took.snapshot().quantiles();
        let (freshness, why) = match found.freshness {
            _ if here => (PeerFreshness::Fresh, None),
            Freshness::Unasked => (PeerFreshness::Unasked, None),
            Freshness::Fresh => (PeerFreshness::Fresh, None),
            Freshness::Empty => (PeerFreshness::Empty, None),
            Freshness::Stale { why } => (PeerFreshness::Stale, Some(why)),
            Freshness::Failed { why } => (PeerFreshness::Failed, Some(why)),
        };
        wire::Peer {
            service: peer.target.key.clone(),
            version: peer.target.version.clone(),
            way: match peer.ways.outside().map(|road| road.way) {
                _ if here => PeerWay::InProcess,
                None | Some(Way::Internal) => PeerWay::Internal,
                Some(Way::Railway) => PeerWay::Railway,
                Some(Way::Cloudflare) => PeerWay::Cloudflare,
            },
            host: peer.target.host.clone(),
            port: peer.target.port,
            source: if here { "process" } else { peer.discovery.source() }.to_owned(),
            freshness,
            why,
            ttl: millis(found.ttl),
            age: found.answered.map(|at| millis(at.elapsed())),
            endpoints: peer.looks().into_iter().map(endpoint).collect(),
            calls: PeerCalls {
                answered: count(Ending::Answered),
                failed: count(Ending::Failed),
                overloaded: count(Ending::Overloaded),
                late: count(Ending::Late),
                unreachable: count(Ending::Unreachable),
                broken: count(Ending::Broken),
            },
            retries: figures.retries.get(),
            retries_left: peer.retries_left(),
            hedges: figures.hedges.get(),
            in_flight: peer.in_flight() as u64,
            latency: PeerLatency {
                p50: latency.p50,
                p95: latency.p95,
                p99: latency.p99,
            },
        }
    }
}

fn endpoint(look: Look) -> PeerEndpoint {
    PeerEndpoint {
        address: look.endpoint.to_string(),
        state: look.state,
        retry_in: (look.state == PeerState::Open).then(|| look.opens_in.map_or(0, millis)),
        in_flight: look.in_flight as u64,
        cost: look.cost.map(|seconds| (seconds * 1_000_000.0).round() / 1_000.0),
        attempts: look.answers,
        failures: look.failures,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Shows the peers among the figures: what is left of each one's budget, calls on their way, replicas by what their breakers say.
pub(super) fn show(metrics: &Metrics, peers: Vec<Arc<Peer>>) {
    let peers: Arc<[Arc<Peer>]> = peers.into();
    let each = |figure: fn(&Peer) -> f64| {
        let peers = Arc::clone(&peers);
        move || {
            let labelled = peers.iter().map(|peer| (peer.target.labels(), figure(peer)));
            labelled.collect()
        }
    };
    metrics.levels(
        "rpc_client_retries_left",
        "Attempts that may be made now beyond the calls themselves.",
        each(|peer| f64::from(peer.retries_left())),
    );
    metrics.levels(
        "rpc_client_in_flight",
        "Calls on their way.",
        each(|peer| peer.in_flight() as f64),
    );
    metrics.levels(
        "rpc_client_replicas",
        "Addresses of a peer, by what the breaker of each says.",
        move || {
            let states = [
                (PeerState::Closed, "closed"),
                (PeerState::Warming, "warming"),
                (PeerState::Open, "open"),
                (PeerState::Probing, "probing"),
            ];
            let mut all = Vec::new();
            for peer in peers.iter() {
                let looks = peer.looks();
                all.extend(states.map(|(state, word)| {
                    let count = looks.iter().filter(|look| look.state == state).count();
                    let mut labels = peer.target.labels();
                    labels.push(("state", word.to_owned()));
                    (labels, count as f64)
                }));
            }
            all
        },
    );
}
