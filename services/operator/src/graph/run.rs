//! Runs a graph: every node as soon as what it depends on has ended, side by side with all others of which that is true.

use std::sync::Mutex;
use std::time::Duration;

use blackroad_os_contracts::workflows::{
    Approval, CallNode, Graph, GraphNode, GraphResult, JobNode, Node, NodeEnd, NodeStatus, Trigger, WaitNode,
};
use serde_json::{Value, json};
use syscall_sdk::context::{Context, FlowContext};
use syscall_sdk::error::{Error, Kind, Result};
use syscall_sdk::policy::Backoff;
use syscall_sdk::rpc::{CallOptions, Client};
use syscall_sdk::wire::{CreateJob, Job, JobStatus, Json, WorkflowError};
use syscall_sdk::workflow::{Branch, Handle, StepPolicy};
use tokio::sync::watch;

use super::check::{Plan, reference};

/// Between looks at a job of another service, which tells nobody of its end: soon at first, for most jobs are short.
const LOOK: Backoff = Backoff {
    base: 500,
    factor: 1.5,
    cap: 60_000,
};

/// The step that notes that a node began.
pub(super) fn begun(node: &str) -> String {
    format!("begin {node}")
}

/// The step that notes how a node ended.
pub(super) fn ended(node: &str) -> String {
    format!("end {node}")
}

pub(crate) async fn run(flow: FlowContext, graph: Graph) -> Result<GraphResult> {
    let plan = Plan::new(graph)?;
    let ends = Mutex::new(vec![None; plan.nodes.len()]);
    let (moved, _) = watch::channel(());
    let branches: Vec<Branch<'_, ()>> = plan
        .order
        .iter()
        .map(|&place| {
            let (flow, plan, ends, moved) = (&flow, &plan, &ends, &moved);
            let mut news = moved.subscribe();
            Box::pin(async move {
                let before = loop {
                    news.borrow_and_update();
                    if let Some(before) = all_ended(ends, &plan.before[place]) {
                        break before;
                    }
                    // The sender outlives every branch.
                    let _ = news.changed().await;
                };
                let end = node(flow, &plan.nodes[place], &before).await?;
                lock(ends)[place] = Some(end);
                moved.send_replace(());
                Ok(())
            }) as Branch<'_, ()>
        })
        .collect();
    flow.all(branches).await?;
    let ends: Vec<NodeEnd> = lock(&ends).drain(..).flatten().collect();
    outcome(&plan, ends)
}

/// Does a node, unless its trigger does not hold, and notes how it ended.
async fn node(flow: &FlowContext, node: &Node, before: &[NodeEnd]) -> Result<NodeEnd> {
    let end = if holds(node.trigger, before) {
        flow.step(begun(&node.id), async || Ok(())).await?;
        let branch = flow.branch(&node.id);
        match work(flow.context(), &branch, node, before).await {
            Ok(result) => NodeEnd {
                status: NodeStatus::Completed,
                result: Some(result),
                error: None,
            },
            Err(error) => NodeEnd {
                status: NodeStatus::Failed,
                result: None,
                error: Some(WorkflowError {
                    code: error.code().to_owned(),
                    message: error.message().to_owned(),
                }),
            },
        }
    } else {
        NodeEnd {
            status: NodeStatus::Skipped,
            result: None,
            error: None,
        }
    };
    let noted = || std::future::ready(Ok(end.clone()));
    flow.step(ended(&node.id), noted).await
}

async fn work(context: &Context, flow: &Handle, node: &Node, before: &[NodeEnd]) -> Result<Json> {
    let fill = |params: &Option<Json>| {
        let params = params.as_ref();
        params.map(|params| Json::from(filled(&params.value(), &node.depends_on, before)))
    };
    if let Some(call) = &node.call {
        return self::call(flow, node, call, fill(&call.params)).await;
    }
    let limit = node.timeout.map(Duration::from_millis);
    if let Some(job) = &node.job {
        return within(flow, limit, self::job(context, flow, node, job, fill(&job.params))).await;
    }
    if let Some(wait) = &node.wait {
        return self::wait(flow, wait, limit).await;
    }
    let approval: Option<Approval> = flow.signal(&node.id, limit).await?;
    match approval {
        Some(approval) if approval.approved => Ok(json!(approval.by).into()),
        Some(approval) => {
            let by = approval.by.map_or_else(String::new, |by| format!(" by {by}"));
            Err(Error::conflict(format!("it was refused{by}")).with_code("REFUSED"))
        }
        None => Err(late(limit)),
    }
}

async fn call(flow: &Handle, node: &Node, call: &CallNode, params: Option<Json>) -> Result<Json> {
    let mut policy = StepPolicy {
        timeout: node.timeout.map(Duration::from_millis),
        ..StepPolicy::default()
    };
    if let Some(retry) = &node.retry {
        policy.attempts = retry.attempts;
        policy.backoff = retry.backoff.unwrap_or_default();
    }
    flow.call_by_name("call", &call.service, &call.method, params, policy)
        .await
}

async fn job(context: &Context, flow: &Handle, node: &Node, job: &JobNode, params: Option<Json>) -> Result<Json> {
    let create = CreateJob {
        name: job.name.clone(),
        params,
        max_attempts: node.retry.as_ref().map(|retry| retry.attempts),
        backoff: node.retry.as_ref().and_then(|retry| retry.backoff),
        ..CreateJob::default()
    };
    let own = &context.kernel().record;
    match job
        .service
        .as_ref()
        .filter(|service| **service != own.key && **service != own.name)
    {
        None => flow.job_with("job", create).await,
        Some(service) => job_elsewhere(context.rpc(), flow, service, create).await,
    }
}

/// Creates a job on another service, once, and looks at it until it has ended.
async fn job_elsewhere(rpc: &Client, flow: &Handle, service: &str, create: CreateJob) -> Result<Json> {
    let options = CallOptions {
        idempotency_key: Some(flow.effect_key("job")),
        ..CallOptions::default()
    };
    let order = || async { rpc.post_json::<_, Job>(service, "/v1/sys/job", &create, &options).await };
    let mut job: Job = flow.step("job", order).given(&create).await?;
    for look in 1.. {
        if job.status.ended() {
            break;
        }
        // At its longest: a look that came by chance would be another one at a replay, and none needs to be apart from others.
        flow.sleep(LOOK.ceiling(look)).await?;
        let path = format!("/v1/sys/job/{}", job.id);
        let look = || async { rpc.get_json::<Job>(service, &path, &CallOptions::default()).await };
        job = flow.step("look", look).await?;
    }
    match job.status {
        JobStatus::Completed => Ok(job.result.unwrap_or_else(nothing)),
        status => {
            let why = job
                .error
                .map_or_else(String::new, |error| format!(": {}", error.message));
            Err(Error::new(Kind::Unprocessable, format!("job {} {status}{why}", job.id)).with_code("JOB_FAILED"))
        }
    }
}

async fn wait(flow: &Handle, wait: &WaitNode, limit: Option<Duration>) -> Result<Json> {
    let Some(event) = &wait.event else {
        flow.sleep(Duration::from_millis(wait.millis.unwrap_or_default()))
            .await?;
        return Ok(nothing());
    };
    let matching = wait.matching.as_ref().map(Json::value).unwrap_or_default();
    match flow.wait_event_by_name(event, matching, limit).await? {
        Some(event) => Ok(event.data.unwrap_or_else(nothing)),
        None => Err(late(limit)),
    }
}

/// Gives up what takes longer than it may; a job is cancelled when the run ends.
async fn within(
    flow: &Handle,
    limit: Option<Duration>,
    work: impl Future<Output = Result<Json>> + Send,
) -> Result<Json> {
    let Some(most) = limit else { return work.await };
    let timer = async {
        flow.sleep(most).await?;
        Err(late(limit))
    };
    let branches: Vec<Branch<'_, Json>> = vec![Box::pin(work), Box::pin(timer)];
    flow.race(branches).await.map(|(_, result)| result)
}

fn late(limit: Option<Duration>) -> Error {
    let most = limit.unwrap_or_default().as_millis();
    Error::new(
        Kind::DeadlineExceeded,
        format!("the node took longer than its {most} ms"),
    )
}

/// Params with the results of other nodes in their places.
fn filled(params: &Value, names: &[String], before: &[NodeEnd]) -> Value {
    if let Some(node) = reference(params) {
        let ends = names.iter().zip(before);
        let result = ends
            .filter(|(name, _)| *name == node)
            .find_map(|(_, end)| end.result.as_ref());
        return result.map(Json::value).unwrap_or_default();
    }
    match params {
        Value::Object(fields) => {
            let fields = fields.iter();
            fields
                .map(|(name, value)| (name.clone(), filled(value, names, before)))
                .collect()
        }
        Value::Array(items) => items.iter().map(|value| filled(value, names, before)).collect(),
        plain => plain.clone(),
    }
}

fn holds(trigger: Trigger, before: &[NodeEnd]) -> bool {
    let is = |status| move |end: &NodeEnd| end.status == status;
    let mut ends = before.iter();
    match trigger {
        Trigger::AllSuccess => ends.all(is(NodeStatus::Completed)),
        Trigger::AllDone => true,
        Trigger::AllFailed => ends.all(is(NodeStatus::Failed)),
        Trigger::OneSuccess => ends.any(is(NodeStatus::Completed)),
        Trigger::OneFailed => ends.any(is(NodeStatus::Failed)),
        Trigger::NoneFailed => !ends.any(is(NodeStatus::Failed)),
    }
}

/// A graph has failed where a node did and no other took care of it by its trigger.
fn outcome(plan: &Plan, ends: Vec<NodeEnd>) -> Result<GraphResult> {
    let cared_for = |place: usize| {
        let cares = |(other, before): (&Node, &Vec<usize>)| {
            let trigger = !matches!(
                other.trigger,
                Trigger::AllSuccess | Trigger::OneSuccess | Trigger::NoneFailed
            );
            trigger && before.contains(&place)
        };
        plan.nodes.iter().zip(&plan.before).any(cares)
    };
    let failed = ends
        .iter()
        .enumerate()
        .find(|(place, end)| end.status == NodeStatus::Failed && !cared_for(*place));
    if let Some((place, end)) = failed {
        let why = end.error.as_ref().map_or("", |error| error.message.as_str());
        let node = &plan.nodes[place].id;
        return Err(Error::new(Kind::Unprocessable, format!("node {node:?} failed: {why}"))
            .with_code("NODE_FAILED")
            .with_details(json!({ "node": node })));
    }
    let nodes = plan.nodes.iter().zip(plan.waves()).zip(ends);
    let nodes = nodes.map(|((node, wave), end)| GraphNode {
        id: node.id.clone(),
        wave,
        status: end.status,
        started_at: None,
        ended_at: None,
        result: end.result,
        error: end.error,
    });
    Ok(GraphResult { nodes: nodes.collect() })
}

fn all_ended(ends: &Mutex<Vec<Option<NodeEnd>>>, places: &[usize]) -> Option<Vec<NodeEnd>> {
    let ends = lock(ends);
    places.iter().map(|&place| ends[place].clone()).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while it holds the lock")
}

fn nothing() -> Json {
    Value::Null.into()
}
