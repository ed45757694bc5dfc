//! Runs the code of one run: replays it against its journal, writes down what it does, and lets it rest when it only waits.
//!
//! Whatever is written bears the fence of the attempt, so of two processes that think they run the same run one is refused.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::{Sleep, sleep};

use super::flows::Flows;
use super::handle::{Handle, Shared};
use super::journal::{Entry, Journal};
use super::limits::{LINGER, STALL, STEPS_MAX, STEPS_WARNED};
use super::undo::{Failing, Undo};
use super::{keys, record};
use crate::error::{Error, Result};
use crate::jobs::{Finished, Run};
use crate::lifecycle::panic_message;
use crate::policy::{Backoff, jitter};
use crate::store::{self, Condition, Op, Outcome, Refusal};
use crate::wire::Json;

/// A workflow's code, types erased.
pub type Body = Arc<dyn Fn(Handle) -> BoxFuture<'static, Finished> + Send + Sync>;

/// The wait between tries to write or read while the store cannot.
pub(super) const RETRY: Backoff = Backoff::doubling(Duration::from_millis(50), Duration::from_secs(10));

/// Why a run leaves this process without having ended or rested.
#[derive(Debug)]
pub(super) enum Stop {
    /// The attempt is no longer the running one.
    Fenced,
    /// The store takes and gives nothing any more.
    Gone(store::Error),
}

/// Why the code is not polled on.
enum Turn {
    Ended(Finished),
    /// It goes on in a new run with this input.
    Continues(Json),
    /// There is something to write down.
    Outbox,
    /// It only waits, and has for a while.
    Waits,
    /// It does not move although the journal holds more.
    Stalled,
    /// While a failure is undone: it has come as far as the journal goes.
    CaughtUp,
    /// It cannot go on under this journal.
    Changed(Error),
}

type Code = Pin<Box<dyn Future<Output = Finished> + Send>>;

impl Flows {
    /// Runs one attempt of a run.
    ///
    /// # Errors
    /// Where the store is gone; every other outcome is written down here.
    pub async fn execute(&self, run: Run, body: Body) -> Finished {
        tokio::select! {
            biased;
            () = run.cancelled.cancelled() => Ok(None),
            outcome = self.drive(&run, &body) => match outcome {
                Ok(()) => {
                    run.leave();
                    Ok(None)
                }
                // The runner finds the attempt fenced, and notes that it has stopped.
                Err(Stop::Fenced) => Ok(None),
                Err(Stop::Gone(error)) => Err(error.into()),
            },
        }
    }

    async fn drive(&self, run: &Run, body: &Body) -> Result<(), Stop> {
        let stored = patiently(|| self.stored(&run.job.id).boxed()).await?;
        let bell = self.jobs().bell(&run.job.id);
        let journal = Journal::new(stored.records);
        let shared = Arc::new(Shared::new(&run.job, &stored.head, self.clone(), bell, journal));
        let _live = self.enlist(&shared);
        let code: Code = {
            let (body, handle) = (Arc::clone(body), Handle::new(Arc::clone(&shared)));
            let code = AssertUnwindSafe(async move { body(handle).await }).catch_unwind();
            Box::pin(async move {
                code.await.unwrap_or_else(|panic| {
                    let message = format!("the workflow's code panicked: {}", panic_message(&*panic));
                    Err(Error::internal(message).with_code("PANIC"))
                })
            })
        };
        match stored.failing {
            None => shared.go(run, code).await,
            Some(failing) => shared.go_on_failing(run, code, failing).await,
        }
    }
}

impl Shared {
    /// Runs the code to its end or to a rest.
    async fn go(self: &Arc<Self>, run: &Run, mut code: Code) -> Result<(), Stop> {
        let ended = loop {
            match self.turn(&mut code, false).await {
                Turn::Outbox => self.write_outbox().await?,
                Turn::Waits => {
                    if self.rest().await? {
                        return Ok(());
                    }
                    // What it waits for has come meanwhile.
                    self.bell.notify_waiters();
                }
                Turn::Stalled => self.journal().stalled(),
                Turn::Changed(error) => return self.end(run, Err(error)).await,
                Turn::CaughtUp => {}
                Turn::Continues(input) => {
                    drop(code);
                    return match self.left_over() {
                        Some(error) => self.end(run, Err(error)).await,
                        None => self.continue_as_new(run, input).await,
                    };
                }
                Turn::Ended(ended) => break ended,
            }
        };
        drop(code);
        if let Some(error) = self.left_over() {
            return self.end(run, Err(error)).await;
        }
        let undo = std::mem::take(&mut self.journal().undo);
        match ended {
            Err(error) if !undo.is_empty() => {
                let failing = Failing {
                    error: record::Fault::of(&error),
                    undo: undo.iter().map(|undo| undo.name.clone()).collect(),
                };
                self.note_failing(&failing).await?;
                self.undo(run, undo, failing).await
            }
            ended => self.end(run, ended).await,
        }
    }

    /// Takes up a run that was undoing what it did: the code is replayed for what it says of undoing, and does nothing new.
    async fn go_on_failing(self: &Arc<Self>, run: &Run, mut code: Code, failing: Failing) -> Result<(), Stop> {
        loop {
            match self.turn(&mut code, true).await {
                Turn::Ended(_) | Turn::Continues(_) | Turn::CaughtUp => break,
                Turn::Stalled => self.journal().stalled(),
                Turn::Changed(error) => return self.end(run, Err(error)).await,
                Turn::Outbox | Turn::Waits => {}
            }
        }
        drop(code);
        let undo = std::mem::take(&mut self.journal().undo);
        if !undo.iter().map(|undo| &undo.name).eq(&failing.undo) {
            let error = self.journal().diverged(Some("another list of what is to be undone"));
            return self.end(run, Err(error)).await;
        }
        self.undo(run, undo, failing).await
    }

    async fn undo(self: &Arc<Self>, run: &Run, undo: Vec<Undo>, failing: Failing) -> Result<(), Stop> {
        self.journal().go_live();
        let handle = Handle::new(Arc::clone(self));
        let work = async move { Err(handle.undo_all(undo, failing.error.error()).await) };
        let mut work: Code = Box::pin(work);
        let ended = loop {
            match self.turn(&mut work, false).await {
                Turn::Outbox => self.write_outbox().await?,
                Turn::Waits => {
                    if self.rest().await? {
                        return Ok(());
                    }
                }
                Turn::Ended(ended) => break ended,
                Turn::Changed(error) => break Err(error),
                Turn::Continues(_) => {
                    break Err(Error::invalid("a run that undoes what it did cannot continue as new"));
                }
                Turn::Stalled | Turn::CaughtUp => {}
            }
        };
        self.end(run, ended).await
    }

    /// Polls the code until there is something to do for it.
    async fn turn(&self, code: &mut Code, failing: bool) -> Turn {
        let mut timer: Option<Pin<Box<Sleep>>> = None;
        poll_fn(|context| {
            loop {
                let before = self.journal().visits;
                if let Poll::Ready(ended) = code.as_mut().poll(context) {
                    return Poll::Ready(match self.journal().changed.take() {
                        Some(error) => Turn::Changed(error),
                        None => Turn::Ended(ended),
                    });
                }
                let mut journal = self.journal();
                if let Some(error) = journal.changed.take() {
                    return Poll::Ready(Turn::Changed(error));
                }
                if let Some(input) = journal.continuing.take() {
                    return Poll::Ready(Turn::Continues(input));
                }
                if !journal.outbox.is_empty() {
                    return Poll::Ready(Turn::Outbox);
                }
                if !journal.live {
                    if journal.unvisited == 0 {
                        if failing {
                            return Poll::Ready(Turn::CaughtUp);
                        }
                        journal.go_live();
                        continue;
                    }
                    if journal.visits != before {
                        timer = None;
                        continue;
                    }
                    // Code that asks for nothing waits for something of its own, and may ask yet.
                    if journal.held.is_empty() {
                        timer = None;
                        return Poll::Pending;
                    }
                    return patient(&mut timer, STALL, context).map(|()| Turn::Stalled);
                }
                if !journal.active.is_empty() || journal.waits.is_empty() || self.soon(&journal) {
                    timer = None;
                    return Poll::Pending;
                }
                return patient(&mut timer, LINGER, context).map(|()| Turn::Waits);
            }
        })
        .await
    }

    /// Whether a wait is over so soon that leaving memory does not pay.
    fn soon(&self, journal: &Journal) -> bool {
        let now = self.flows.clock().now();
        let left = journal.waits.values().filter_map(|waiting| waiting.until);
        left.min()
            .is_some_and(|until| (until - now).to_std().is_ok_and(|left| left <= LINGER))
    }

    /// Why the code cannot have ended where it did; steps that only a marker could have guarded are left in the journal.
    fn left_over(&self) -> Option<Error> {
        let journal = self.journal();
        (journal.unvisited > 0).then(|| journal.diverged(None))
    }

    /// Writes down in one commit what has come about since the last one.
    async fn write_outbox(&self) -> Result<(), Stop> {
        let mut entries = std::mem::take(&mut self.journal().outbox);
        // The losers of a race are not written down.
        entries.retain(|entry| !entry.done.is_closed());
        let Some(last) = entries.last() else { return Ok(()) };
        let progress = serde_json::json!({ "step": last.record.name, "steps": self.journal().steps() });
        let mut ops = vec![self.fence(progress.into())];
        ops.extend(entries.iter().map(|entry| self.put(entry)));
        ops.extend(entries.iter_mut().flat_map(|entry| entry.ops.drain(..)));
        let outcomes = match self.commit(ops).await? {
            Some(outcomes) => outcomes,
            None => self.written_before(&entries).await?,
        };
        let revisions = outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Written(entry) => Some(entry.revision),
            _ => None,
        });
        for (entry, revision) in entries.into_iter().zip(revisions) {
            self.journal().keep(entry.record, revision);
            self.warn_of_length();
            // Dropped meanwhile: it is written, and its branch is not there to hear of it.
            let _ = entry.done.send(());
        }
        Ok(())
    }

    /// Says once that the run will come to its last step, while there is time.
    fn warn_of_length(&self) {
        if self.journal().steps() == STEPS_WARNED {
            tracing::warn!(
                run = self.run,
                workflow = self.workflow,
                steps = STEPS_WARNED,
                "half of the {STEPS_MAX} steps that a run may have are used; let its code continue as new when \
                 continue_as_new_suggested says so, or split it into children"
            );
        }
    }

    fn put(&self, entry: &Entry) -> Op {
        let condition = entry.revision.map_or(Condition::Absent, Condition::Revision);
        keys::put(
            keys::step(&self.run, &entry.record.step()),
            record_json(&entry.record),
            condition,
        )
    }

    /// Refuses a batch where this attempt is not the running one.
    pub(super) fn fence(&self, progress: Json) -> Op {
        Op::Progress {
            job: self.run.clone(),
            attempt: self.attempt,
            progress,
        }
    }

    async fn note_failing(&self, failing: &Failing) -> Result<(), Stop> {
        let noted = Json::of(failing).expect("texts have a JSON form");
        let progress = serde_json::json!({ "undoing": failing.undo });
        let ops = vec![
            self.fence(progress.into()),
            keys::put(keys::failing(&self.run), noted, Condition::Any),
        ];
        self.commit(ops).await.map(drop)
    }

    /// Commits for as long as it takes; `None` where a condition on a key did not hold.
    pub(super) async fn commit(&self, ops: Vec<Op>) -> Result<Option<Vec<Outcome>>, Stop> {
        let clock = self.flows.clock();
        for failure in 1.. {
            let batch = store::Batch {
                at: clock.now(),
                ops: ops.clone(),
            };
            match self.flows.store().commit(batch).await {
                Ok(outcomes) => return Ok(Some(outcomes)),
                Err(store::Error::Refused {
                    why: Refusal::Version { .. },
                    ..
                }) => return Ok(None),
                Err(store::Error::Refused { .. }) => return Err(Stop::Fenced),
                Err(error) => wait_or_stop(error, failure).await?,
            }
        }
        Err(Stop::Fenced)
    }

    /// The revisions of entries that an earlier commit wrote whose answer was lost. Where it was another's, this attempt is over.
    async fn written_before(&self, entries: &[Entry]) -> Result<Vec<Outcome>, Stop> {
        let mut written = Vec::with_capacity(entries.len());
        for entry in entries {
            let key = keys::step(&self.run, &entry.record.step());
            let store = self.flows.store();
            let found = patiently(|| store.get(crate::jobs::RUNS, &key)).await?;
            match found.filter(|found| found.value == record_json(&entry.record)) {
                Some(found) => written.push(Outcome::Written(found)),
                None => return Err(Stop::Fenced),
            }
        }
        Ok(written)
    }
}

/// Polls a timer that starts when it is first asked.
fn patient(timer: &mut Option<Pin<Box<Sleep>>>, patience: Duration, context: &mut std::task::Context<'_>) -> Poll<()> {
    timer
        .get_or_insert_with(|| Box::pin(sleep(patience)))
        .as_mut()
        .poll(context)
}

pub(super) fn record_json(record: &record::Record) -> Json {
    Json::of(record).expect("a record is made of texts, numbers and JSON")
}

/// Reads for as long as it takes.
pub(super) async fn patiently<'a, T>(read: impl Fn() -> BoxFuture<'a, store::Result<T>>) -> Result<T, Stop> {
    for failure in 1.. {
        match read().await {
            Ok(read) => return Ok(read),
            Err(error) => wait_or_stop(error, failure).await?,
        }
    }
    Err(Stop::Fenced)
}

pub(super) async fn wait_or_stop(error: store::Error, failure: u32) -> Result<(), Stop> {
    match error {
        store::Error::Closed | store::Error::Poisoned(_) | store::Error::Unusable(_) => Err(Stop::Gone(error)),
        error => {
            tracing::warn!(error = %error, "the journal of a run cannot be reached; trying again");
            sleep(RETRY.wait(failure, jitter())).await;
            Ok(())
        }
    }
}
