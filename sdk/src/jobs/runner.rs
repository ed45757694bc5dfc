//! Takes due jobs and ticks from the store and runs them, each attempt a task of its own.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::heartbeat::Pulse;
use super::plan::Plan;
use super::{Jobs, retry};
use crate::error::{Error, Result};
use crate::lifecycle::{Scope, panic_message};
use crate::policy::{Backoff, jitter};
use crate::store::{self, Batch, Claim, Job, Op, Outcome, Refusal, Settle, Verdict, Want};
use crate::telemetry::{self, TraceContext};
use crate::wire::Json;

/// Jobs of one service that run at once in one process, unless its contract says less: most jobs wait for others, and the store's reader threads are few.
pub const CONCURRENCY: usize = 64;
/// How long a cancelled handler may take to notice before its future is dropped.
const CANCEL_GRACE: Duration = Duration::from_secs(10);
/// The net under the wake-ups: with nothing due, the store is asked no more often than this.
pub(super) const IDLE_SWEEP: Duration = Duration::from_secs(60);
/// The wait between tries to write an outcome down while the store cannot.
pub(super) const SETTLE_BACKOFF: Backoff = Backoff::doubling(Duration::from_millis(100), Duration::from_secs(10));

/// What a handler's work came to.
pub type Finished = Result<Option<Json>>;
/// Runs one attempt of a job.
pub type JobHandler = Arc<dyn Fn(Run) -> BoxFuture<'static, Finished> + Send + Sync>;

/// One attempt, as its handler sees it. Cheap to clone.
#[derive(Clone)]
pub struct Run {
    /// The job, as it was when the attempt began.
    pub job: Arc<Job>,
    /// Cancelled when the job is.
    pub cancelled: CancellationToken,
    pub(super) jobs: Jobs,
    pub(super) pulse: Arc<Pulse>,
    left: Arc<AtomicBool>,
}

impl Run {
    /// Says that the handler has written down itself how the attempt ends, or leaves it to the next life of the process: what it then
    /// returns is passed over.
    pub fn leave(&self) {
        self.left.store(true, Ordering::Relaxed);
    }

    /// Says how far the attempt is; shown in the job until it says more, and given to the next attempt. It is a heartbeat too.
    ///
    /// # Errors
    /// `FENCED` where the attempt is no longer the running one: stop then.
    pub async fn progress(&self, progress: Json) -> Result<()> {
        self.pulse.beat();
        let op = Op::Progress {
            job: self.job.id.clone(),
            attempt: self.job.attempt,
            progress,
        };
        self.jobs
            .store
            .commit(Batch {
                at: self.jobs.clock.now(),
                ops: vec![op],
            })
            .await?;
        // A store that took its time is no silence of the handler's.
        self.pulse.beat();
        Ok(())
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("job", &self.job.id)
            .field("attempt", &self.job.attempt)
            .finish()
    }
}

/// What a runner needs beside the jobs.
#[derive(Clone)]
pub struct RunnerOptions {
    /// This process incarnation; what runs under another one at open was interrupted.
    pub owner: String,
    /// Handlers by name.
    pub handlers: BTreeMap<String, JobHandler>,
    /// How many jobs run at once in all.
    pub concurrency: usize,
}

/// Runs jobs until its scope is cancelled; then it takes no more, waits for what runs, and hands back what does not finish.
pub struct Runner {
    jobs: Jobs,
    options: RunnerOptions,
    scope: Scope,
    attempts: Scope,
    free: BTreeMap<String, usize>,
    /// Handlers that run.
    busy: usize,
    plan: Plan,
    ended: (mpsc::UnboundedSender<String>, mpsc::UnboundedReceiver<String>),
}

impl Runner {
    /// A runner in a scope. Attempts run in `attempts`, which outlives the runner's own task so that they can finish while it drains.
    pub fn new(jobs: Jobs, options: RunnerOptions, scope: Scope, attempts: Scope) -> Self {
        let free = jobs
            .known
            .iter()
            .filter(|(name, _)| options.handlers.contains_key(*name))
            .map(|(name, defaults)| (name.clone(), defaults.concurrency.max(1)))
            .collect();
        // At most one message an attempt, and attempts are bounded by the slots.
        Runner {
            jobs,
            options,
            scope,
            attempts,
            free,
            busy: 0,
            plan: Plan::default(),
            ended: mpsc::unbounded_channel(),
        }
    }

    /// Runs until the scope is cancelled. It ends as well where the store takes no more writes.
    pub async fn run(mut self) {
        let mut heads = self.jobs.store.heads();
        let mut trying = None;
        while !self.scope.is_cancelled() {
            trying
                .get_or_insert_with(|| self.jobs.pulse.tries("taking due jobs"))
                .asks();
            // Noted before the store is asked: what becomes ready while it answers must wake this loop again.
            let store::Heads {
                jobs: jobs_head, plans, ..
            } = *heads.borrow_and_update();
            let wake = match self.take_due(plans).await {
                Ok(wake) => {
                    trying = None;
                    wake
                }
                // Closed or poisoned: nothing can be run any more, and who watches the store has been told.
                Err(_) if heads.has_changed().is_err() => break,
                Err(error) => {
                    trying.iter().for_each(|trying| trying.refused(&error.chain()));
                    tracing::warn!(error = %error.chain(), "due jobs could not be taken; trying again");
                    Some(self.jobs.clock.now() + SETTLE_BACKOFF.wait(3, jitter()))
                }
            };
            let wait = wake.map_or(IDLE_SWEEP, |at| {
                (at - self.jobs.clock.now()).to_std().unwrap_or_default()
            });
            tokio::select! {
                () = self.scope.cancelled() => break,
                () = tokio::time::sleep(wait.min(IDLE_SWEEP)) => {}
                changed = heads.wait_for(|now| now.jobs != jobs_head) => {
                    if changed.is_err() {
                        break;
                    }
                }
                Some(name) = self.ended.1.recv() => self.give_back(name),
            }
            while let Ok(name) = self.ended.1.try_recv() {
                self.give_back(name);
            }
        }
    }

    fn give_back(&mut self, name: String) {
        *self.free.entry(name).or_default() += 1;
        self.busy = self.busy.saturating_sub(1);
    }

    /// Takes what is due, starts it, and gives the moment at which there may be more.
    async fn take_due(&mut self, plans: u64) -> Result<Option<DateTime<Utc>>> {
        let (paused, next_tick) = self.plan.at(&self.jobs, plans).await?;
        let limit = self.options.concurrency.saturating_sub(self.busy);
        let wants: Vec<Want> = self
            .free
            .iter()
            .filter(|(name, slots)| **slots > 0 && paused.name(name).is_none())
            .map(|(name, slots)| Want {
                name: name.clone(),
                slots: *slots,
                rate: self.jobs.known.get(name).and_then(|defaults| defaults.rate),
            })
            .collect();
        if wants.is_empty() || limit == 0 {
            // A slot that becomes free wakes the loop.
            return Ok(next_tick);
        }
        let claim = Claim {
            owner: self.options.owner.clone(),
            wants,
            limit,
            early: true,
        };
        let outcome = self
            .jobs
            .store
            .commit(Batch::new(self.jobs.clock.now()).with(claim))
            .await?
            .pop();
        let Some(Outcome::Claimed { jobs, next_due, .. }) = outcome else {
            return Err(Error::internal(format!("a claim came to {outcome:?}")));
        };
        for job in jobs {
            self.start(job);
        }
        Ok([next_tick, next_due].into_iter().flatten().min())
    }

    fn start(&mut self, job: Job) {
        if let Some(slots) = self.free.get_mut(&job.name) {
            *slots = slots.saturating_sub(1);
        }
        let Some(handler) = self.options.handlers.get(&job.name).cloned() else {
            return;
        };
        self.busy += 1;
        let cancelled = CancellationToken::new();
        self.jobs.running.lock().insert(job.id.clone(), cancelled.clone());
        let run = Run {
            job: Arc::new(job),
            cancelled,
            jobs: self.jobs.clone(),
            pulse: Arc::new(Pulse::new()),
            left: Arc::default(),
        };
        let (ended, stopping) = (self.ended.0.clone(), self.attempts.token());
        self.attempts
            .spawn_graceful("job", attempt(run, handler, ended, stopping));
    }
}

/// Runs one attempt and writes down what it came to.
async fn attempt(run: Run, handler: JobHandler, ended: mpsc::UnboundedSender<String>, stopping: CancellationToken) {
    let span = tracing::info_span!(target: "syscall", "job", otel.name = format!("job {}", run.job.name), span.kind = "consumer", job.id = run.job.id, job.attempt = run.job.attempt);
    telemetry::join_trace(&span, run.job.trace.as_deref().and_then(TraceContext::parse));
    let trace = telemetry::trace_of(&span).map(|trace| trace.to_string());
    let end = execute(&run, handler, &stopping).instrument(span.clone()).await;
    run.jobs.running.lock().remove(&run.job.id);
    // The slot is free when the work is done: the next claim stands behind the outcome in the store's queue, and shares its sync.
    // The runner may be gone, and then nobody needs the slot.
    let _ = ended.send(run.job.name.clone());
    if let End::Failed(error) = &end {
        telemetry::mark_error(&span, error.message());
        span.in_scope(|| tracing::warn!(job.id = run.job.id, job.name = run.job.name, job.attempt = run.job.attempt, error = %error.chain(), "a job's attempt failed"));
    }
    if !run.left.load(Ordering::Relaxed) {
        settle(&run, end, trace).await;
    }
}

enum End {
    Completed(Option<Json>),
    Failed(Error),
    Cancelled,
    HandedBack,
}

async fn execute(run: &Run, handler: JobHandler, stopping: &CancellationToken) -> End {
    let limit = retry::limit(&run.job, run.jobs.clock.now());
    let work = AssertUnwindSafe(async { handler(run.clone()).await }).catch_unwind();
    let limited = async {
        match limit {
            None => Ok(work.await),
            // Its time was over before it came to run.
            Some((most, late)) if most.is_zero() => Err(late),
            Some((most, late)) => tokio::time::timeout(most, work).await.map_err(|_| late),
        }
    };
    let cancelled = async {
        run.cancelled.cancelled().await;
        tokio::time::sleep(CANCEL_GRACE).await;
    };
    tokio::select! {
        biased;
        outcome = limited => match outcome {
            _ if run.cancelled.is_cancelled() => End::Cancelled,
            Ok(Ok(Ok(result))) => End::Completed(result),
            Ok(Ok(Err(error))) => End::Failed(error),
            Ok(Err(panic)) => End::Failed(Error::internal(format!("the handler panicked: {}", panic_message(&*panic))).with_code("PANIC")),
            Err(late) => End::Failed(late),
        },
        silent = run.pulse.silent(run.job.heartbeat) => End::Failed(silent),
        () = cancelled => End::Cancelled,
        () = stopping.cancelled() => End::HandedBack,
    }
}

/// Writes the outcome down, however long the store takes to take it; gives up only when the attempt was fenced or the store is gone.
async fn settle(run: &Run, end: End, trace: Option<String>) {
    let job = &run.job;
    let verdict = match end {
        End::Completed(result) => Some(Verdict::Completed { result }),
        End::Failed(error) => Some(retry::verdict(job, &error, run.jobs.clock.now(), jitter())),
        End::HandedBack => Some(Verdict::HandedBack),
        End::Cancelled => None,
    };
    let op = match verdict {
        Some(verdict) => Op::Settle(Settle {
            job: job.id.clone(),
            attempt: job.attempt,
            verdict,
            trace,
        }),
        None => Op::AcknowledgeCancel {
            job: job.id.clone(),
            attempt: job.attempt,
        },
    };
    let trying = run.jobs.pulse.tries("writing down a job's outcome");
    for failure in 1.. {
        trying.asks();
        let Some(told) = run.jobs.ending(job, &op).await else {
            return;
        };
        let batch = Batch {
            at: run.jobs.clock.now(),
            ops: std::iter::once(op.clone()).chain(told).collect(),
        };
        match run.jobs.store.commit(batch).await {
            Ok(_) => return run.jobs.ring(&job.id),
            // Cancelled while it ran: its outcome is refused, and that it has stopped is worth noting.
            Err(store::Error::Refused {
                why: Refusal::Fenced { .. },
                ..
            }) => {
                let acknowledge = Op::AcknowledgeCancel {
                    job: job.id.clone(),
                    attempt: job.attempt,
                };
                let _ = run
                    .jobs
                    .store
                    .commit(Batch {
                        at: run.jobs.clock.now(),
                        ops: vec![acknowledge],
                    })
                    .await;
                return;
            }
            Err(store::Error::Refused { .. } | store::Error::Closed | store::Error::Poisoned(_)) => return,
            Err(error) => {
                trying.refused(&error.to_string());
                tracing::warn!(job.id = job.id, error = %error, "a job's outcome could not be written; trying again");
                tokio::time::sleep(SETTLE_BACKOFF.wait(failure, jitter())).await;
            }
        }
    }
}
