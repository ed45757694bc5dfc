use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::replica::Replica;
use super::{Peer, Verdict};
use crate::resolve::Endpoint;

/// A place at a replica for one attempt. Dropped without a verdict, the attempt counts as nothing: its caller hung up.
#[derive(Debug)]
pub(crate) struct Ticket {
    peer: Arc<Peer>,
    replica: Arc<Replica>,
    probe: bool,
    begun: Instant,
}

impl Ticket {
    pub(super) fn new(peer: Arc<Peer>, replica: Arc<Replica>, probe: bool, now: Instant) -> Self {
        Ticket {
            peer,
            replica,
            probe,
            begun: now,
        }
    }

    /// Where the attempt goes.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.replica.endpoint
    }

    /// When it began.
    pub(crate) fn begun(&self) -> Instant {
        self.begun
    }

    /// Says how the attempt went; gives how long it took.
    pub(crate) fn settle(mut self, verdict: Verdict) -> Duration {
        let now = Instant::now();
        let took = now.saturating_duration_since(self.begun);
        if verdict == Verdict::Success {
            self.peer.figures.learn(took);
        }
        let probe = std::mem::take(&mut self.probe);
        if self
            .replica
            .learn(verdict, self.begun, probe, self.peer.dice.unit(), now)
        {
            self.peer.count_open();
            if verdict != Verdict::Success {
                self.peer.discovery.suspect();
            }
        }
        took
    }

    /// Says that the address is another service's: nobody calls it until DNS has been asked again.
    pub(crate) fn misdirected(self) -> Duration {
        self.replica.trip(self.peer.dice.unit(), Instant::now());
        self.peer.count_open();
        self.peer.discovery.suspect();
        self.begun.elapsed()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.probe {
            self.replica.give_back_probe(Instant::now());
        }
        self.replica.leave();
        self.peer.left();
    }
}
