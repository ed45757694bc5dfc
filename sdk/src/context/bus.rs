use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::metrics::{Counter, Metrics};

/// Messages that a slow listener may lag behind: an hour of a service that flaps every second, and 100 KiB.
const CAPACITY: usize = 4_096;

/// What happens inside one process. Nothing here is kept: what must not be lost is an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BusEvent {
    /// A service's health changed.
    Health {
        /// Its key.
        service: String,
        /// Whether it is healthy.
        ok: bool,
    },
    /// Configuration was replaced.
    ConfigUpdated {
        /// How often it has been.
        version: u64,
    },
    /// A service's kernel died and is started anew.
    ServiceCrashed {
        /// Its key.
        service: String,
        /// Why.
        reason: String,
    },
    /// The process is about to stop.
    Shutdown,
}

/// A lossy, bounded bus that never blocks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bus {
    sender: broadcast::Sender<BusEvent>,
    dropped: Counter,
}

/// Hears what is sent after it began to listen.
#[derive(Debug)]
pub struct Listener {
    receiver: broadcast::Receiver<BusEvent>,
    dropped: Counter,
}

impl Bus {
    /// A bus that counts what it drops in `bus_overflow_dropped_total`.
    pub fn new(metrics: &Metrics) -> Self {
        let dropped = metrics.counter(
            "bus_overflow_dropped_total",
            "Bus messages that a slow listener missed.",
            vec![],
        );
        Bus {
            sender: broadcast::Sender::new(CAPACITY),
            dropped,
        }
    }

    /// Tells whoever listens.
    pub fn send(&self, event: BusEvent) {
        // Nobody listening is no fault.
        let _ = self.sender.send(event);
    }

    /// Listens from now on.
    pub fn listen(&self) -> Listener {
        Listener {
            receiver: self.sender.subscribe(),
            dropped: self.dropped.clone(),
        }
    }
}

impl Listener {
    /// The next message; `None` when the bus is gone. What was missed is counted. Cancel-safe.
    pub async fn next(&mut self) -> Option<BusEvent> {
        loop {
            match self.receiver.recv().await {
                Ok(event) => return Some(event),
                Err(RecvError::Lagged(missed)) => self.dropped.add(missed),
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// The next message, if there is one already.
    pub fn try_next(&mut self) -> Option<BusEvent> {
        loop {
            match self.receiver.try_recv() {
                Ok(event) => return Some(event),
                Err(TryRecvError::Lagged(missed)) => self.dropped.add(missed),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[tokio::test]
    async fn a_slow_listener_misses_the_oldest_and_holds_up_nobody() {
        let metrics = Metrics::new(Clock::system());
        let bus = Bus::new(&metrics);
        let mut listener = bus.listen();
        for version in 0..CAPACITY as u64 + 10 {
            bus.send(BusEvent::ConfigUpdated { version });
        }
        assert_eq!(listener.next().await, Some(BusEvent::ConfigUpdated { version: 10 }));
        assert!(metrics.exposition().contains("bus_overflow_dropped_total 10"));
    }
}
