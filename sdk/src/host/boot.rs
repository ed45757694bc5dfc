//! One life of one service: config → store → checks → routes → start → ready.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Make, Wrap, announce, checks, credentials, crons, deliveries, denials, flows, outside, pipes, stall, stores, upkeep,
};
use crate::admission::{Admission, Quota, Quotas};
use crate::audit::Denials;
use crate::clock::Clock;
use crate::config::{Live, Settings};
use crate::context::{BuildInfo, Bus, Context, JobContext, Kernel, Phase, Roster};
use crate::error::Result;
use crate::events::Events;
use crate::health::Health;
use crate::jobs::{Jobs, Runner, RunnerOptions};
use crate::lifecycle::Scope;
use crate::logs::Logs;
use crate::metrics::{Metrics, Traffic};
use crate::name::Namespace;
use crate::pipe::Room;
use crate::registry::{Registry, ServiceRecord};
use crate::rpc::{Client, ClientOptions, Sockets};
use crate::service::Service;
use crate::state::State;
use crate::store::Store;
use crate::subscription::Subscriptions;
use crate::telemetry::{Output, Recorder, root_span};
use crate::transport::{Handler, Switchboard};
use crate::workflow::{Flows, FlowsOptions};

/// Everything that a life of a service is made from.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) record: ServiceRecord,
    pub(super) settings: Settings,
    /// What may change while it runs; outlives each life.
    pub(super) live: Live,
    pub(super) registry: Registry,
    pub(super) switchboard: Switchboard,
    pub(super) output: Option<Output>,
    pub(super) make: Make,
    pub(super) port: Option<u16>,
    pub(super) databases: stores::Databases,
    pub(super) wrap: Option<Wrap>,
}

/// A life of a service.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) kernel: Arc<Kernel>,
    pub(super) handler: Handler,
    /// Jobs that run; they outlive the runner while it drains.
    pub(super) attempts: Scope,
    /// The runner alone, so that it stops taking jobs before anything else stops.
    pub(super) taking: Scope,
}

/// Begins a life: everything up to, and without, opening the doors.
pub(super) async fn boot(plan: &Plan) -> Result<Life> {
    let service = (plan.make)();
    let clock = Clock::system();
    let incarnation = Uuid::now_v7().to_string();
    let version = plan
        .settings
        .version
        .clone()
        .unwrap_or_else(|| service.version().to_owned());
    let exporter = outside::exporter(plan, &version, &incarnation).await?;
    let recorder = Recorder::new(plan.record.name.clone(), clock.clone(), plan.output.clone(), exporter);
    let span = root_span(&recorder);
    let scope = Scope::new(plan.record.key.clone(), span.clone());
    let made = Made {
        service,
        clock,
        incarnation,
        version,
        recorder,
        scope: scope.clone(),
    };
    match tracing::Instrument::instrument(assemble(plan, made), span).await {
        Ok(life) => Ok(life),
        Err(error) => {
            scope.stop(Duration::ZERO).await;
            Err(error)
        }
    }
}

/// What a life has of its own before anything can fail.
struct Made {
    service: Service,
    clock: Clock,
    incarnation: String,
    version: String,
    recorder: Recorder,
    scope: Scope,
}

async fn assemble(plan: &Plan, made: Made) -> Result<Life> {
    let store = stores::open(
        &plan.settings,
        &plan.record,
        &made.clock,
        &made.incarnation,
        &made.scope,
        &plan.databases,
    )
    .await?;
    let store = plan
        .wrap
        .as_ref()
        .map_or_else(|| Arc::clone(&store), |wrap| wrap(Arc::clone(&store)));
    let begun = begin(plan, made, Arc::clone(&store)).await;
    if begun.is_err() {
        store.close().await;
    }
    begun
}

async fn begin(plan: &Plan, made: Made, store: Arc<dyn Store>) -> Result<Life> {
    let Made {
        service,
        clock,
        incarnation,
        version,
        recorder,
        scope,
    } = made;
    // As it is now: another life may have been told other things.
    let settings = plan.live.now().settings.clone();
    let metrics = Metrics::new(clock.clone());
    let jobs = Jobs::new(Arc::clone(&store), clock.clone(), flows::known_jobs(&service));
    let rpc = Client::new(ClientOptions {
        name: plan.record.name.clone(),
        role: plan.record.role.clone(),
        minter: Some(credentials::minter(&plan.record, &settings, &clock)?),
        registry: plan.registry.clone(),
        resolver: outside::resolver(plan)?,
        dial: Arc::new(Sockets::reaching(outside::inside(plan))),
        switchboard: plan.switchboard.clone(),
        outside: outside::ways(plan)?,
        metrics: metrics.clone(),
        seed: None,
        scope: scope.clone(),
    })?;
    let events = Events::new(Arc::clone(&store), clock.clone(), plan.record.name.as_str());
    let flows = Flows::new(FlowsOptions {
        service: plan.record.key.clone(),
        store: Arc::clone(&store),
        clock: clock.clone(),
        jobs: jobs.clone(),
        events: events.clone(),
        rpc: rpc.clone(),
        known: flows::known(&service),
    });
    let cell: Arc<OnceLock<Arc<Kernel>>> = Arc::default();
    let declared = deliveries::declared(&service, &cell);
    let subscriptions = Subscriptions::new(&plan.record.key, &store, &events, &metrics, &rpc, declared);
    let mut methods = service.methods.clone();
    if settings.features.events {
        methods.extend(deliveries::methods());
    }
    let kernel = Arc::new(Kernel {
        build: BuildInfo {
            version,
            commit: settings.platform.commit.clone(),
            time: settings.platform.build_time.clone(),
            runtime: env!("RUSTC_VERSION"),
        },
        bus: Bus::new(&metrics),
        logs: Logs::new(recorder.clone()),
        state: State::new(Arc::clone(&store), Namespace::wire(), clock.clone()),
        new_log: subscriptions.begins_now().await?,
        subscriptions,
        events,
        flows,
        health: Health::new(checks::of(&service, &store, &jobs, &cell), clock.clone()),
        gate: credentials::gate(&plan.record, &settings, &clock)?,
        identify: service.identify.clone(),
        own_events: service.own_events.clone(),
        denials: Denials::default(),
        roster: Roster::default(),
        http: outside::http_client(plan.settings.environment)?,
        methods,
        stream_methods: service.stream_methods.clone(),
        pipes: pipes::served(&service),
        pipe_room: Room::new(),
        phase: watch::Sender::new(Phase::Booting),
        streams: CancellationToken::new(),
        port: plan.port.map_or_else(OnceLock::new, OnceLock::from),
        traffic: Traffic::default(),
        admission: Admission::new(quotas(&settings)),
        record: plan.record.clone(),
        registry: plan.registry.clone(),
        scope: scope.clone(),
        live: plan.live.clone(),
        settings,
        incarnation,
        clock,
        store,
        recorder,
        metrics,
        jobs,
        rpc,
    });
    // Checks run with the service at hand, and the service holds its checks: the cell closes the ring once both are there.
    let _ = cell.set(Arc::clone(&kernel));
    kernel.recall_revocations().await?;
    upkeep::register_figures(&kernel);
    outside::warn_of_the_platform(&kernel);

    let context = Context::new(Arc::clone(&kernel));
    kernel.health.run_checks().await;
    crons::plant(&kernel, &service.crons).await?;
    for start in &service.starts {
        start(context.clone()).await?;
    }

    let attempts = scope.child("jobs");
    let taking = scope.child("runner");
    run_jobs(&kernel, &service, &taking, &attempts);
    for (name, run) in &service.backgrounds {
        let (ending, run) = (scope.token(), run(context.clone()));
        scope.spawn_critical(
            name,
            async move { ending.run_until_cancelled(run).await.unwrap_or(Ok(())) },
        );
    }
    upkeep::run_kernel_tasks(&kernel);
    stall::watch(&kernel);
    denials::tell(&kernel);
    deliveries::run(&kernel);
    let handler = crate::http::handler(Arc::clone(&kernel), service.routes);
    kernel.phase.send_replace(Phase::Ready);
    tracing::info!(version = kernel.build.version, environment = %kernel.settings.environment, "ready");
    Ok(Life {
        kernel,
        handler,
        attempts,
        taking,
    })
}

/// What callers have, by what they ask for.
fn quotas(settings: &Settings) -> Quotas {
    let rates = settings.rates;
    let per_minute = |name, rate: Option<u32>| rate.map(|rate| Quota::per_minute(name, rate));
    Quotas {
        caller: settings.caller_rate.map(|rate| Quota::per_second("caller", rate)),
        api: per_minute("api", rates.api),
        key: per_minute("key", rates.key),
        auth: per_minute("auth", rates.auth),
        page: per_minute("page", rates.page),
    }
}

/// Announces the service; called when its doors are open.
pub(super) fn announce_when_open(kernel: &Arc<Kernel>) {
    kernel
        .scope
        .spawn_background("announce", announce::announce(Arc::clone(kernel)));
    deliveries::tell_when_open(kernel);
}

fn run_jobs(kernel: &Arc<Kernel>, service: &Service, taking: &Scope, attempts: &Scope) {
    let mut handlers: BTreeMap<_, _> = service
        .tasks
        .iter()
        .map(|(name, task)| {
            let (handler, context) = (Arc::clone(&task.handler), Context::new(Arc::clone(kernel)));
            let run: crate::jobs::JobHandler = Arc::new(move |run| handler(JobContext::new(context.clone(), run)));
            ((*name).to_owned(), run)
        })
        .collect();
    handlers.extend(flows::handlers(kernel, service));
    if handlers.is_empty() || !kernel.settings.features.jobs {
        return;
    }
    if !service.flows.is_empty() {
        let (flows, ending) = (kernel.flows.clone(), kernel.scope.token());
        kernel.scope.spawn_critical("workflows", async move {
            ending.run_until_cancelled(flows.keep_awake()).await.unwrap_or(Ok(()))
        });
    }
    let unbegun = kernel.jobs.clone().expire_unbegun();
    kernel.scope.spawn_background("unbegun-jobs", unbegun);
    let options = RunnerOptions {
        owner: kernel.incarnation.clone(),
        handlers,
        // What waits to be handled in batches takes no room from the others.
        concurrency: crate::jobs::CONCURRENCY + service.gathered,
    };
    let runner = Runner::new(kernel.jobs.clone(), options, taking.clone(), attempts.clone());
    let (taking, ending) = (taking.clone(), kernel.scope.token());
    kernel.scope.spawn_critical("job-runner", async move {
        runner.run().await;
        // A runner that was told to stop is done; the scope as a whole goes on while jobs finish.
        if taking.is_cancelled() {
            ending.cancelled().await;
        }
        Ok(())
    });
}
