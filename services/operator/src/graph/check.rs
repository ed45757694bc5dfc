//! Whether a graph can be run, and in which order.

use std::collections::BTreeMap;

use blackroad_os_contracts::workflows::{Graph, Node};
use serde_json::{Value, json};
use syscall_sdk::error::{Error, Result};
use syscall_sdk::registry::Registry;

/// Nodes of a graph: what a person can still draw. A larger one is several graphs.
const NODES_MAX: usize = 500;
/// Longest name of a node, in bytes: it stands in paths, and in the names of steps.
const ID_MAX_BYTES: usize = 100;

/// A graph that can be run.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) nodes: Vec<Node>,
    /// For each node the places of those that it depends on.
    pub(super) before: Vec<Vec<usize>>,
    /// The places of all nodes, each behind what it depends on.
    pub(super) order: Vec<usize>,
}

impl Plan {
    /// Checks a graph.
    ///
    /// # Errors
    /// `INVALID_GRAPH`, with what is wrong with which node; of a cycle, its path.
    pub(super) fn new(graph: Graph) -> Result<Self> {
        let nodes = graph.nodes;
        if !(1..=NODES_MAX).contains(&nodes.len()) {
            return Err(wrong(format!("a graph has 1 to {NODES_MAX} nodes"), json!({})));
        }
        let mut places = BTreeMap::new();
        for (place, node) in nodes.iter().enumerate() {
            check_node(node)?;
            if places.insert(node.id.as_str(), place).is_some() {
                let message = format!("two nodes are called {:?}", node.id);
                return Err(wrong(message, json!({ "node": node.id })));
            }
        }
        let before = nodes
            .iter()
            .map(|node| dependencies(node, &places))
            .collect::<Result<Vec<_>>>()?;
        let order = order(&before).map_err(|cycle| {
            let path: Vec<&str> = cycle.into_iter().map(|place| nodes[place].id.as_str()).collect();
            let message = format!("the nodes depend on each other in a ring: {}", path.join(" → "));
            wrong(message, json!({ "cycle": path }))
        })?;
        Ok(Plan { nodes, before, order })
    }

    /// Checks that every service which a node names is one of the fleet: a run that waits for an approval for days must not learn of a
    /// slip of the pen after it.
    ///
    /// # Errors
    /// `INVALID_GRAPH`, with the node.
    pub(super) fn is_of(&self, fleet: &Registry) -> Result<()> {
        for node in &self.nodes {
            let called = node.call.as_ref().map(|call| call.service.as_str());
            let ran = node.job.as_ref().and_then(|job| job.service.as_deref());
            if let Some(service) = called.or(ran)
                && !fleet.has(service)
            {
                let message = format!(
                    "node {:?} names the service {service:?}; the fleet has {}",
                    node.id,
                    fleet.keys().join(", ")
                );
                return Err(wrong(message, json!({ "node": node.id, "service": service })));
            }
        }
        Ok(())
    }

    /// For each node the longest chain of nodes before it.
    pub(super) fn waves(&self) -> Vec<u32> {
        let mut waves = vec![0; self.nodes.len()];
        for &place in &self.order {
            let below = self.before[place].iter().map(|&before| waves[before] + 1);
            waves[place] = below.max().unwrap_or(0);
        }
        waves
    }
}

fn check_node(node: &Node) -> Result<()> {
    let at = || json!({ "node": node.id });
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    if !(1..=ID_MAX_BYTES).contains(&node.id.len()) || !node.id.bytes().all(fits) {
        let message = format!("a node's id is 1 to {ID_MAX_BYTES} letters, digits and any of - _ . :");
        return Err(wrong(message, at()));
    }
    let kinds = [
        node.call.is_some(),
        node.job.is_some(),
        node.wait.is_some(),
        node.approval.is_some(),
    ];
    if kinds.into_iter().filter(|kind| *kind).count() != 1 {
        let message = format!("node {:?} needs exactly one of call, job, wait and approval", node.id);
        return Err(wrong(message, at()));
    }
    if let Some(wait) = &node.wait
        && wait.millis.is_some() == wait.event.is_some()
    {
        let message = format!("the wait of node {:?} needs exactly one of millis and event", node.id);
        return Err(wrong(message, at()));
    }
    if node.retry.as_ref().is_some_and(|retry| retry.attempts == 0) {
        let message = format!("node {:?} is tried at least once", node.id);
        return Err(wrong(message, at()));
    }
    for result in results_of(node) {
        if !node.depends_on.contains(&result) {
            let message = format!(
                "node {:?} takes the result of {result:?} and does not depend on it",
                node.id
            );
            return Err(wrong(message, at()));
        }
    }
    Ok(())
}

fn dependencies(node: &Node, places: &BTreeMap<&str, usize>) -> Result<Vec<usize>> {
    let mut before = Vec::with_capacity(node.depends_on.len());
    for dependency in &node.depends_on {
        let at = json!({ "node": node.id, "dependsOn": dependency });
        let Some(&place) = places.get(dependency.as_str()) else {
            let message = format!(
                "node {:?} depends on {dependency:?}, which is not in the graph",
                node.id
            );
            return Err(wrong(message, at));
        };
        if *dependency == node.id {
            return Err(wrong(format!("node {dependency:?} depends on itself"), at));
        }
        if before.contains(&place) {
            return Err(wrong(format!("node {:?} depends on {dependency:?} twice", node.id), at));
        }
        before.push(place);
    }
    Ok(before)
}

/// Puts every place behind those that it depends on, or gives a ring of places whose last is its first.
pub(super) fn order(before: &[Vec<usize>]) -> std::result::Result<Vec<usize>, Vec<usize>> {
    let mut marks = vec![Mark::New; before.len()];
    let mut order = Vec::with_capacity(before.len());
    for start in 0..before.len() {
        if marks[start] != Mark::New {
            continue;
        }
        // The way from the start to where the walk is, each place with how many of its dependencies were looked at.
        let mut way = vec![(start, 0)];
        marks[start] = Mark::OnTheWay;
        while let Some((place, looked)) = way.last_mut() {
            let (here, next) = (*place, before[*place].get(*looked).copied());
            *looked += 1;
            match next.map(|next| (next, marks[next])) {
                None => {
                    marks[here] = Mark::Done;
                    order.push(here);
                    way.pop();
                }
                Some((next, Mark::New)) => {
                    marks[next] = Mark::OnTheWay;
                    way.push((next, 0));
                }
                Some((next, Mark::OnTheWay)) => {
                    let ring = way.iter().map(|(place, _)| *place).skip_while(|place| *place != next);
                    return Err(ring.chain([next]).collect());
                }
                Some((_, Mark::Done)) => {}
            }
        }
    }
    Ok(order)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    OnTheWay,
    Done,
}

/// The nodes whose results stand in a node's params.
fn results_of(node: &Node) -> Vec<String> {
    let params = [
        node.call.as_ref().and_then(|call| call.params.as_ref()),
        node.job.as_ref().and_then(|job| job.params.as_ref()),
    ];
    let mut found = Vec::new();
    for params in params.into_iter().flatten() {
        collect(&params.value(), &mut found);
    }
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    if let Some(node) = reference(value) {
        found.push(node.to_owned());
        return;
    }
    match value {
        Value::Object(fields) => fields.values().for_each(|value| collect(value, found)),
        Value::Array(items) => items.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

/// The node of `{"$result": "node"}`.
pub(super) fn reference(value: &Value) -> Option<&str> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    fields.get("$result")?.as_str()
}

fn wrong(message: String, details: Value) -> Error {
    Error::invalid(message).with_code("INVALID_GRAPH").with_details(details)
}
