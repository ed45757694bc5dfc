//! What a service declares: a value. Making it starts nothing.

mod batch;
mod pipes;
mod routes;
mod subscribe;
mod tasks;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures_util::future::BoxFuture;

pub use batch::{Item, Outcomes};
pub use routes::{Answer, Parameter, Route, RouteKind, Routes};
pub use subscribe::{EventHandler, ServedSubscription, Subscribe};

use crate::context::{
    Context, EventContext, FlowContext, Identify, JobContext, PipeHandler, ServedMethod, ServedStream, decode,
};
use crate::contract::{Flow, Method, Payload, Task, Topic};
use crate::error::{Error, Origin, Result};
use crate::health::CheckOutcome;
use crate::jobs::{Finished, TaskDefaults};
use crate::wire::Json;
use crate::workflow::CheckInput;

/// Runs one job, types erased.
pub type TaskHandler = Arc<dyn Fn(JobContext) -> BoxFuture<'static, Finished> + Send + Sync>;
/// Runs a workflow's code, types erased.
pub type FlowHandler = Arc<dyn Fn(FlowContext, Option<Json>) -> BoxFuture<'static, Finished> + Send + Sync>;
/// Asks whether something works, with the service at hand.
pub type CheckHandler = Arc<dyn Fn(Context) -> BoxFuture<'static, Result<CheckOutcome>> + Send + Sync>;
/// Runs with the service at hand.
pub type ContextHandler = Arc<dyn Fn(Context) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// One service of the fleet: its methods, jobs, checks, routes and what it does at start.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use syscall_sdk::{context::Context, contract::Method, error::Result, service::Service};
/// use utoipa::ToSchema;
///
/// #[derive(Serialize, Deserialize, ToSchema)]
/// struct Greet { name: String }
/// const GREET: Method<Greet, String> = Method::new("core", "greet", "Greets.").idempotent();
///
/// async fn greet(_: Context, params: Greet) -> Result<String> {
///     Ok(format!("Hello, {}", params.name))
/// }
///
/// let service = Service::new("core", "1.0.0").method(GREET, greet);
/// assert_eq!(service.key(), "core");
/// ```
pub struct Service {
    key: &'static str,
    version: &'static str,
    pub(crate) methods: BTreeMap<&'static str, Arc<ServedMethod>>,
    pub(crate) stream_methods: BTreeMap<&'static str, Arc<ServedStream>>,
    pub(crate) pipes: BTreeMap<&'static str, PipeHandler>,
    pub(crate) tasks: BTreeMap<&'static str, ServedTask>,
    /// Jobs that are held at once to be handled in batches.
    pub(crate) gathered: usize,
    pub(crate) flows: BTreeMap<&'static str, ServedFlow>,
    pub(crate) crons: Vec<Cron>,
    pub(crate) subscriptions: Vec<ServedSubscription>,
    /// Families of events that only its own code emits.
    pub(crate) own_events: Vec<&'static str>,
    pub(crate) checks: Vec<ServedCheck>,
    pub(crate) routes: Routes,
    pub(crate) identify: Option<Arc<dyn Identify>>,
    pub(crate) starts: Vec<ContextHandler>,
    pub(crate) backgrounds: Vec<(&'static str, ContextHandler)>,
}

/// A job and who runs it.
#[derive(Clone)]
pub struct ServedTask {
    /// What its contract says.
    pub defaults: TaskDefaults,
    /// Runs it.
    pub handler: TaskHandler,
}

/// A workflow and its code.
#[derive(Clone)]
pub struct ServedFlow {
    /// How many runs are in memory at once.
    pub concurrency: usize,
    /// Refuses an input that does not fit.
    pub check: CheckInput,
    /// Runs it.
    pub handler: FlowHandler,
}

/// A schedule that is part of the service.
#[derive(Clone, Debug)]
pub struct Cron {
    /// The job.
    pub task: &'static str,
    /// When, in UTC.
    pub expression: &'static str,
    /// What the job is given.
    pub params: Option<Json>,
}

/// A health check of the service's own.
#[derive(Clone)]
pub struct ServedCheck {
    /// Its name.
    pub name: &'static str,
    /// Whether the service is unhealthy when it is down.
    pub critical: bool,
    /// What it asks.
    pub handler: CheckHandler,
}

impl Service {
    /// A service by its registry key, at a version.
    pub fn new(key: &'static str, version: &'static str) -> Self {
        Service {
            key,
            version,
            methods: BTreeMap::new(),
            stream_methods: BTreeMap::new(),
            pipes: BTreeMap::new(),
            tasks: BTreeMap::new(),
            gathered: 0,
            flows: BTreeMap::new(),
            crons: Vec::new(),
            subscriptions: Vec::new(),
            own_events: Vec::new(),
            checks: Vec::new(),
            routes: Routes::default(),
            identify: None,
            starts: Vec::new(),
            backgrounds: Vec::new(),
        }
    }

    /// Its registry key.
    pub fn key(&self) -> &'static str {
        self.key
    }

    /// Its version.
    pub fn version(&self) -> &'static str {
        self.version
    }

    /// Serves a method.
    ///
    /// # Panics
    /// Where the contract is another service's, or the name is served already: that is a mistake in the program.
    #[must_use]
    pub fn method<P, R, F, Fut>(mut self, method: Method<P, R>, handler: F) -> Self
    where
        P: Payload,
        R: Payload,
        F: Fn(Context, P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R>> + Send + 'static,
    {
        assert_eq!(
            method.service, self.key,
            "method {} belongs to another service",
            method.name
        );
        let handler = Arc::new(handler);
        let served = ServedMethod::new(
            method.name,
            method.description,
            method.idempotent,
            move |context, params| {
                let handler = Arc::clone(&handler);
                async move {
                    let outcome = handler(context, params).await;
                    outcome.map_err(|error| error.with_origin(Origin::Handler))
                }
            },
        )
        .control(method.control);
        let twice = self.methods.insert(method.name, Arc::new(served)).is_some();
        let twice = twice || self.stream_methods.contains_key(method.name);
        assert!(!twice, "method {} is served twice", method.name);
        self
    }

    /// Runs a workflow: code whose steps are done once each, and that survives any crash.
    ///
    /// # Panics
    /// Where the contract is another service's, or the name has code already.
    #[must_use]
    pub fn flow<I, O, F, Fut>(mut self, flow: Flow<I, O>, code: F) -> Self
    where
        I: Payload,
        O: Payload,
        F: Fn(FlowContext, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O>> + Send + 'static,
    {
        assert_eq!(
            flow.service, self.key,
            "workflow {} belongs to another service",
            flow.name
        );
        let code = Arc::new(code);
        let served = ServedFlow {
            concurrency: flow.concurrency.unwrap_or(TaskDefaults::default().concurrency),
            check: |input| decode::<I>("the workflow", input).map(drop),
            handler: Arc::new(move |context, input| {
                let code = Arc::clone(&code);
                Box::pin(async move {
                    let input = decode::<I>(flow.name, input.as_ref())?;
                    let result = code(context, input).await?;
                    result_of("workflow", flow.name, &result)
                })
            }),
        };
        let twice = self.flows.insert(flow.name, served).is_some();
        assert!(!twice, "workflow {} has two codes", flow.name);
        self
    }

    /// Makes a job at every tick of a cron expression, in UTC. The schedule is made at the first start and may be cancelled like any other.
    #[must_use]
    pub fn cron<P: Payload, R>(mut self, task: Task<P, R>, expression: &'static str, params: &P) -> Self {
        let params = Json::of(params).ok().filter(|json| json.text() != "null");
        self.crons.push(Cron {
            task: task.name,
            expression,
            params,
        });
        self
    }

    /// Takes the events of a topic, its own or another service's: durable, at least once, in order, resumed wherever either side was
    /// restarted; with [`EventContext::batch`] each event has its effect once. Begins with what comes after it is registered.
    ///
    /// # Panics
    /// Where the topic has a handler already.
    #[must_use]
    pub fn on<T, F, Fut>(self, topic: Topic<T>, handler: F) -> Self
    where
        T: Payload,
        F: Fn(EventContext, T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.on_with(topic, Subscribe::default(), handler)
    }

    /// The same, with a say in where it begins and how patient it is.
    ///
    /// # Panics
    /// As [`Service::on`].
    #[must_use]
    pub fn on_with<T, F, Fut>(mut self, topic: Topic<T>, options: Subscribe, handler: F) -> Self
    where
        T: Payload,
        F: Fn(EventContext, T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        let twice = self
            .subscriptions
            .iter()
            .any(|known| known.source == topic.service && known.event == topic.name);
        assert!(!twice, "the event {} of {} has two handlers", topic.name, topic.service);
        let handler = Arc::new(handler);
        self.subscriptions.push(ServedSubscription {
            source: topic.service,
            event: topic.name,
            options,
            handler: Arc::new(move |context: EventContext| {
                let handler = Arc::clone(&handler);
                Box::pin(async move {
                    let data = decode::<T>(topic.name, context.event().data.as_ref())?;
                    handler(context, data).await
                })
            }),
        });
        self
    }

    /// Keeps families of events for its own code, such as `user` for all `user:…`: over the wire they are refused, whatever right a caller
    /// has. For events that others take for the service's word.
    ///
    /// # Panics
    /// Where a family has a colon, or no letter: it would keep nothing. A service is made before it serves, so that none starts with such a one.
    #[must_use]
    pub fn own_events(mut self, families: &[&'static str]) -> Self {
        for family in families {
            assert!(
                !family.is_empty() && !family.contains(':'),
                "{family:?} is no family of events: `user` keeps all of `user:…`"
            );
        }
        self.own_events.extend_from_slice(families);
        self
    }

    /// A health check; when it is down, the service is degraded.
    #[must_use]
    pub fn check<F, Fut>(self, name: &'static str, check: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<CheckOutcome>> + Send + 'static,
    {
        self.add_check(name, false, check)
    }

    /// A health check without which the service is of no use; when it is down, the service is unhealthy.
    #[must_use]
    pub fn critical_check<F, Fut>(self, name: &'static str, check: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<CheckOutcome>> + Send + 'static,
    {
        self.add_check(name, true, check)
    }

    fn add_check<F, Fut>(mut self, name: &'static str, critical: bool, check: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<CheckOutcome>> + Send + 'static,
    {
        let handler: CheckHandler = Arc::new(move |context| Box::pin(check(context)));
        self.checks.push(ServedCheck {
            name,
            critical,
            handler,
        });
        self
    }

    /// HTTP routes of its own, each with its access.
    #[must_use]
    pub fn routes(mut self, routes: Routes) -> Self {
        self.routes.extend(routes);
        self
    }

    /// Lets callers in by something else than a token of the fleet's own.
    #[must_use]
    pub fn identify(mut self, identify: impl Identify + 'static) -> Self {
        self.identify = Some(Arc::new(identify));
        self
    }

    /// Runs once at every start, before the service is ready. An error fails the start.
    #[must_use]
    pub fn start<F, Fut>(mut self, start: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.starts.push(Arc::new(move |context| Box::pin(start(context))));
        self
    }

    /// Runs for as long as the service does. If it ends or fails before, the service is started anew.
    #[must_use]
    pub fn background<F, Fut>(mut self, name: &'static str, run: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.backgrounds
            .push((name, Arc::new(move |context| Box::pin(run(context)))));
        self
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("key", &self.key)
            .field("version", &self.version)
            .field("methods", &self.methods.keys())
            .field("stream_methods", &self.stream_methods.keys())
            .field("pipes", &self.pipes.keys())
            .field("tasks", &self.tasks.keys())
            .field("subscriptions", &self.subscriptions)
            .field("flows", &self.flows.keys())
            .finish()
    }
}

/// What a job or a run came to; nothing is as absent.
fn result_of<R: Payload>(what: &str, name: &str, result: &R) -> Finished {
    let result = Json::of(result)
        .map_err(|error| Error::internal(format!("the result of {what} {name} has no JSON form")).with_source(error))?;
    Ok((result.text() != "null").then_some(result))
}
