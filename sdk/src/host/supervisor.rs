//! A crash scope: lives of one service, one after the other, until it is stopped or given up.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::announce;
use super::boot::{self, Life, Plan};
use super::denials;
use super::stall;
use crate::context::{BusEvent, Kernel, Phase};
use crate::error::Error;
use crate::http::refuse;
use crate::lifecycle::Scope;
use crate::policy::{Backoff, jitter};
use crate::transport::Handler;

/// Between a death and the next life.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_millis(100), Duration::from_secs(30));
/// More deaths than this within the window, and the service is given up: a restart does not mend what breaks at once.
const RESTARTS_MAX: usize = 5;
/// The window.
const RESTART_WINDOW: Duration = Duration::from_secs(60);
/// How long a dead life's tasks may take to end.
const BURIAL: Duration = Duration::from_secs(1);

/// How long a store may take to finish what it has accepted: a disk that hangs must not outlast the platform's patience.
const STORE_CLOSE: Duration = Duration::from_secs(2);

/// How a service stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It boots.
    Booting,
    /// It runs.
    Running,
    /// It died and waits for its next life.
    Restarting,
    /// It died too often and is given up; the others go on.
    Quarantined,
    /// It was stopped.
    Stopped,
}

/// How a service stands, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How.
    pub status: Status,
    /// How often it was started anew.
    pub restarts: u64,
    /// How long its last boot took.
    pub boot: Duration,
    /// Why it last died.
    pub reason: Option<String>,
}

/// Supervises one service.
#[derive(Debug)]
pub(super) struct Supervisor {
    key: String,
    standing: watch::Receiver<Standing>,
    shared: Arc<Shared>,
    stopping: Scope,
}

#[derive(Debug, Default)]
pub(super) struct Shared {
    life: Mutex<Option<Arc<Life>>>,
    open: watch::Sender<bool>,
}

/// The services of one process, each with the life that it has now.
pub(super) type Neighbours = Arc<[Arc<Shared>]>;

impl Shared {
    pub(super) fn life(&self) -> Option<Arc<Life>> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The kernel that it has now.
    pub(super) fn kernel(&self) -> Option<Arc<Kernel>> {
        self.life().map(|life| Arc::clone(&life.kernel))
    }

    fn set(&self, life: Option<Arc<Life>>) {
        *self.life.lock().unwrap_or_else(PoisonError::into_inner) = life;
    }
}

impl Supervisor {
    /// Starts supervising.
    pub(super) fn start(scope: &Scope, plan: Plan) -> Self {
        let first = Standing {
            status: Status::Booting,
            restarts: 0,
            boot: Duration::ZERO,
            reason: None,
        };
        let (tell, standing) = watch::channel(first);
        let shared = Arc::<Shared>::default();
        let stopping = scope.child(format!("supervisor of {}", plan.record.key));
        let key = plan.record.key.clone();
        scope.spawn("supervisor", lives(plan, tell, Arc::clone(&shared), stopping.clone()));
        Supervisor {
            key,
            standing,
            shared,
            stopping,
        }
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    pub(super) fn kernel(&self) -> Option<Arc<Kernel>> {
        self.shared.kernel()
    }

    /// The kernel of whichever life there is, for who looks later.
    pub(super) fn lives(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Waits until the first boot has succeeded or failed.
    pub(super) async fn first_try(&self) {
        let mut standing = self.standing.clone();
        // The supervisor outlives this wait.
        let _ = standing.wait_for(|standing| standing.status != Status::Booting).await;
    }

    /// The doors are open: every life from now on announces itself.
    pub(super) fn doors_are_open(&self) {
        self.shared.open.send_replace(true);
    }

    /// Tells the neighbours in this process, on their own buses, whenever this service dies.
    pub(super) fn tell_crashes(&self, scope: &Scope, neighbours: Neighbours) {
        let (key, mut standing) = (self.key.clone(), self.standing());
        scope.spawn("tell-crashes", async move {
            let mut told = standing.borrow_and_update().restarts;
            while standing.changed().await.is_ok() {
                let now = standing.borrow_and_update().clone();
                if now.restarts == told && now.status != Status::Quarantined {
                    continue;
                }
                told = now.restarts;
                for kernel in neighbours
                    .iter()
                    .filter_map(|shared| shared.life())
                    .map(|life| Arc::clone(&life.kernel))
                {
                    kernel.bus.send(BusEvent::ServiceCrashed {
                        service: key.clone(),
                        reason: now.reason.clone().unwrap_or_default(),
                    });
                }
            }
        });
    }

    /// What [`Supervisor::tell_crashes`] tells.
    pub(super) fn neighbours(supervisors: &[Supervisor]) -> Neighbours {
        supervisors
            .iter()
            .map(|supervisor| Arc::clone(&supervisor.shared))
            .collect()
    }

    /// Readiness goes, and the roster is told.
    pub(super) async fn sign_off(&self, reason: &str) {
        self.stopping.cancel();
        let Some(life) = self.shared.life() else { return };
        life.kernel.phase.send_replace(Phase::Draining);
        life.kernel.bus.send(BusEvent::Shutdown);
        announce::sign_off(&life.kernel, reason).await;
    }

    /// Ends streams, so that their readers go elsewhere.
    pub(super) fn close_streams(&self) {
        if let Some(life) = self.shared.life() {
            life.kernel.streams.cancel();
        }
    }

    /// Takes no more jobs and waits for those that run; what is left then is handed back.
    pub(super) async fn finish_jobs(&self, grace: Duration) {
        let Some(life) = self.shared.life() else { return };
        life.taking.cancel();
        let _ = tokio::time::timeout(grace, life.attempts.idle()).await;
        life.attempts.cancel();
        let _ = tokio::time::timeout(BURIAL, life.attempts.idle()).await;
    }

    /// Ends the life and names what did not finish.
    pub(super) async fn stop(&self, grace: Duration) -> Vec<String> {
        self.stopping.cancel();
        let Some(life) = self.shared.life() else {
            return Vec::new();
        };
        // Those of the last minute; a store that does not take them now is asked no more.
        let told = denials::flush(&life.kernel);
        let _ = tokio::time::timeout(STORE_CLOSE, told).await;
        let unfinished = bury(&life, grace).await;
        self.shared.set(None);
        unfinished
            .into_iter()
            .map(|task| format!("{} of {}", task, self.key))
            .collect()
    }
}

/// Lives, one after the other.
async fn lives(plan: Plan, tell: watch::Sender<Standing>, shared: Arc<Shared>, stopping: Scope) {
    let mut deaths: VecDeque<Instant> = VecDeque::new();
    let key = plan.record.key.clone();
    loop {
        let begun = Instant::now();
        let reason = match boot::boot(&plan).await {
            Ok(life) => {
                let life = Arc::new(life);
                plan.switchboard.mount(key.clone(), life.handler.clone());
                shared.set(Some(Arc::clone(&life)));
                tell.send_modify(|standing| {
                    standing.status = Status::Running;
                    standing.boot = begun.elapsed();
                });
                let mut open = shared.open.subscribe();
                let failure = tokio::select! {
                    () = stopping.cancelled() => return,
                    failure = life.kernel.scope.failed() => failure,
                    never = async {
                        if open.wait_for(|open| *open).await.is_ok() {
                            boot::announce_when_open(&life.kernel);
                        }
                        std::future::pending::<std::convert::Infallible>().await
                    } => match never {},
                };
                let reason = format!("{}: {}", failure.task, failure.reason);
                // Asked before the burial closes the store: several tasks die of a poisoned one, and any may be the first.
                let poisoned = life.kernel.store.heads().has_changed().is_err();
                let hangs = failure.task == stall::WATCH;
                life.kernel
                    .scope
                    .span()
                    .in_scope(|| tracing::error!(task = failure.task, reason = failure.reason, "the kernel died"));
                plan.switchboard.mount(key.clone(), away(&key, "is being restarted"));
                shared.set(None);
                if hangs {
                    // Dropped, it would wait for its threads, and they wait for what does not come.
                    std::mem::forget(Arc::clone(&life.kernel.store));
                }
                bury(&life, BURIAL).await;
                if poisoned || hangs {
                    // What a failed sync left in memory is not to be trusted again by this process.
                    return give_up(&plan, &tell, &stopping, reason).await;
                }
                reason
            }
            Err(error) => {
                tracing::error!(service = key, error = %error.chain(), "the service could not boot");
                if plan.output.is_some() {
                    eprintln!("{key} could not boot: {}", error.chain());
                }
                plan.switchboard
                    .mount(key.clone(), away(&key, "could not boot and is being tried again"));
                error.chain()
            }
        };
        deaths.push_back(Instant::now());
        deaths.retain(|death| death.elapsed() < RESTART_WINDOW);
        if deaths.len() > RESTARTS_MAX {
            return give_up(&plan, &tell, &stopping, reason).await;
        }
        tell.send_modify(|standing| {
            standing.status = Status::Restarting;
            standing.restarts += 1;
            standing.reason = Some(reason);
        });
        let nth = u32::try_from(deaths.len()).unwrap_or(u32::MAX);
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(BACKOFF.wait(nth, jitter())) => {}
        }
    }
}

async fn give_up(plan: &Plan, tell: &watch::Sender<Standing>, stopping: &Scope, reason: String) {
    let key = &plan.record.key;
    plan.switchboard.mount(
        key.clone(),
        away(key, "is given up until the process is restarted; its log says why"),
    );
    tell.send_modify(|standing| {
        standing.status = Status::Quarantined;
        standing.reason = Some(reason);
    });
    stopping.cancelled().await;
}

/// Ends a life's tasks, closes its store and flushes what it had to say.
async fn bury(life: &Life, grace: Duration) -> Vec<&'static str> {
    let kernel = &life.kernel;
    let mut unfinished = life.attempts.stop(Duration::from_millis(200).min(grace)).await;
    unfinished.extend(life.taking.stop(Duration::ZERO).await);
    if tokio::time::timeout(STORE_CLOSE, kernel.store.close()).await.is_err() {
        unfinished.push("store");
    }
    unfinished.extend(kernel.scope.stop(grace).await);
    let recorder = kernel.recorder.clone();
    if recorder.exporter().is_some() {
        let scope = Scope::new("flush", tracing::Span::none());
        let _ = scope.blocking("flush", move || recorder.flush()).await;
    }
    unfinished
}

/// What answers for a service that is not there.
fn away(key: &str, what: &'static str) -> Handler {
    let key: Arc<str> = key.into();
    Handler::new(move |request| {
        let error = Error::unavailable(format!("{key} {what}"))
            .with_code("SERVICE_DOWN")
            .with_retry_after(Duration::from_secs(1))
            .unprocessed();
        Box::pin(async move { refuse(request.headers(), &error) })
    })
}
