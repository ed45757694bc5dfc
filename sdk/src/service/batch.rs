//! One handler for many jobs: gathered as they are taken, handled together, each with an outcome of its own.
//!
//! Every job stays a job: it is claimed, fenced, limited in time and settled by itself, and its attempt waits here until the batch has an
//! outcome for it. So nothing of a batch is kept anywhere, and what a crash leaves unfinished runs again.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::{Semaphore, oneshot};
use tracing::Instrument;

use super::{ServedTask, Service, result_of};
use crate::context::{Context, JobContext, decode};
use crate::contract::{Gathering, Payload, Task};
use crate::error::{Error, Origin, Result};
use crate::jobs::Finished;
use crate::lifecycle::panic_message;

/// One job of a batch.
#[derive(Debug)]
pub struct Item<P> {
    /// The service, and the attempt of this job: its progress, whether it is cancelled.
    pub context: JobContext,
    /// What the job is given.
    pub params: P,
}

/// What a handler of batches makes of one: an outcome for each item, in their order.
pub type Outcomes<R> = Result<Vec<Result<R>>>;

type Handler<P, R> = Arc<dyn Fn(Context, Vec<Item<P>>) -> BoxFuture<'static, Outcomes<R>> + Send + Sync>;

impl Service {
    /// Runs jobs many at a time, as their contract's [`batch`](Task::batch) says. The handler gives one outcome for each item, in their
    /// order: each job completes, fails or is tried again by itself. An error of the whole is each item's.
    ///
    /// # Panics
    /// Where the contract is another service's or says nothing of batches, or the name has a handler already.
    #[must_use]
    pub fn task_batch<P, R, F, Fut>(mut self, task: Task<P, R>, handler: F) -> Self
    where
        P: Payload,
        R: Payload,
        F: Fn(Context, Vec<Item<P>>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Outcomes<R>> + Send + 'static,
    {
        let gathering = task.batch.unwrap_or_else(|| {
            panic!(
                "the contract of job {} does not say how many make a batch; it has .batch(…) to do so",
                task.name
            )
        });
        let mut defaults = self.defaults_of(&task);
        let batches = task.concurrency.unwrap_or(1).max(1);
        defaults.concurrency = batches.saturating_mul(gathering.max);
        self.gathered += defaults.concurrency;
        let gather = Arc::new(Gather {
            name: task.name,
            gathering,
            handler: Arc::new(move |context, items| handler(context, items).boxed()) as Handler<P, R>,
            waiting: Mutex::default(),
            room: Semaphore::new(batches),
        });
        let served = ServedTask {
            defaults,
            handler: Arc::new(move |context: JobContext| {
                let gather = Arc::clone(&gather);
                Box::pin(async move {
                    let params = decode::<P>(task.name, context.job().params.as_ref())?;
                    gather.join(Item { context, params }).await
                })
            }),
        };
        self.serve(task.name, served);
        self
    }
}

/// The jobs of a name that wait to be handled together.
struct Gather<P, R> {
    name: &'static str,
    gathering: Gathering,
    handler: Handler<P, R>,
    waiting: Mutex<Vec<Waiting<P, R>>>,
    /// How many batches are handled at once.
    room: Semaphore,
}

struct Waiting<P, R> {
    item: Item<P>,
    outcome: oneshot::Sender<Result<R>>,
}

impl<P: Payload, R: Payload> Gather<P, R> {
    /// Waits with others, and gives what the batch made of this one. Dropped, it leaves the batch to go on without it.
    async fn join(self: Arc<Self>, item: Item<P>) -> Finished {
        let run = item.context.clone();
        let context: Context = (*run).clone();
        let (outcome, mut told) = oneshot::channel();
        let waiting = {
            let mut waiting = self.lock();
            waiting.push(Waiting { item, outcome });
            waiting.len()
        };
        // The first has a batch made when it has waited long enough, and whoever fills one has it made now. So there is always one
        // under way for whoever waits.
        let gather = Arc::clone(&self);
        let handled = context.clone();
        if waiting.is_multiple_of(self.gathering.max) {
            context.spawn("job-batch", gather.handle(handled));
        } else if waiting == 1 {
            context.spawn("job-batch", async move {
                tokio::time::sleep(gather.gathering.linger).await;
                gather.handle(handled).await;
            });
        }
        let told = tokio::select! {
            biased;
            outcome = &mut told => outcome,
            // One that waits still leaves; one that is being handled is told by its context, and its handler stops it.
            () = run.cancelled() => {
                self.lock().retain(|waiting| waiting.item.context.job().id != run.job().id);
                told.await
            }
        };
        let result =
            told.map_err(|_| Error::unavailable("the batch was cut off before it had an outcome for this job"))??;
        result_of("job", self.name, &result)
    }

    /// Handles what waits, as far as it makes one batch.
    async fn handle(self: Arc<Self>, context: Context) {
        // Never closed.
        let Ok(_room) = self.room.acquire().await else { return };
        let batch: Vec<Waiting<P, R>> = {
            let mut waiting = self.lock();
            // Those who gave up in the meantime are in no batch.
            waiting.retain(|waiting| !waiting.outcome.is_closed());
            let most = waiting.len().min(self.gathering.max);
            waiting.drain(..most).collect()
        };
        if batch.is_empty() {
            return;
        }
        let (items, mut told): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|waiting| (waiting.item, waiting.outcome)).unzip();
        let count = items.len();
        let span = tracing::info_span!(target: "syscall", "batch", otel.name = format!("batch {}", self.name), span.kind = "consumer", jobs = count);
        let work = AssertUnwindSafe(async { (self.handler)(context, items).await }).catch_unwind();
        let outcomes = tokio::select! {
            outcomes = work.instrument(span) => outcomes,
            // Nobody is left to hear of it: every one was cancelled, or its time is over.
            _ = join_all(told.iter_mut().map(oneshot::Sender::closed)) => return,
        };
        let of_each = |why: &dyn Fn() -> Error| told.iter().map(|_| Err(why())).collect::<Vec<_>>();
        let outcomes = match outcomes {
            Err(panic) => {
                let what = format!("the handler panicked: {}", panic_message(&*panic));
                of_each(&|| Error::internal(what.clone()).with_code("PANIC"))
            }
            Ok(Err(error)) => of_each(&|| error.again().with_origin(Origin::Handler)),
            Ok(Ok(outcomes)) if outcomes.len() != count => {
                let what = format!(
                    "the handler gave {} outcomes for {count} jobs of a batch",
                    outcomes.len()
                );
                of_each(&|| Error::internal(what.clone()))
            }
            Ok(Ok(outcomes)) => {
                let handlers = |error: Error| error.with_origin(Origin::Handler);
                outcomes.into_iter().map(|outcome| outcome.map_err(handlers)).collect()
            }
        };
        for (told, outcome) in told.into_iter().zip(outcomes) {
            // Who gave up does not hear of it.
            let _ = told.send(outcome);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waiting<P, R>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
