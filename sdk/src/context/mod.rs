//! What a handler gets: its service, and the request in which it runs.

mod asked;
mod awaited;
mod batch;
mod bus;
mod calls;
mod event;
mod flow;
mod identify;
mod job;
mod kernel;
mod method;
mod person;
mod request;
mod revocations;
mod roster;
mod stream;

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures_util::future::BoxFuture;

pub use asked::Asked;
pub use batch::Commit;
pub use bus::{Bus, BusEvent, Listener};
pub use event::EventContext;
pub use flow::FlowContext;
pub use identify::Identify;
pub use job::JobContext;
pub use kernel::{BuildInfo, Kernel, Phase};
pub(crate) use method::decode;
pub use method::{MethodHandler, ServedMethod};
pub use person::Person;
pub use request::RequestInfo;
pub use roster::Roster;
pub use stream::{ServedStream, StreamHandler};

use crate::audit::{Denial, Record};
use crate::auth::Need;
use crate::clock::Clock;
use crate::config::Secret;
use crate::contract::{Flow, Payload, Task, Topic};
use crate::error::{Error, Result};
use crate::events::Events;
use crate::jobs::{Created, Jobs};
use crate::logs::Logs;
use crate::metrics::Metrics;
use crate::name::Namespace;
use crate::pipe::Pipe;
use crate::policy::PERSON_STREAM_LIFE;
use crate::registry::Registry;
use crate::rpc::Client;
use crate::state::State;
use crate::store::Job;
use crate::wire::{CreateJob, Emitted, Json, StartWorkflow, Workflow};
use crate::workflow::{self, Flows};

/// Serves one pipe.
pub type PipeHandler = Arc<dyn Fn(Context, Pipe) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// A service and, in a handler, the request that it answers. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    kernel: Arc<Kernel>,
    request: Arc<RequestInfo>,
    /// Who acts, where the service itself has found that out.
    actor: Option<Arc<str>>,
}

impl Context {
    /// A service outside any request.
    pub fn new(kernel: Arc<Kernel>) -> Self {
        Context {
            kernel,
            request: Arc::default(),
            actor: None,
        }
    }

    /// The same service within a request.
    #[must_use]
    pub fn within(&self, request: Arc<RequestInfo>) -> Self {
        Context {
            kernel: Arc::clone(&self.kernel),
            request,
            actor: None,
        }
    }

    /// The same request with who acts in it, such as `user/7`, where a service knows them by something that the kernel does not: a session
    /// or a form of its own. What is put on the record from here is theirs; what they may do is not changed by it.
    #[must_use]
    pub fn acting(&self, actor: &str) -> Self {
        Context {
            actor: Some(Arc::from(actor)),
            ..self.clone()
        }
    }

    /// The kernel of this service.
    pub fn kernel(&self) -> &Arc<Kernel> {
        &self.kernel
    }

    /// The request in which this runs; empty outside one.
    pub fn request(&self) -> &RequestInfo {
        &self.request
    }

    /// Asks for a right to the very thing that the request names, which its route does not know: a key, an event, a job, a method. A route
    /// whose right has a pattern does so before anything else; one that forgets it answers 500, whoever asks.
    ///
    /// # Errors
    /// `FORBIDDEN`, with the right that is missing.
    pub fn allow(&self, need: &Need<'_>) -> Result<()> {
        self.request.asked.note();
        self.kernel.gate.allow(&self.request.caller, need)
    }

    /// Who is signed in in the browser that asks; nobody where a program asks, or where nobody is asked to sign in.
    pub fn person(&self) -> Option<&Person> {
        self.request.person.as_deref()
    }

    /// Emits an event of this service; it is durable when this returns.
    ///
    /// # Errors
    /// Where the store refuses.
    pub async fn emit<T: Payload>(&self, topic: &Topic<T>, data: &T) -> Result<Emitted> {
        self.kernel.events.emit(topic.name, Some(encode(data)?)).await
    }

    /// Creates a job of this service; it is durable when this returns.
    ///
    /// # Errors
    /// Where there is no handler for it or the store refuses.
    pub async fn enqueue<P: Payload, R>(&self, task: &Task<P, R>, params: &P) -> Result<Job> {
        let create = CreateJob {
            name: task.name.to_owned(),
            params: Some(encode(params)?),
            ..CreateJob::default()
        };
        match self.kernel.jobs.create(create).await? {
            Created::Job(job, _) => Ok(*job),
            Created::Schedule(_) => Err(Error::internal("a job without a schedule came to be one")),
        }
    }

    /// Starts a workflow, of this service or of another; it is durable when this returns. The same id with the same input is the same
    /// run; `None` makes an id.
    ///
    /// # Errors
    /// `WORKFLOW_UNKNOWN`, `WORKFLOW_EXISTS` where another run has the id, or what kept the call from the other service.
    pub async fn start<I: Payload, O>(&self, flow: &Flow<I, O>, input: &I, id: Option<String>) -> Result<Workflow> {
        let start = StartWorkflow {
            name: flow.name.to_owned(),
            input: Some(encode(input)?),
            id,
        };
        if flow.service == self.kernel.record.key {
            return Ok(workflow::to_wire(self.kernel.flows.start(start).await?));
        }
        let options = self.call_options();
        self.kernel
            .rpc
            .post_json(flow.service, "/v1/sys/workflow", &start, &options)
            .await
    }

    /// Puts something on the record, by itself; it is durable when this returns. Together with what it speaks of, it is
    /// [`Commit::audit`]. Who, from where and in which trace is that of the request, where the record does not say it.
    ///
    /// # Errors
    /// Where the store refuses.
    pub async fn audit(&self, record: Record) -> Result<()> {
        self.batch().audit(record).commit().await.map(drop)
    }

    /// Puts on the record that something was refused which whoever likes can bring about again and again: a login, a guess at a secret.
    /// Never waits and never fails: refusals are told within a minute, those of one caller, address, target and reason as one with a count,
    /// so that a flood of them does not fill a trail that is kept for ever. A process that is killed loses those of its last minute; a
    /// refusal that must not be lost is [`Context::audit`].
    pub fn refused(&self, action: &'static str, target: &str, reason: &str) {
        let denial = Denial {
            action,
            actor: &self.who(),
            address: self.request.client,
            target,
            reason,
        };
        self.kernel.denials.note(self.kernel.clock.now(), denial);
    }

    /// A write of several things at once.
    pub fn batch(&self) -> Commit {
        Commit::new(self.clone())
    }

    /// Who acts, for the record: the caller, or outside a request the kernel itself.
    fn who(&self) -> Cow<'_, str> {
        if let Some(actor) = &self.actor {
            Cow::Borrowed(actor)
        } else if self.request.request_id.is_some() {
            self.request.caller.actor()
        } else {
            Cow::Borrowed("kernel")
        }
    }

    /// The state that syscalls reach.
    pub fn state(&self) -> &State {
        &self.kernel.state
    }

    /// State of the service's own, which no syscall reaches.
    ///
    /// # Errors
    /// Where the name is malformed or is `wire`, which is not the service's own.
    pub fn namespace(&self, name: &str) -> Result<State> {
        let namespace = Namespace::new(name)?;
        if namespace == Namespace::wire() {
            return Err(Error::invalid(
                "the namespace \"wire\" is the one that syscalls reach; use state()",
            ));
        }
        Ok(State::new(
            Arc::clone(&self.kernel.store),
            namespace,
            self.kernel.clock.clone(),
        ))
    }

    /// The service's event log.
    pub fn events(&self) -> &Events {
        &self.kernel.events
    }

    /// The service's jobs.
    pub fn jobs(&self) -> &Jobs {
        &self.kernel.jobs
    }

    /// The service's workflows.
    pub fn flows(&self) -> &Flows {
        &self.kernel.flows
    }

    /// The service's lines.
    pub fn logs(&self) -> &Logs {
        &self.kernel.logs
    }

    /// The service's figures.
    pub fn metrics(&self) -> &Metrics {
        &self.kernel.metrics
    }

    /// The client of the private network.
    pub fn rpc(&self) -> &Client {
        &self.kernel.rpc
    }

    /// The client of the public network: no proxy, no redirects, no retries of its own.
    pub fn http(&self) -> &reqwest::Client {
        &self.kernel.http
    }

    /// The fleet.
    pub fn registry(&self) -> &Registry {
        &self.kernel.registry
    }

    /// The service's clock.
    pub fn clock(&self) -> &Clock {
        &self.kernel.clock
    }

    /// The kernel's bus, for what only this process cares about.
    pub fn bus(&self) -> &Bus {
        &self.kernel.bus
    }

    /// A variable of the environment, treated as a secret, as it is now; `NAME_FILE` has been read into `NAME`. Ask anew rather than keep
    /// it: a secret that is rotated holds from then on.
    pub fn secret(&self, name: &str) -> Option<Secret> {
        let told = self.kernel.live.now();
        let value = told.variables.get(name)?.trim();
        (!value.is_empty()).then(|| Secret::new(value))
    }

    /// Runs a task beside the handler, until it ends or the service does.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.kernel.scope.spawn(name, task);
    }

    /// Runs blocking work off the async threads.
    ///
    /// # Errors
    /// `INTERNAL` where the work panicked.
    pub async fn blocking<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        self.kernel.scope.blocking(name, work).await
    }

    /// Waits until a stream to who asks is to end: when the service drains, and for a signed-in person after
    /// [`PERSON_STREAM_LIFE`]. Their browser comes back. Cancel-safe.
    pub async fn stream_over(&self) {
        let drained = self.kernel.streams.cancelled();
        match self.person() {
            None => drained.await,
            // Both an end and the time being over end it.
            Some(_) => drop(tokio::time::timeout(PERSON_STREAM_LIFE, drained).await),
        }
    }

    /// Waits until the service is asked to stop. Cancel-safe.
    pub async fn stopping(&self) {
        self.kernel.scope.cancelled().await;
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("service", &self.kernel.record.key)
            .field("request", &self.request)
            .finish()
    }
}

fn encode<T: serde::Serialize + ?Sized>(value: &T) -> Result<Json> {
    Json::of(value).map_err(|error| Error::invalid("the value has no JSON form").with_source(error))
}
