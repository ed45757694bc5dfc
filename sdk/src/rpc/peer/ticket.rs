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

    /// Says how the attempt went, and that the replica is about to end: it is not called while there are others, and looked for anew.
    pub(crate) fn settle_last(self, verdict: Verdict) -> Duration {
        let (peer, replica) = (Arc::clone(&self.peer), Arc::clone(&self.replica));
        let took = self.settle(verdict);
        shun(&peer, &replica);
        took
    }

    /// Says that the address is another service's: nobody calls it until DNS has been asked again.
    pub(crate) fn misdirected(self) -> Duration {
        shun(&self.peer, &self.replica);
        self.begun.elapsed()
    }
}

/// Leaves a replica alone whatever was counted of it, and asks DNS again.
fn shun(peer: &Peer, replica: &Replica) {
    replica.trip(peer.dice.unit(), Instant::now());
    peer.count_open();
    peer.discovery.suspect();
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
