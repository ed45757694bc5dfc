//! Who calls whom: the fleet as each of its services sees the others, drawn and in full.

pub(crate) mod graph;
pub(crate) mod page;
pub(crate) mod pair;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use syscall_sdk::context::Context;
use syscall_sdk::pages::Status;
use syscall_sdk::pages::chart::Unit;
use syscall_sdk::wire::{Peer, PeerCalls, PeerState, PeerWay, Peers};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::ask;
use crate::board::{Board, Report};

/// How old a round may be that is shown to another reader; less than the interval at which pages look.
const FRESH: Duration = Duration::from_millis(1_500);
/// From this share of failures on, of 1, a pair comes before others that fail: it is not a bad start but a callee that is not there.
const DEAD: f64 = 0.5;
/// From this share of failures on, of 1, a pair is shown as failing: one call of ten is felt by everybody.
const FAILING: f64 = 0.1;
/// From this share on it is shown as ailing: less is what redeploys and lost packets bring.
const AILING: f64 = 0.01;

/// What the services last said of one another. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    board: Board,
    round: Arc<Mutex<Round>>,
}

#[derive(Debug, Default)]
struct Round {
    at: Option<Instant>,
    said: BTreeMap<String, Result<Peers, String>>,
}

/// The fleet and the calls within it.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    /// Every service, in the registry's order.
    pub(crate) services: Vec<Node>,
    /// Every pair that has called: the worst first, and within that in the registry's order, so that rows rarely move.
    pub(crate) edges: Vec<Edge>,
}

/// A service of the picture.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) key: String,
    pub(crate) status: Status,
    /// Why it did not say whom it calls, where it did not.
    pub(crate) silent: Option<String>,
}

/// What one service knows of another that it has called.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    pub(crate) from: String,
    pub(crate) peer: Peer,
}

impl Watch {
    /// A watch that shares what is known of the services' health.
    pub(crate) fn new(board: Board) -> Self {
        Watch {
            board,
            round: Arc::default(),
        }
    }

    /// The fleet and the calls within it, as they are now.
    pub(crate) async fn look(&self, context: &Context) -> Picture {
        let (reports, said) = tokio::join!(self.board.look(context), self.ask(context));
        picture(&reports, &said)
    }

    /// What one service knows of another, called or not; or why it did not say it.
    pub(crate) async fn pair(&self, context: &Context, from: &str, to: &str) -> Result<Edge, String> {
        let said = self
            .ask(context)
            .await
            .remove(from)
            .unwrap_or(Ok(Peers { peers: Vec::new() }))?;
        let peer = said.peers.into_iter().find(|peer| peer.service == to);
        let peer =
            peer.ok_or_else(|| format!("{from} knows no {to}: its registry is older or newer than the console's"))?;
        Ok(Edge {
            from: from.to_owned(),
            peer,
        })
    }

    /// What each service says of the others; each is asked by itself and waited for no longer than it alone deserves.
    async fn ask(&self, context: &Context) -> BTreeMap<String, Result<Peers, String>> {
        // Who comes while a round is under way waits for it and takes what it brought.
        let mut round = self.round.lock().await;
        if round.at.is_none_or(|at| at.elapsed() >= FRESH) {
            let own = &context.kernel().record.key;
            let asked = context.registry().services().map(|service| async move {
                let said = if service.key == *own {
                    Ok(context.rpc().peers())
                } else {
                    ask::get_shared(context, &service.key, "/v1/sys/peers")
                        .await
                        .map_err(|error| error.message().to_owned())
                };
                (service.key.clone(), said)
            });
            round.said = join_all(asked).await.into_iter().collect();
            round.at = Some(Instant::now());
        }
        round.said.clone()
    }
}

fn picture(reports: &[Report], said: &BTreeMap<String, Result<Peers, String>>) -> Picture {
    let services = reports.iter().map(|report| Node {
        key: report.key.clone(),
        status: report.status(),
        silent: said.get(&report.key).and_then(|said| said.as_ref().err().cloned()),
    });
    let known = reports
        .iter()
        .filter_map(|report| Some((&report.key, said.get(&report.key)?.as_ref().ok()?)));
    let mut edges: Vec<Edge> = known
        .flat_map(|(from, peers)| {
            peers.peers.iter().map(|peer| Edge {
                from: from.clone(),
                peer: peer.clone(),
            })
        })
        .filter(|edge| edge.calls() + edge.peer.in_flight > 0)
        .collect();
    // Stable: pairs that are equally ill stay in the registry's order.
    edges.sort_by_key(|edge| std::cmp::Reverse((edge.status(), edge.share() >= DEAD)));
    Picture {
        services: services.collect(),
        edges,
    }
}

impl Picture {
    /// The services that did not say whom they call.
    pub(crate) fn silent(&self) -> Vec<&str> {
        let silent = self.services.iter().filter(|node| node.silent.is_some());
        silent.map(|node| node.key.as_str()).collect()
    }

    /// Only the calls from or to one service.
    pub(crate) fn of(mut self, key: &str) -> Self {
        self.edges.retain(|edge| edge.from == key || edge.peer.service == key);
        self
    }
}

impl Edge {
    /// The page of the pair.
    pub(crate) fn href(&self) -> String {
        format!("/calls/{}/{}", self.from, self.peer.service)
    }

    /// Calls that ended.
    pub(crate) fn calls(&self) -> u64 {
        self.peer.calls.answered + self.failures()
    }

    /// Of them, those that came to nothing.
    pub(crate) fn failures(&self) -> u64 {
        let PeerCalls {
            answered: _,
            failed,
            overloaded,
            late,
            unreachable,
            broken,
        } = self.peer.calls;
        failed + overloaded + late + unreachable + broken
    }

    /// The share of failures, of 1.
    pub(crate) fn share(&self) -> f64 {
        self.failures() as f64 / self.calls().max(1) as f64
    }

    /// How the calls do, by the share of them that failed.
    pub(crate) fn status(&self) -> Status {
        match self.share() {
            share if share >= FAILING => Status::Down,
            share if share >= AILING => Status::Degraded,
            _ => Status::Healthy,
        }
    }

    /// How many replicas there are, and how many of them are called.
    pub(crate) fn replicas(&self) -> (usize, usize) {
        let endpoints = &self.peer.endpoints;
        let open = endpoints.iter().filter(|one| one.state == PeerState::Open).count();
        (endpoints.len(), endpoints.len() - open)
    }

    /// The pair in a sentence, for who points at it or hears it.
    pub(crate) fn words(&self) -> String {
        let (calls, failures) = (self.calls(), self.failures());
        let failed = match failures {
            0 => "none failed".to_owned(),
            _ => format!(
                "{} failed ({})",
                count(failures),
                Unit::Percent.format(self.share() * 100.0)
            ),
        };
        let latency = &self.peer.latency;
        let took = |value| Unit::Milliseconds.format(value);
        let replicas = match self.replicas() {
            _ if self.peer.way == PeerWay::InProcess => way(self.peer.way).to_owned(),
            (0, _) => "no address".to_owned(),
            (all, called) => match all - called {
                0 => format!("no breaker of {all} open"),
                open => format!("{open} of {all} breakers open"),
            },
        };
        format!(
            "{} → {}: {} call{}, {failed} · p50 {}, p99 {} · {replicas}",
            self.from,
            self.peer.service,
            count(calls),
            if calls == 1 { "" } else { "s" },
            took(latency.p50),
            took(latency.p99),
        )
    }
}

/// A number of things in words.
pub(crate) fn count(count: u64) -> String {
    Unit::Count.format(count as f64)
}

/// How a service is reached, in words.
pub(crate) fn way(way: PeerWay) -> &'static str {
    match way {
        PeerWay::InProcess => "in process",
        PeerWay::Internal => "internal",
        PeerWay::Railway => "railway",
        PeerWay::Cloudflare => "cloudflare",
    }
}

#[cfg(test)]
mod tests;
