//! Where a run of a graph stands, read from the journal of its run.

use std::collections::BTreeMap;

use blackroad_os_contracts::workflows::{Graph, GraphNode, GraphRun, NodeEnd, NodeStatus};
use syscall_sdk::error::{Error, Result};
use syscall_sdk::wire::{Workflow, WorkflowStep};

use super::check::Plan;
use super::run::{begun, ended};

/// A run of a graph as people and programs see it.
pub(super) fn show(run: Workflow) -> Result<GraphRun> {
    let graph = run.input.as_ref().and_then(|input| input.to::<Graph>().ok());
    let graph = graph.ok_or_else(|| Error::internal(format!("run {} was given no graph", run.id)))?;
    let plan = Plan::new(graph)?;
    let steps = run.steps.unwrap_or_default();
    let steps: BTreeMap<&str, &WorkflowStep> = steps.iter().map(|step| (step.name.as_str(), step)).collect();
    let nodes = plan.nodes.iter().zip(plan.waves()).map(|(node, wave)| {
        let begun = steps.get(begun(&node.id).as_str());
        let ended = steps
            .get(ended(&node.id).as_str())
            .filter(|step| step.ended_at.is_some());
        let end = ended.and_then(|step| step.result.as_ref()?.to::<NodeEnd>().ok());
        let status = match (&end, begun) {
            (Some(end), _) => end.status,
            (None, Some(_)) => NodeStatus::Running,
            (None, None) => NodeStatus::Pending,
        };
        let (result, error) = end.map_or((None, None), |end| (end.result, end.error));
        GraphNode {
            id: node.id.clone(),
            wave,
            status,
            started_at: begun.map(|step| step.started_at),
            ended_at: ended.and_then(|step| step.ended_at),
            result,
            error,
        }
    });
    Ok(GraphRun {
        nodes: nodes.collect(),
        id: run.id,
        status: run.status,
        created_at: run.created_at,
        completed_at: run.completed_at,
        error: run.error,
    })
}
