//! The workflows of one service: started, and kept.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;

use super::handle::Shared;
use super::head::Head;
use super::keys;
use super::limits::{CHILD_DEPTH_MAX, ID_MAX_BYTES, PAGE};
use super::record::Record;
use super::rest::Registration;
use super::undo::Failing;
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::events::Events;
use crate::jobs::{FLOW_PREFIX, Jobs, OWNED_BY};
use crate::name::new_id;
use crate::rpc::Client;
use crate::store::{self, Batch, Enqueue, Job, Op, Outcome, Refusal, Seq, Store};
use crate::telemetry;
use crate::wire::{Json, StartWorkflow};

/// Refuses an input that does not fit a workflow.
pub type CheckInput = fn(Option<&Json>) -> Result<()>;

/// What the workflows of a service stand on.
#[derive(Clone)]
pub struct FlowsOptions {
    /// The service's key.
    pub service: String,
    /// What must last.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Clock,
    /// A run is a job.
    pub jobs: Jobs,
    /// Where events are waited for.
    pub events: Events,
    /// Calls to other services.
    pub rpc: Client,
    /// The workflows for which there is code.
    pub known: BTreeMap<String, CheckInput>,
}

/// The workflows of one service. Cheap to clone.
#[derive(Clone)]
pub struct Flows(Arc<Inner>);

struct Inner {
    options: FlowsOptions,
    live: Mutex<HashMap<String, Weak<Shared>>>,
    registrations: Mutex<HashMap<String, Registration>>,
    /// Told when a run at rest waits for an event.
    registered: Notify,
}

/// What the store holds of a run.
#[derive(Default)]
pub(super) struct Stored {
    pub(super) head: Head,
    pub(super) records: Vec<(Record, Seq)>,
    pub(super) failing: Option<Failing>,
}

impl Stored {
    /// The jobs and children that end with the run.
    pub(super) fn owned(&self) -> Vec<String> {
        self.records
            .iter()
            .filter_map(|(record, _)| record.owns.clone())
            .collect()
    }
}

impl Flows {
    /// The workflows of a service.
    pub fn new(options: FlowsOptions) -> Self {
        Flows(Arc::new(Inner {
            options,
            live: Mutex::default(),
            registrations: Mutex::default(),
            registered: Notify::new(),
        }))
    }

    /// The names of the workflows for which there is code.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.options.known.keys().map(String::as_str)
    }

    /// Starts a run; it is durable when this returns. The same id with the same input gives the run that is there.
    ///
    /// # Errors
    /// `WORKFLOW_UNKNOWN` where there is no code of that name, `WORKFLOW_EXISTS` where another run has the id, or `INVALID_ARGUMENT`.
    pub async fn start(&self, start: StartWorkflow) -> Result<Job> {
        let op = self.start_op(start)?;
        let (id, name, params) = match &op {
            Op::Enqueue(job) => (job.id.clone(), job.name.clone(), job.params.clone()),
            other => return Err(Error::internal(format!("starting a run came to {other:?}"))),
        };
        let batch = Batch::new(self.clock().now()).with(op).with(Flows::free_op(&id));
        match self.store().commit(batch).await {
            Ok(outcomes) => match outcomes.into_iter().next() {
                Some(Outcome::Job(job)) => Ok(*job),
                other => Err(Error::internal(format!("starting a run came to {other:?}"))),
            },
            Err(store::Error::Refused {
                why: Refusal::JobExists { .. } | Refusal::Version { .. },
                ..
            }) => match self.store().job(&id).await? {
                Some(job) if job.name == name && job.params == params => Ok(job),
                _ => Err(exists(&id)),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// The operation that starts a run, for a batch.
    ///
    /// # Errors
    /// As [`Flows::start`].
    pub fn start_op(&self, start: StartWorkflow) -> Result<Op> {
        let id = match start.id {
            None => new_id(),
            Some(id) => checked_id(id)?,
        };
        let mut ops = self.start_ops(&start.name, start.input, id)?;
        ops.pop()
            .ok_or_else(|| Error::internal("a run starts with an operation"))
    }

    /// Refuses a batch that starts a run of an id while anything is kept of a workflow that continued as new under it, be its first run
    /// forgotten.
    pub fn free_op(id: &str) -> Op {
        keys::absent(keys::chain(id))
    }

    /// Refuses an input that does not fit a workflow.
    pub(super) fn check_input(&self, name: &str, input: Option<&Json>) -> Result<()> {
        let check = self.0.options.known.get(name).ok_or_else(|| self.unknown(name))?;
        check(input)
    }

    /// The operations that start a run of an id.
    pub(super) fn start_ops(&self, name: &str, input: Option<Json>, id: String) -> Result<Vec<Op>> {
        self.check_input(name, input.as_ref())?;
        if id.matches(OWNED_BY).count() > CHILD_DEPTH_MAX {
            return Err(Error::new(
                Kind::Unprocessable,
                format!("run {id} would be a child {CHILD_DEPTH_MAX} deep: a workflow starts itself"),
            )
            .with_code("TOO_MANY_CHILDREN"));
        }
        Ok(vec![Op::Enqueue(Box::new(Enqueue {
            params: input,
            // What fails in a run is tried again step by step.
            max_attempts: 1,
            trace: telemetry::current_trace().map(|trace| trace.to_string()),
            ..Enqueue::new(id, format!("{FLOW_PREFIX}{name}"))
        }))])
    }

    /// What the store holds of a run.
    pub(super) async fn stored(&self, run: &str) -> store::Result<Stored> {
        let (mut stored, mut after) = (Stored::default(), None);
        let steps = keys::step(run, "");
        loop {
            let page = self.store().scan(keys::scan(&keys::of_run(run), after, PAGE)).await?;
            let last = page.last().map(|entry| entry.key.clone());
            let full = page.len() == PAGE;
            for entry in page {
                if entry.key.starts_with(&steps) {
                    stored.records.push((read(&entry.value)?, entry.revision));
                } else if entry.key == keys::head(run) {
                    stored.head = read(&entry.value)?;
                } else if entry.key == keys::failing(run) {
                    stored.failing = Some(read(&entry.value)?);
                }
            }
            if !full {
                return Ok(stored);
            }
            after = last;
        }
    }

    /// A run by its id.
    pub(super) async fn run(&self, id: &str) -> Result<Job> {
        let job = self.store().job(id).await?;
        if let Some(job) = job.filter(|job| job.name.starts_with(FLOW_PREFIX)) {
            return Ok(job);
        }
        let latest = self.latest(id).await?.run;
        let (said, details) = if latest == id {
            (
                format!("workflow {id:?} does not exist"),
                serde_json::json!({ "id": id }),
            )
        } else {
            let said = format!("run {id:?} is forgotten; its workflow continued as new, of late as {latest:?}");
            (said, serde_json::json!({ "id": id, "latest": latest }))
        };
        let missing = Error::not_found(said).with_code("WORKFLOW_NOT_FOUND");
        Err(missing.with_details(details))
    }

    /// Lists a run among those in memory, for as long as the guard lives.
    pub(super) fn enlist(&self, shared: &Arc<Shared>) -> Enlisted {
        self.live().insert(shared.run.clone(), Arc::downgrade(shared));
        Enlisted(Arc::clone(shared))
    }

    /// The steps of a run that an attempt of it does in this process.
    pub(super) fn active(&self, run: &str, attempt: u32) -> Vec<Record> {
        let shared = self.live().get(run).and_then(Weak::upgrade);
        let shared = shared.filter(|shared| shared.attempt == attempt);
        shared.map_or_else(Vec::new, |shared| shared.journal().active.values().cloned().collect())
    }

    pub(super) fn register(&self, registrations: Vec<(String, Registration)>) {
        if !registrations.is_empty() {
            self.registrations().extend(registrations);
            self.0.registered.notify_one();
        }
    }

    pub(super) fn registrations(&self) -> MutexGuard<'_, HashMap<String, Registration>> {
        self.0.registrations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn registered(&self) {
        self.0.registered.notified().await;
    }

    pub(super) fn service(&self) -> &str {
        &self.0.options.service
    }

    pub(super) fn store(&self) -> &Arc<dyn Store> {
        &self.0.options.store
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.0.options.clock
    }

    pub(super) fn jobs(&self) -> &Jobs {
        &self.0.options.jobs
    }

    pub(super) fn events(&self) -> &Events {
        &self.0.options.events
    }

    pub(super) fn rpc(&self) -> &Client {
        &self.0.options.rpc
    }

    fn live(&self) -> MutexGuard<'_, HashMap<String, Weak<Shared>>> {
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unknown(&self, name: &str) -> Error {
        let known: Vec<_> = self.names().collect();
        let known = if known.is_empty() {
            "it has none".to_owned()
        } else {
            format!("it has {}", known.join(", "))
        };
        Error::not_found(format!("this service has no workflow {name:?}; {known}"))
            .with_code("WORKFLOW_UNKNOWN")
            .with_details(serde_json::json!({ "name": name }))
    }
}

/// Takes a run off the list of those in memory, and its code with it.
pub(super) struct Enlisted(Arc<Shared>);

impl Drop for Enlisted {
    fn drop(&mut self) {
        let mut live = self.0.flows.live();
        // The run may have been woken and taken up again before this life of it was let go.
        let own = Arc::downgrade(&self.0);
        if live.get(&self.0.run).is_some_and(|listed| listed.ptr_eq(&own)) {
            live.remove(&self.0.run);
        }
        drop(live);
        // What undoes holds the run, which holds what undoes.
        let undo = std::mem::take(&mut self.0.journal().undo);
        drop(undo);
    }
}

impl fmt::Debug for Flows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flows")
            .field("service", &self.0.options.service)
            .field("known", &self.0.options.known.keys())
            .finish()
    }
}

/// `WORKFLOW_EXISTS`.
pub(super) fn exists(id: &str) -> Error {
    Error::conflict(format!("another run has the id {id:?}"))
        .with_code("WORKFLOW_EXISTS")
        .with_details(serde_json::json!({ "id": id }))
}

/// The id that a starter chose.
pub(super) fn checked_id(id: String) -> Result<String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    if (1..=ID_MAX_BYTES).contains(&id.len()) && id.bytes().all(fits) {
        return Ok(id);
    }
    Err(Error::invalid(format!(
        "a workflow's id is 1 to {ID_MAX_BYTES} letters, digits and any of - _ . :"
    )))
}

/// The workflow that a run is of.
pub(super) fn workflow_of(run: &Job) -> &str {
    run.name.strip_prefix(FLOW_PREFIX).unwrap_or(&run.name)
}

pub(super) fn read<T: serde::de::DeserializeOwned>(value: &Json) -> store::Result<T> {
    value.to().map_err(|error| store::Error::Backend {
        doing: "reading the journal of a run",
        source: Box::new(error),
    })
}
