use syscall_sdk::wire::{PeerFreshness, PeerLatency};

use super::*;

fn edge(from: &str, to: &str, answered: u64, unreachable: u64) -> Edge {
    Edge {
        from: from.to_owned(),
        peer: Peer {
            version: None,
            service: to.to_owned(),
            way: PeerWay::Internal,
            host: to.to_owned(),
            port: 8000,
            source: "dns".to_owned(),
            freshness: PeerFreshness::Fresh,
            why: None,
            ttl: 30_000,
            age: None,
            endpoints: Vec::new(),
            calls: PeerCalls {
                answered,
                unreachable,
                ..PeerCalls::default()
            },
            retries: 0,
            retries_left: 20,
            hedges: 0,
            in_flight: 0,
            latency: PeerLatency::default(),
        },
    }
}

fn report(key: &str) -> Report {
    Report {
        key: key.to_owned(),
        name: key.to_owned(),
        health: Err("nobody is there".to_owned()),
        identity: None,
        vitals: crate::board::Vitals::default(),
    }
}

#[test]
fn the_worst_pairs_come_first_and_equals_stay_where_they_were() {
    let peers = |edges: [Edge; 3]| {
        Ok(Peers {
            peers: edges.map(|edge| edge.peer).into(),
        })
    };
    let said = BTreeMap::from([
        (
            "a".to_owned(),
            peers([edge("a", "b", 90, 0), edge("a", "c", 98, 2), edge("a", "d", 0, 0)]),
        ),
        (
            "b".to_owned(),
            peers([edge("b", "a", 7, 0), edge("b", "c", 0, 3), edge("b", "d", 1, 0)]),
        ),
        ("c".to_owned(), Err("no answer".to_owned())),
    ]);
    let picture = picture(&["a", "b", "c"].map(report), &said);
    let order: Vec<String> = picture.edges.iter().map(Edge::href).collect();
    assert_eq!(
        order,
        ["/calls/b/c", "/calls/a/c", "/calls/a/b", "/calls/b/a", "/calls/b/d"],
        "and who was never called is not there"
    );
    assert_eq!(picture.silent(), ["c"]);
    assert_eq!(picture.of("d").edges.len(), 1);
}

#[test]
fn a_pair_is_as_ill_as_the_share_of_its_calls_that_failed() {
    assert_eq!(edge("a", "b", 1_000, 9).status(), Status::Healthy);
    assert_eq!(edge("a", "b", 99, 1).status(), Status::Degraded);
    assert_eq!(edge("a", "b", 9, 1).status(), Status::Down);
    assert_eq!(edge("a", "b", 0, 0).status(), Status::Healthy);
}

#[test]
fn a_pair_is_said_in_a_sentence() {
    assert_eq!(
        edge("a", "b", 3, 1).words(),
        "a → b: 4 calls, 1 failed (25 %) · p50 0 ms, p99 0 ms · no address"
    );
}
