//! A process of a service that has workflows: it can be killed at a commit and started again on what it left.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use syscall_sdk::clock::Clock;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::events::Events;
use syscall_sdk::jobs::{FLOW_PREFIX, Finished, JobHandler, Jobs, Runner, RunnerOptions, TaskDefaults};
use syscall_sdk::lifecycle::Scope;
use syscall_sdk::metrics::Metrics;
use syscall_sdk::policy::Backoff;
use syscall_sdk::registry::Registry;
use syscall_sdk::resolve::Table;
use syscall_sdk::rpc::{Client, ClientOptions, Sockets};
use syscall_sdk::store::fault::Fault;
use syscall_sdk::store::{Batch, Retention, Store};
use syscall_sdk::transport::Switchboard;
use syscall_sdk::wire::{JobStatus, Json, StartWorkflow, Workflow, WorkflowStep};
use syscall_sdk::workflow::{Flows, FlowsOptions, Handle};

use super::place::Hold;

/// The code of a workflow in a test.
pub(super) type Code = Arc<dyn Fn(Handle, Value) -> BoxFuture<'static, Result<Value>> + Send + Sync>;
/// What a test's jobs do.
pub(super) type Work = Arc<dyn Fn(Value) -> BoxFuture<'static, Result<Value>> + Send + Sync>;

/// What a service of a test is made of.
#[derive(Clone, Default)]
pub(super) struct Plan {
    flows: BTreeMap<String, Code>,
    jobs: BTreeMap<String, Work>,
}

impl Plan {
    pub(super) fn flow<F, Fut>(mut self, name: &str, code: F) -> Self
    where
        F: Fn(Handle, Value) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Value>> + Send + 'static,
    {
        let code: Code = Arc::new(move |handle, input| Box::pin(code(handle, input)));
        self.flows.insert(name.to_owned(), code);
        self
    }

    pub(super) fn job<F, Fut>(mut self, name: &str, work: F) -> Self
    where
        F: Fn(Value) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Value>> + Send + 'static,
    {
        let work: Work = Arc::new(move |params| Box::pin(work(params)));
        self.jobs.insert(name.to_owned(), work);
        self
    }
}

/// One life of the process.
pub(super) struct World {
    pub(super) store: Arc<Fault>,
    pub(super) flows: Flows,
    pub(super) jobs: Jobs,
    pub(super) events: Events,
    /// Who it is among those that share a store.
    pub(super) owner: String,
    scope: Scope,
    attempts: Scope,
    hold: Hold,
}

impl World {
    pub(super) fn on(store: Arc<dyn Store>, hold: Hold, plan: &Plan, owner: String) -> Self {
        let store = Arc::new(Fault::new(store));
        let clock = Clock::system();
        let port: Arc<dyn Store> = Arc::clone(&store) as Arc<dyn Store>;
        let defaults = TaskDefaults {
            max_attempts: 2,
            backoff: Backoff::doubling(Duration::from_millis(5), Duration::from_millis(5)),
            ..TaskDefaults::default()
        };
        let mut known: BTreeMap<_, _> = plan.jobs.keys().map(|name| (name.clone(), defaults)).collect();
        let runs = plan.flows.keys().map(|name| (format!("{FLOW_PREFIX}{name}"), defaults));
        known.extend(runs);
        let jobs = Jobs::new(Arc::clone(&port), clock.clone(), known);
        let events = Events::new(Arc::clone(&port), clock.clone(), "blackroad-os-core");
        let scope = Scope::new("world", tracing::Span::none());
        let rpc = Client::new(ClientOptions {
            name: "blackroad-os-core".to_owned(),
            role: "core".to_owned(),
            minter: None,
            registry: Registry::builtin(),
            resolver: Arc::new(Table::default()),
            dial: Arc::new(Sockets::default()),
            switchboard: Switchboard::default(),
            outside: None,
            metrics: Metrics::new(clock.clone()),
            seed: None,
            scope: scope.clone(),
        })
        .unwrap();
        let flows = Flows::new(FlowsOptions {
            service: "core".to_owned(),
            store: port,
            clock,
            jobs: jobs.clone(),
            events: events.clone(),
            rpc,
            known: plan.flows.keys().map(|name| (name.clone(), accept as _)).collect(),
        });
        let attempts = scope.child("jobs");
        let runner = Runner::new(
            jobs.clone(),
            RunnerOptions {
                owner: owner.clone(),
                handlers: handlers(plan, &flows),
                concurrency: 64,
            },
            scope.clone(),
            attempts.clone(),
        );
        scope.spawn("runner", async move {
            let _ = runner.run().await;
        });
        let awake = flows.clone();
        scope.spawn("awake", async move {
            let _ = awake.keep_awake().await;
        });
        World {
            store,
            flows,
            jobs,
            events,
            owner,
            scope,
            attempts,
            hold,
        }
    }

    /// Ends the process where it stands: what it was doing is not finished, handed back or answered.
    pub(super) async fn kill(self) {
        // A task that hears of its end would hand its job back, and does not come that far.
        self.store.hold();
        self.attempts.stop(Duration::ZERO).await;
        self.scope.stop(Duration::ZERO).await;
        self.store.release();
        self.hold.let_go(self.store).await;
    }

    pub(super) async fn start(&self, name: &str, input: Value, id: &str) -> String {
        let start = StartWorkflow {
            name: name.to_owned(),
            input: Some(Json::from(input)),
            id: Some(id.to_owned()),
        };
        self.flows.start(start).await.unwrap().id
    }

    /// Forgets every job that has ended, as age would.
    pub(super) async fn forget_ended(&self) {
        let forget = Retention {
            jobs_max: 0,
            ..Retention::KEEP_ALL
        };
        let batch = Batch::new(Clock::system().now()).with(forget);
        self.store.commit(batch).await.unwrap();
    }

    /// The run when it has ended.
    pub(super) async fn ended(&self, id: &str) -> Workflow {
        soon(self.jobs.ended(id)).await.unwrap();
        self.flows.get(id).await.unwrap()
    }

    /// The run when it rests, out of memory.
    pub(super) async fn resting(&self, id: &str) -> Workflow {
        self.resting_where(id, |_| true).await
    }

    /// The run when it rests at a step, out of memory.
    pub(super) async fn resting_at(&self, id: &str, step: &str) -> Workflow {
        let waiting = format!("{step} waiting");
        self.resting_where(id, |run| steps(run).contains(&waiting)).await
    }

    /// The run when it rests and is as it is wanted.
    pub(super) async fn resting_where(&self, id: &str, wanted: impl Fn(&Workflow) -> bool) -> Workflow {
        let mut heads = self.store.heads();
        loop {
            heads.borrow_and_update();
            // A run that another one continues as may not be there yet.
            if let Some(job) = self.store.job(id).await.unwrap() {
                assert!(!job.status.ended(), "it ended: {job:?}");
                let rests = job.status == JobStatus::Pending || (job.status == JobStatus::Queued && job.attempt > 0);
                let run = self.flows.get(id).await.unwrap();
                if rests && wanted(&run) {
                    return run;
                }
            }
            soon(heads.changed()).await.unwrap();
        }
    }
}

/// What comes, within a bound that only a fault exceeds.
pub(super) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), what)
        .await
        .expect("it comes")
}

/// Rounds of [`rounds`] at once: they wait more than they work.
const SIDE_BY_SIDE: usize = 8;

/// Runs rounds that are each disturbed one commit later than the one before, until one says that nothing disturbed it; gives how many were
/// disturbed.
pub(super) async fn rounds(round: impl AsyncFn(u64) -> bool) -> u64 {
    let mut rounds = std::pin::pin!(stream::iter(0..).map(|commits| round(commits)).buffered(SIDE_BY_SIDE));
    let mut disturbed = 0;
    while rounds.next().await == Some(true) {
        disturbed += 1;
    }
    disturbed
}

/// The steps of a run as `name status`.
pub(super) fn steps(run: &Workflow) -> Vec<String> {
    let steps = run.steps.iter().flatten();
    steps
        .map(|step| format!("{} {}", step.name, step.status.as_str()))
        .collect()
}

pub(super) fn step<'a>(run: &'a Workflow, name: &str) -> &'a WorkflowStep {
    let mut steps = run.steps.iter().flatten();
    steps
        .find(|step| step.name == name)
        .unwrap_or_else(|| panic!("no step {name} in {run:#?}"))
}

/// The result of a completed run.
pub(super) fn result(run: &Workflow) -> Value {
    assert_eq!(run.error, None, "{run:#?}");
    run.result.as_ref().map_or(json!(null), Json::value)
}

/// The code of the error of a failed run.
pub(super) fn failure(run: &Workflow) -> (&str, &str) {
    let error = run
        .error
        .as_ref()
        .unwrap_or_else(|| panic!("it did not fail: {run:#?}"));
    (&error.code, &error.message)
}

fn accept(input: Option<&Json>) -> Result<()> {
    match input.map(Json::text) {
        Some("\"unfit\"") => Err(Error::invalid("the input does not fit")),
        _ => Ok(()),
    }
}

fn handlers(plan: &Plan, flows: &Flows) -> BTreeMap<String, JobHandler> {
    let mut handlers: BTreeMap<String, JobHandler> = BTreeMap::new();
    for (name, work) in &plan.jobs {
        let work = Arc::clone(work);
        let handler: JobHandler = Arc::new(move |run| {
            let result = work(run.job.params.as_ref().map_or(json!(null), Json::value));
            Box::pin(async move { finished(result.await) })
        });
        handlers.insert(name.clone(), handler);
    }
    for (name, code) in &plan.flows {
        let (code, flows) = (Arc::clone(code), flows.clone());
        let handler: JobHandler = Arc::new(move |run| {
            let (code, flows) = (Arc::clone(&code), flows.clone());
            let input = run.job.params.as_ref().map_or(json!(null), Json::value);
            let body = Arc::new(move |handle: Handle| {
                let result = code(handle, input.clone());
                Box::pin(async move { finished(result.await) }) as BoxFuture<'static, Finished>
            });
            Box::pin(async move { flows.execute(run, body).await })
        });
        handlers.insert(format!("{FLOW_PREFIX}{name}"), handler);
    }
    handlers
}

fn finished(result: Result<Value>) -> Finished {
    let result = result?;
    Ok((!result.is_null()).then(|| result.into()))
}
