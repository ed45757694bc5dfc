//! Between a host's begin and its doors being open.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::front_door::{Door, front_door};
use super::running::Running;
use super::start_error::StartError;
use super::supervisor::{Standing, Supervisor};
use super::{outside, turned_away};
use crate::error::Result;
use crate::transport::{Bound, Listener, Server};

/// A host whose services boot; its doors are bound and not yet open.
#[derive(Debug)]
pub struct Starting {
    pub(super) listeners: Vec<(Listener, Door)>,
    pub(super) running: Running,
}

impl Starting {
    /// Where it will listen, in the order of the doors.
    ///
    /// # Errors
    /// Where a listener does not know its address.
    pub fn bound(&self) -> Result<Vec<Bound>> {
        self.listeners.iter().map(|(listener, _)| listener.bound()).collect()
    }

    /// The standing of each service, as something to wait on.
    pub fn standings(&self) -> BTreeMap<String, watch::Receiver<Standing>> {
        self.running.standings()
    }

    /// Waits for every service's first try and opens the doors.
    ///
    /// # Errors
    /// Where a listener does not know its address.
    pub async fn ready(self) -> Result<Running, StartError> {
        let Starting { listeners, mut running } = self;
        // Every service has had its first try before a door opens, so that nobody is told "not ready" for no reason.
        for supervisor in &running.supervisors {
            supervisor.first_try().await;
        }
        let mut alone: BTreeMap<String, Vec<Bound>> = BTreeMap::new();
        for (listener, door) in listeners {
            if !door.by_host {
                alone.entry(door.otherwise.clone()).or_default().push(listener.bound()?);
            }
            let handler = front_door(&door, &running.registry, &running.switchboard, &running.scope);
            let answering = running.supervisors.iter().find(|one| one.key() == door.otherwise);
            let front = turned_away::front(answering.map(Supervisor::lives));
            let server = Server::start(&running.scope, listener, handler, front, running.limits)?;
            running.servers.push(server);
        }
        let neighbours = Supervisor::neighbours(&running.supervisors);
        for supervisor in &running.supervisors {
            supervisor.tell_crashes(&running.scope, Arc::clone(&neighbours));
            supervisor.doors_are_open();
            if let (Some(bound), Some(kernel)) = (alone.get(supervisor.key()), supervisor.kernel()) {
                outside::tell_where(&kernel, bound);
            }
        }
        if let Some(reloader) = &running.reloader {
            reloader.watch(&running.scope);
        }
        Ok(running)
    }
}
