use blackroad_os_contracts::workflows::Graph;
use proptest::prelude::*;
use serde_json::{Value, json};
use syscall_sdk::registry::Registry;

use super::check::{Plan, order};

fn check(nodes: Value) -> Result<Plan, syscall_sdk::error::Error> {
    let graph: Graph = serde_json::from_value(json!({ "nodes": nodes })).expect("a graph's shape");
    Plan::new(graph)
}

fn refusal(nodes: Value) -> String {
    let error = check(nodes).expect_err("it is refused");
    assert_eq!(error.code(), "INVALID_GRAPH");
    error.message().to_owned()
}

fn wait(id: &str, depends_on: &[&str]) -> Value {
    json!({ "id": id, "dependsOn": depends_on, "wait": { "millis": 1 } })
}

#[test]
fn a_graph_is_refused_with_the_node_and_what_is_wrong_with_it() {
    for (nodes, said) in [
        (json!([]), "1 to 500"),
        (json!([wait("a b", &[])]), "letters"),
        (json!([{ "id": "a" }]), "exactly one of call"),
        (
            json!([{ "id": "a", "wait": { "millis": 1 }, "approval": {} }]),
            "exactly one of call",
        ),
        (json!([{ "id": "a", "wait": {} }]), "exactly one of millis"),
        (
            json!([{ "id": "a", "wait": { "millis": 1 }, "retry": { "attempts": 0 } }]),
            "at least once",
        ),
        (json!([wait("a", &[]), wait("a", &[])]), "two nodes are called \"a\""),
        (json!([wait("a", &["b"])]), "\"b\", which is not in the graph"),
        (json!([wait("a", &["a"])]), "\"a\" depends on itself"),
        (
            json!([wait("a", &[]), wait("b", &["a", "a"])]),
            "depends on \"a\" twice",
        ),
        (
            json!([wait("a", &["c"]), wait("b", &["a"]), wait("c", &["b"])]),
            "a → c → b → a",
        ),
        (
            json!([wait("a", &[]), { "id": "b", "job": { "name": "x", "params": [{ "$result": "a" }] } }]),
            "takes the result of \"a\"",
        ),
    ] {
        let message = refusal(nodes);
        assert!(message.contains(said), "{message:?} does not say {said:?}");
    }
}

#[test]
fn a_graph_whose_nodes_name_a_service_of_no_fleet_is_refused() {
    let fleet = Registry::builtin();
    let named = |service: &str| {
        let nodes = json!([{ "id": "a", "job": { "name": "x", "service": service } },
            { "id": "b", "dependsOn": ["a"], "call": { "service": service, "method": "y" } }]);
        check(nodes).unwrap().is_of(&fleet)
    };
    named("core").unwrap();
    named("blackroad-os-core").unwrap();
    let error = named("billing").unwrap_err();
    assert_eq!(error.code(), "INVALID_GRAPH");
    assert!(error.to_string().contains("the fleet has operator, core"), "{error}");
}

#[test]
fn waves_are_the_longest_chains_before_a_node() {
    let nodes = json!([
        wait("d", &["b", "c"]),
        wait("b", &["a"]),
        wait("c", &[]),
        wait("a", &[])
    ]);
    assert_eq!(check(nodes).expect("it can be run").waves(), [2, 1, 0, 0]);
}

/// Whether some place reaches itself, by following every way for as long as there can be one without a ring.
fn has_ring(before: &[Vec<usize>]) -> bool {
    (0..before.len()).any(|start| {
        let mut reached = vec![start];
        for _ in 0..before.len() {
            reached = reached
                .iter()
                .flat_map(|&place| before[place].iter().copied())
                .collect();
            reached.sort_unstable();
            reached.dedup();
            if reached.contains(&start) {
                return true;
            }
        }
        false
    })
}

fn graphs() -> impl Strategy<Value = Vec<Vec<usize>>> {
    (1usize..9).prop_flat_map(|nodes| {
        let edges = proptest::collection::btree_set(0..nodes, 0..3);
        proptest::collection::vec(edges.prop_map(|edges| edges.into_iter().collect()), nodes)
    })
}

proptest! {
    #[test]
    fn a_graph_has_an_order_exactly_where_it_has_no_ring(before in graphs()) {
        match order(&before) {
            Ok(order) => {
                prop_assert!(!has_ring(&before));
                let mut places = order.clone();
                places.sort_unstable();
                prop_assert_eq!(places, (0..before.len()).collect::<Vec<_>>());
                for (rank, &place) in order.iter().enumerate() {
                    for dependency in &before[place] {
                        prop_assert!(order[..rank].contains(dependency));
                    }
                }
            }
            Err(ring) => {
                prop_assert!(has_ring(&before));
                prop_assert_eq!(ring.first(), ring.last());
                for pair in ring.windows(2) {
                    prop_assert!(before[pair[0]].contains(&pair[1]), "{:?} is no way", ring);
                }
            }
        }
    }
}
