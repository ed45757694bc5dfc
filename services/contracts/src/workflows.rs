//! Workflows as data: a graph of nodes that the operator runs.

use serde::{Deserialize, Serialize};
use syscall_sdk::contract::Flow;
use syscall_sdk::policy::Backoff;
use syscall_sdk::wire::{Json, Timestamp, WorkflowError, WorkflowStatus};
use utoipa::ToSchema;

/// Runs a graph.
pub const RUN_GRAPH: Flow<Graph, GraphResult> = Flow::new("operator", "graph");

/// `POST /v1/workflows` of the operator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Graph {
    /// The run's id; made where none is given. The same id with the same graph is the same run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What is done, in any order.
    pub nodes: Vec<Node>,
}

/// One thing to do. It has exactly one of `call`, `job`, `wait` and `approval`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// Its name among the nodes.
    pub id: String,
    /// The nodes that must have ended before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// Which of their ends it asks for.
    #[serde(default)]
    pub trigger: Trigger,
    /// Calls a method of a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallNode>,
    /// Runs a job of a service and waits for its result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobNode>,
    /// Waits for a time or an event of the operator's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<WaitNode>,
    /// Waits for a person: `POST /v1/sys/workflow/{run}/signal/{node}` with `{"approved": true}` or `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalNode>,
    /// How a call or a job is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// The longest that it may take in all, in milliseconds; of a call, the longest that one attempt may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
}

/// Which ends of the nodes before it let a node run; it is skipped where they do not. All of them have ended first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Every one completed.
    #[default]
    AllSuccess,
    /// However they ended.
    AllDone,
    /// Every one failed.
    AllFailed,
    /// One at least completed.
    OneSuccess,
    /// One at least failed.
    OneFailed,
    /// None failed; some may have been skipped.
    NoneFailed,
}

/// See [`Node::call`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CallNode {
    /// The service, by key or name.
    pub service: String,
    /// The method.
    pub method: String,
    /// Its params. `{"$result": "node"}` in them, however deep, stands for the result of a node that this one depends on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Json>,
}

/// See [`Node::job`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobNode {
    /// Which service runs it, by key or name; the operator unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The job's name.
    pub name: String,
    /// What its handler is given, with results of other nodes as in [`CallNode::params`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Json>,
}

/// See [`Node::wait`]. It has exactly one of `millis` and `event`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WaitNode {
    /// So long, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub millis: Option<u64>,
    /// Until an event of this name, or `prefix*`, has come to the operator's log since the run began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// What the event's data must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matching: Option<Json>,
}

/// See [`Node::approval`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ApprovalNode {
    /// What is to be approved, for who is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What is sent to an approval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Approval {
    /// Whether it may go on.
    pub approved: bool,
    /// Who said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// How a node is tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Retry {
    /// How many failures end it.
    pub attempts: u32,
    /// The wait between failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
}

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum NodeStatus {
    /// What it depends on has not ended.
    Pending,
    /// It is being done, or waits for what it is to wait for.
    Running,
    /// It gave a result.
    Completed,
    /// It failed.
    Failed,
    /// Its trigger did not hold.
    Skipped,
}

/// How a node ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NodeEnd {
    /// How.
    pub status: NodeStatus,
    /// What it came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Json>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<WorkflowError>,
}

/// What a graph came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GraphResult {
    /// Each node's end, in the order of the graph.
    pub nodes: Vec<GraphNode>,
}

/// `GET /v1/workflows/{id}` of the operator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GraphRun {
    /// The run's id.
    pub id: String,
    /// Where the run stands.
    pub status: WorkflowStatus,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<WorkflowError>,
    /// Its nodes, in the order of the graph.
    pub nodes: Vec<GraphNode>,
}

/// One node of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GraphNode {
    /// Its name.
    pub id: String,
    /// The longest chain of nodes before it: nodes of one wave do not depend on each other.
    pub wave: u32,
    /// Where it stands.
    pub status: NodeStatus,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// What it came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Json>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<WorkflowError>,
}
