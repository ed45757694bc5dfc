//! A host whose doors are open, until it is stopped.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::drain::DrainBudget;
use super::reload::{Reloaded, Reloader};
use super::supervisor::{Standing, Status, Supervisor};
use crate::context::Kernel;
use crate::error::{Error, Result};
use crate::lifecycle::Scope;
use crate::registry::Registry;
use crate::telemetry::Output;
use crate::transport::{Bound, ConnectionLimits, Handler, Server, Switchboard};

/// A host that runs. Stop it; dropping it is the fallback that aborts.
#[derive(Debug)]
pub struct Running {
    pub(super) limits: ConnectionLimits,
    pub(super) reloader: Option<Reloader>,
    pub(super) scope: Scope,
    pub(super) servers: Vec<Server>,
    pub(super) supervisors: Vec<Supervisor>,
    pub(super) switchboard: Switchboard,
    pub(super) registry: Registry,
    pub(super) output: Option<Output>,
}

impl Running {
    /// Where it listens, in the order of the doors.
    pub fn bound(&self) -> Vec<Bound> {
        self.servers.iter().map(|server| server.bound().clone()).collect()
    }

    /// The standing of each service, as something to wait on.
    pub fn standings(&self) -> BTreeMap<String, watch::Receiver<Standing>> {
        self.supervisors
            .iter()
            .map(|supervisor| (supervisor.key().to_owned(), supervisor.standing()))
            .collect()
    }

    /// The handler of a service, as the process's own calls reach it.
    pub fn handler(&self, key: &str) -> Option<Handler> {
        self.switchboard.get(key)
    }

    /// The kernel of a service, while it runs.
    pub fn kernel(&self, key: &str) -> Option<Arc<Kernel>> {
        self.supervisors
            .iter()
            .find(|supervisor| supervisor.key() == key)?
            .kernel()
    }

    /// Reads what it was [told to reload from](super::Host::reload_from) again: what may change holds from now on in every service, or nothing does.
    ///
    /// # Errors
    /// `CONFIG_INVALID` with every fault, or what kept it from the record; then all is as it was. `NOT_RELOADABLE` where it was told of no
    /// sources.
    pub async fn reload(&self, why: &str) -> Result<Reloaded> {
        match &self.reloader {
            Some(reloader) => reloader.reload(why).await,
            None => Err(Error::invalid("this host was told of nothing to reload from").with_code("NOT_RELOADABLE")),
        }
    }

    /// The fleet, with the environment's overrides.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Waits until a service is quarantined, and says which and why. A process with one service ends then; one with nine goes on.
    pub async fn quarantined(&self) -> (String, String) {
        let waits = self.supervisors.iter().map(|supervisor| {
            Box::pin(async move {
                let mut standing = supervisor.standing();
                let reason = match standing
                    .wait_for(|standing| standing.status == Status::Quarantined)
                    .await
                {
                    Ok(standing) => standing.reason.clone().unwrap_or_default(),
                    Err(_) => std::future::pending().await,
                };
                (supervisor.key().to_owned(), reason)
            })
        });
        futures_util::future::select_all(waits).await.0
    }

    /// Drains and stops: callers are told with every answer to go elsewhere, readiness goes, peers are told, what is in flight finishes, jobs
    /// are handed back, stores are closed. Gives the names of what did not finish in its time.
    pub async fn stop(self, budget: DrainBudget, reason: &str) -> Vec<String> {
        let begun = Instant::now();
        for server in &self.servers {
            server.retire();
        }
        futures_util::future::join_all(self.supervisors.iter().map(|supervisor| supervisor.sign_off(reason))).await;
        tokio::time::sleep(budget.accepting).await;
        for supervisor in &self.supervisors {
            supervisor.close_streams();
        }
        let in_flight = budget.in_flight;
        let doors = futures_util::future::join_all(self.servers.iter().map(|server| server.drain(in_flight)));
        let jobs = futures_util::future::join_all(
            self.supervisors
                .iter()
                .map(|supervisor| supervisor.finish_jobs(in_flight)),
        );
        let (cut, _) = tokio::join!(doors, jobs);
        let left = budget
            .total
            .saturating_sub(begun.elapsed())
            .max(Duration::from_millis(500));
        let unfinished =
            futures_util::future::join_all(self.supervisors.iter().map(|supervisor| supervisor.stop(left))).await;
        let mut report: Vec<String> = unfinished.into_iter().flatten().collect();
        if cut.iter().sum::<usize>() > 0 {
            report.push(format!("{} connections", cut.iter().sum::<usize>()));
        }
        self.scope.stop(Duration::from_millis(200)).await;
        if let Some(output) = &self.output {
            output.flush();
        }
        report
    }
}
