//! Keeps one service running: its process is started, probed, and started again when it ends or no longer answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use syscall_sdk::lifecycle::Scope;
use syscall_sdk::policy::{Backoff, jitter};
use syscall_sdk::wire::HealthStatus;
use tokio::time::sleep;

use super::Plan;
use super::child::Child;
use super::probe::Prober;
use crate::up::board::{self, Rows, State};

/// Between a death and the next start.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_secs(1), Duration::from_secs(30));
/// A process that lived this long did not die of its start: the next wait is the first again.
const LIVED: Duration = Duration::from_secs(60);
/// Probes that must fail, one after the other, before a process is taken for dead.
const FAILURES_MAX: u32 = 3;
/// After a probe without an answer: one that was only busy answers the next, and one that hangs is not waited for through three whole
/// intervals. A process that says that it is unhealthy has its intervals, to become well.
const SUSPECT_INTERVAL: Duration = Duration::from_secs(1);
/// Between questions whether a process that starts is ready: a boot takes about a hundred of these.
const READY_INTERVAL: Duration = Duration::from_millis(10);

/// Keeps one service.
pub(super) struct Keeper {
    pub(super) key: &'static str,
    pub(super) plan: Arc<Plan>,
    pub(super) rows: Rows,
    pub(super) prober: Prober,
    /// Owns the relays of the processes' output.
    pub(super) output: Scope,
    /// Cancelled when the fleet is to stop.
    pub(super) stopping: Scope,
}

/// How a life ended.
enum End {
    /// The process died, or was given up, and why.
    Died(String),
    /// The fleet stops; the process is still there.
    Stop(Option<Box<Child>>),
}

impl Keeper {
    /// Runs lives, one after the other, until the fleet stops.
    pub(super) async fn keep(self) {
        let mut deaths = 0;
        loop {
            let begun = Instant::now();
            let reason = match self.live(deaths > 0).await {
                End::Stop(child) => {
                    if let Some(child) = child {
                        child.stop(self.plan.drain.total).await;
                    }
                    return;
                }
                End::Died(reason) => reason,
            };
            deaths = if begun.elapsed() > LIVED { 1 } else { deaths + 1 };
            let wait = BACKOFF.wait(deaths, jitter());
            eprintln!(
                "{} died ({reason}); it is started again in {:.1} s",
                self.key,
                wait.as_secs_f64()
            );
            board::change(&self.rows, self.key, |row| {
                row.state = State::Restarting;
                row.remark = Some(reason);
            });
            tokio::select! {
                () = self.stopping.cancelled() => return,
                () = sleep(wait) => {}
            }
        }
    }

    async fn live(&self, again: bool) -> End {
        let begun = Instant::now();
        let mut child = match Child::start(&self.plan, self.key, &self.output) {
            Ok(child) => child,
            Err(error) => return End::Died(format!("{error:#}")),
        };
        tokio::select! {
            () = self.stopping.cancelled() => return End::Stop(Some(Box::new(child))),
            how = child.ended() => return End::Died(how),
            () = self.ready() => {}
        }
        let boot = begun.elapsed();
        let health = self.prober.health().await;
        board::change(&self.rows, self.key, |row| {
            row.state = State::Up(health.unwrap_or(HealthStatus::Unhealthy));
            row.boot = Some(boot);
            row.remark = None;
        });
        if again {
            eprintln!("{} is back after {} ms", self.key, boot.as_millis());
        }
        tokio::select! {
            () = self.stopping.cancelled() => End::Stop(Some(Box::new(child))),
            how = child.ended() => End::Died(how),
            () = self.silent() => {
                // It does not answer, so it is not asked to drain for long either.
                child.stop(Duration::ZERO).await;
                End::Died(format!("it failed {FAILURES_MAX} probes"))
            }
        }
    }

    async fn ready(&self) {
        while !self.prober.is_ready().await {
            sleep(READY_INTERVAL).await;
        }
    }

    /// Returns when the process has failed too many probes, one after the other.
    async fn silent(&self) {
        let mut failures = 0;
        let mut wait = self.plan.probe_interval;
        while failures < FAILURES_MAX {
            sleep(wait).await;
            let health = self.prober.health().await;
            let well = health.is_some_and(|health| health != HealthStatus::Unhealthy);
            failures = if well { 0 } else { failures + 1 };
            wait = match health {
                Some(_) => self.plan.probe_interval,
                None => SUSPECT_INTERVAL.min(self.plan.probe_interval),
            };
            board::change(&self.rows, self.key, |row| {
                row.state = State::Up(health.unwrap_or(HealthStatus::Unhealthy))
            });
        }
    }
}
