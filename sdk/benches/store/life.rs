//! One life of a process on a store: its jobs, events, state and workflows, and the runner with the settings that a service has.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use syscall_sdk::clock::Clock;
use syscall_sdk::events::Events;
use syscall_sdk::jobs::{CONCURRENCY, FLOW_PREFIX, JobHandler, Jobs, Runner, RunnerOptions, TaskDefaults};
use syscall_sdk::lifecycle::Scope;
use syscall_sdk::metrics::Metrics;
use syscall_sdk::name::Namespace;
use syscall_sdk::registry::Registry;
use syscall_sdk::resolve::Table;
use syscall_sdk::rpc::{Client, ClientOptions, Sockets};
use syscall_sdk::state::State;
use syscall_sdk::store::{Op, Store};
use syscall_sdk::transport::Switchboard;
use syscall_sdk::wire::{CreateJob, Json};
use syscall_sdk::workflow::{Flows, FlowsOptions, Handle};

use crate::ground::Opened;

/// The job of every row.
pub(crate) const JOB: &str = "noop";
/// The workflow of every row.
pub(crate) const FLOW: &str = "three";

/// One life of a process.
pub(crate) struct Life {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) commits: Box<dyn Fn() -> u64 + Send + Sync>,
    pub(crate) jobs: Jobs,
    pub(crate) events: Events,
    pub(crate) state: State,
    pub(crate) flows: Flows,
    pub(crate) clock: Clock,
    owner: String,
    handler: JobHandler,
    scope: Scope,
    attempts: Scope,
}

/// A handler that does nothing.
pub(crate) fn nothing() -> JobHandler {
    Arc::new(|_| async { Ok(None) }.boxed())
}

/// About 100 bytes of JSON, the same for every system that is measured.
pub(crate) fn payload(n: u64) -> Json {
    let note = "an order of three books, to be packed, posted and paid for on delivery";
    Json::from(serde_json::json!({ "n": n, "note": note }))
}

/// What a caller asks for.
pub(crate) fn job(n: u64) -> CreateJob {
    CreateJob {
        name: JOB.to_owned(),
        params: Some(payload(n)),
        ..CreateJob::default()
    }
}

impl Life {
    /// A life on an open store. Nothing runs before [`Life::run`].
    pub(crate) fn new(opened: Opened, owner: &str, handler: JobHandler) -> Self {
        let Opened { store, commits } = opened;
        let clock = Clock::system();
        let names = [JOB.to_owned(), format!("{FLOW_PREFIX}{FLOW}")];
        let known: BTreeMap<_, _> = names.into_iter().map(|name| (name, TaskDefaults::default())).collect();
        let jobs = Jobs::new(Arc::clone(&store), clock.clone(), known);
        let events = Events::new(Arc::clone(&store), clock.clone(), "blackroad-os-core");
        let scope = Scope::new("bench", tracing::Span::none());
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
        .expect("a client");
        let flows = Flows::new(FlowsOptions {
            service: "core".to_owned(),
            store: Arc::clone(&store),
            clock: clock.clone(),
            jobs: jobs.clone(),
            events: events.clone(),
            rpc,
            known: BTreeMap::from([(FLOW.to_owned(), any_input as _)]),
        });
        let state = State::new(Arc::clone(&store), Namespace::wire(), clock.clone());
        let attempts = scope.child("jobs");
        Life {
            store,
            commits,
            jobs,
            events,
            state,
            flows,
            clock,
            owner: owner.to_owned(),
            handler,
            scope,
            attempts,
        }
    }

    /// Starts the runner, as a service does.
    pub(crate) fn run(&self) {
        let flows = self.flows.clone();
        let three: JobHandler = Arc::new(move |run| {
            let flows = flows.clone();
            async move { flows.execute(run, Arc::new(|handle| three_steps(handle).boxed())).await }.boxed()
        });
        let handlers = BTreeMap::from([
            (JOB.to_owned(), Arc::clone(&self.handler)),
            (format!("{FLOW_PREFIX}{FLOW}"), three),
        ]);
        let options = RunnerOptions {
            owner: self.owner.clone(),
            handlers,
            concurrency: CONCURRENCY,
        };
        let runner = Runner::new(self.jobs.clone(), options, self.scope.clone(), self.attempts.clone());
        self.scope.spawn("runner", runner.run());
        let flows = self.flows.clone();
        self.scope.spawn("awake", async move {
            // Ends with the store.
            let _ = flows.keep_awake().await;
        });
    }

    /// Fills the queue, some hundred jobs a commit.
    pub(crate) async fn fill(&self, jobs: u64) {
        for first in (0..jobs).step_by(500) {
            let ops = first..jobs.min(first + 500);
            let ops: Vec<Op> = ops
                .map(|n| self.jobs.create_op(job(n)).expect("the job is known"))
                .collect();
            let batch = syscall_sdk::store::Batch {
                at: self.clock.now(),
                ops,
            };
            self.store.commit(batch).await.expect("the store takes it");
        }
    }

    /// Ends it in good order.
    pub(crate) async fn end(self) {
        self.attempts.stop(Duration::from_secs(5)).await;
        self.scope.stop(Duration::from_secs(5)).await;
        self.store.close().await;
    }
}

/// Takes every input.
fn any_input(_: Option<&Json>) -> syscall_sdk::error::Result<()> {
    Ok(())
}

/// Three steps, each written down before the next begins.
async fn three_steps(handle: Handle) -> syscall_sdk::jobs::Finished {
    let mut sum = 0u64;
    for name in ["reserve", "charge", "ship"] {
        sum += handle.step(name, || async { Ok(1u64) }).await?;
    }
    Ok(Some(Json::from(serde_json::json!(sum))))
}
