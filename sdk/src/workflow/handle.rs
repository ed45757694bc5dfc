//! What a workflow's code holds: the way to its steps.

use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Notify, oneshot};

use super::flows::{Flows, workflow_of};
use super::head::Head;
use super::journal::{Asked, Entry, Held, Journal};
use super::record::{Record, Request, StepKind};
use crate::error::{Error, Result};
use crate::jobs::place_in_chain;
use crate::store::{Op, Seq};
use crate::wire::Json;

/// One run of a workflow, as its code sees it: every method is a step that is done once. Cheap to clone.
#[derive(Clone)]
pub struct Handle(pub(super) Arc<Shared>, Arc<str>);

pub(super) struct Shared {
    pub(super) run: String,
    /// Its workflow's name.
    pub(super) workflow: String,
    pub(super) attempt: u32,
    /// The place in the log at which the run began: an event after it counts for the run, however early it came.
    pub(super) since: Seq,
    pub(super) flows: Flows,
    pub(super) bell: Arc<Notify>,
    journal: Mutex<Journal>,
}

impl Shared {
    pub(super) fn new(run: &crate::store::Job, head: &Head, flows: Flows, bell: Arc<Notify>, journal: Journal) -> Self {
        Shared {
            run: run.id.clone(),
            workflow: workflow_of(run).to_owned(),
            attempt: run.attempt,
            since: head.since.unwrap_or(run.seq),
            flows,
            bell,
            journal: Mutex::new(journal),
        }
    }

    pub(super) fn journal(&self) -> MutexGuard<'_, Journal> {
        // Nothing that can panic runs under this lock; a poisoned one is as good.
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handle {
    /// The run's id.
    pub fn id(&self) -> &str {
        &self.0.run
    }

    /// The id of the first run, which is the same for all that continue it [as new](Handle::continue_as_new).
    pub fn first_id(&self) -> &str {
        place_in_chain(&self.0.run).0
    }

    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Handle(shared, "".into())
    }

    /// The same run for a branch: its steps bear the branch's name before theirs.
    ///
    /// Steps of one name are told apart by the order in which they are asked for, which branches side by side do not keep. So where two of
    /// them sleep, or wait for the same event, each needs a name.
    #[must_use]
    pub fn branch(&self, name: &str) -> Handle {
        Handle(Arc::clone(&self.0), format!("{}{name}/", self.1).into())
    }

    /// A name as the journal has it.
    pub(super) fn named(&self, name: &str) -> String {
        format!("{}{name}", self.1)
    }

    pub(super) fn clock_now(&self) -> DateTime<Utc> {
        self.0.flows.clock().now()
    }

    /// Asks the journal for a step. What is not in it, or only begun, is given when the code has caught up with the journal.
    pub(super) async fn ask(&self, name: &str, kind: StepKind, request: Option<Request>) -> Result<Asked> {
        let asked = self
            .0
            .journal()
            .ask(&self.named(name), kind, request, self.clock_now())?;
        match asked {
            Asked::Never => pending().await,
            Asked::Open(record, revision) => {
                let outdated = self.caught_up(&record).await;
                Ok(if outdated {
                    Asked::Outdated(record)
                } else {
                    Asked::Open(record, revision)
                })
            }
            ended => Ok(ended),
        }
    }

    /// Waits until the code has caught up with the journal; says whether this is a marker that is older than the journal.
    async fn caught_up(&self, record: &Record) -> bool {
        let mut place: Option<Place<'_>> = None;
        poll_fn(|context| {
            let mut journal = self.0.journal();
            if journal.live {
                return Poll::Ready(false);
            }
            let ticket = match &place {
                Some(place) => place.ticket,
                None => {
                    let ticket = journal.ticket();
                    place = Some(Place {
                        shared: &self.0,
                        ticket,
                    });
                    ticket
                }
            };
            let held = journal.held.entry(ticket).or_insert_with(|| Held {
                step: record.step(),
                marker: record.kind == StepKind::Version,
                outdated: false,
                waker: None,
            });
            if held.outdated {
                return Poll::Ready(true);
            }
            held.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Writes a step down, with whatever must happen with it; it is durable when this returns.
    ///
    /// Where this is dropped before, as the loser of a race is, nothing is written.
    pub(super) async fn write(&self, record: Record, revision: Option<Seq>, ops: Vec<Op>) {
        let (done, written) = oneshot::channel();
        self.0.journal().outbox.push(Entry {
            record,
            revision,
            ops,
            done,
        });
        if written.await.is_err() {
            // The run is over for this process, and its code with it.
            pending::<()>().await;
        }
    }

    /// Notes that a step is being done, for as long as the guard lives.
    pub(super) fn active(&self, record: Record) -> Active<'_> {
        let mut journal = self.0.journal();
        let ticket = journal.ticket();
        journal.active.insert(ticket, record);
        Active {
            shared: &self.0,
            ticket,
        }
    }

    /// Reads from the store for as long as it takes: that a read fails is nothing that a workflow's code could mend.
    pub(super) async fn read<'a, T>(&self, read: impl Fn() -> BoxFuture<'a, crate::store::Result<T>>) -> T {
        match super::drive::patiently(read).await {
            Ok(read) => read,
            // The store is gone, and the run will be taken up where there is one.
            Err(_) => pending().await,
        }
    }
}

/// Takes a held step out of the list when it is held no more.
struct Place<'a> {
    shared: &'a Shared,
    ticket: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.shared.journal().held.remove(&self.ticket);
    }
}

/// Takes a step out of the list of those that are being done.
pub(super) struct Active<'a> {
    shared: &'a Shared,
    ticket: u64,
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.shared.journal().active.remove(&self.ticket);
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("run", &self.0.run).finish()
    }
}

pub(super) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Json> {
    Json::of(value).map_err(|error| Error::invalid("the value has no JSON form").with_source(error))
}

pub(super) fn decode<T: DeserializeOwned>(step: &str, value: &Json) -> Result<T> {
    value.to().map_err(|error| {
        Error::new(
            crate::error::Kind::Unprocessable,
            format!("what step {step:?} came to does not fit its type: {error}"),
        )
        .with_code("STEP_RESULT_TYPE")
    })
}

/// The future of one branch.
pub type Branch<'a, T> = std::pin::Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;
