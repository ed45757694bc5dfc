//! What choosing a replica and learning of it cost a call; `make bench` prints it, optimised.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::breaker::Breaker;
use super::pick::{By, Choice, choose};
use super::replica::Replica;
use super::{Peer, Verdict};
use crate::clock::Clock;
use crate::lifecycle::Scope;
use crate::metrics::Metrics;
use crate::policy::Dice;
use crate::registry::Registry;
use crate::resolve::{Discovery, Endpoint, Table};
use crate::rpc::target::Target;
use crate::rpc::ways::Ways;

/// Turns of a round: some tenths of a second.
const TURNS: u32 = 1_000_000;
/// Rounds, of which the middle one is shown.
const ROUNDS: usize = 5;

fn nanos(mut turn: impl FnMut()) -> f64 {
    let mut rounds = [(); ROUNDS].map(|()| {
        let begun = Instant::now();
        (0..TURNS).for_each(|_| turn());
        begun.elapsed().as_nanos() as f64 / f64::from(TURNS)
    });
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

fn row(what: &str, nanos: f64, most: f64) {
    let met = if nanos < most { "met" } else { "missed" };
    println!("| {what} | {nanos:.0} ns | < {most:.0} ns | {met} |");
}

fn endpoint(port: u16) -> Endpoint {
    Endpoint::Tcp(([10, 0, 0, 1], port).into())
}

fn replicas(count: u16, now: Instant) -> Vec<Arc<Replica>> {
    let known = |port| {
        let replica = Replica::new(endpoint(port), None, now);
        replica.learn(Verdict::Success, now, false, 0.5, now + Duration::from_millis(3));
        Arc::new(replica)
    };
    (0..count).map(known).collect()
}

/// A pick among these, and the end of its attempt.
fn pick(replicas: &[Arc<Replica>], troubled: bool, dice: &Dice) -> f64 {
    nanos(|| {
        let by = By {
            tried: &[],
            repeatable: true,
            troubled,
            typical: 0.001,
            now: Instant::now(),
            dice,
        };
        if let Choice::Taken(replica, _) = choose(replicas, &by) {
            black_box(&replica).leave();
        }
    })
}

#[tokio::test]
#[ignore = "it measures, which says something with optimisation alone: `make bench`"]
async fn what_a_pick_and_a_record_cost() {
    let (now, dice) = (Instant::now(), Dice::new(7));
    println!("\n| what | figure | aim | |\n|---|---|---|---|");
    let three = replicas(3, now);
    row("a pick of three replicas", pick(&three, false, &dice), 500.0);
    row("a pick of 64 replicas", pick(&replicas(64, now), false, &dice), 500.0);
    three[0].trip(0.9, now + Duration::from_secs(3_600));
    row("a pick of three, one of them out", pick(&three, true, &dice), 500.0);

    let mut breaker = Breaker::new(now);
    let record = nanos(|| {
        let now = Instant::now();
        black_box(breaker.learn(Verdict::Success, false, now, 0.5, now));
    });
    row("a breaker's record", record, 200.0);
    let replica = &three[1];
    let record = nanos(|| {
        let now = Instant::now();
        black_box(replica.learn(Verdict::Success, now, false, 0.5, now));
    });
    row("a replica's record: breaker and cost", record, 200.0);

    let table = (1..=3).fold(Table::default(), |table, port| table.with("core.test", endpoint(port)));
    let scope = Scope::new("costs", tracing::Span::none());
    let registry = Registry::builtin();
    let core = registry.get("core").unwrap();
    let mut target = Target::of(core, None, &core.internal()).unwrap();
    "core.test".clone_into(&mut target.host);
    let discovery = Discovery::new(&target.host, target.port, Arc::new(table), scope, dice.clone());
    let metrics = Metrics::new(Clock::system());
    let peer = Arc::new(Peer::new(target, discovery, Ways::new(Vec::new()), &metrics, dice));
    let deadline = now + Duration::from_secs(3_600);
    peer.look_up(deadline).await;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        for _ in 0..TURNS {
            peer.begin();
            let ticket = peer.admit(&[], true, false, deadline).await.unwrap();
            black_box(ticket.settle(Verdict::Success));
        }
        rounds.push(begun.elapsed().as_nanos() as f64 / f64::from(TURNS));
    }
    rounds.sort_by(f64::total_cmp);
    row(
        "budget, admission, pick and record of a call",
        rounds[ROUNDS / 2],
        1_000.0,
    );
}
