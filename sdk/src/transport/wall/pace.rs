//! How long a peer may take, counted while it is waited for and never while it waits for us.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// What a peer's bytes may take.
#[derive(Clone, Copy, Debug)]
pub struct PaceLimits {
    /// Longest wait for the next bytes.
    pub idle: Duration,
    /// Longest wait in all; none where only the floor bounds it.
    pub total: Option<Duration>,
    /// Bytes that come in a second of waiting, at least and on average; 0 asks for none.
    pub floor: u32,
    /// Waiting for so long is always granted, whatever the floor says.
    pub grace: Duration,
}

/// The waits for one body, or for one answer to be taken.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    since: Option<Instant>,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    /// Counts bytes that came.
    pub(super) fn came(&mut self, bytes: usize, limits: &PaceLimits) {
        if let Some(since) = self.since.take() {
            // The runtime may look late; more than was granted is not held against the peer.
            self.waited += since.elapsed().min(limits.idle);
        }
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// Until when the wait that begins or goes on now may last.
    pub(super) fn until(&mut self, limits: &PaceLimits) -> Instant {
        let since = *self.since.get_or_insert_with(Instant::now);
        let earned = match limits.floor {
            0 => limits.idle,
            floor => Duration::from_millis(self.bytes.saturating_mul(1_000) / u64::from(floor)).max(limits.grace),
        };
        let left = limits
            .total
            .map_or(earned, |total| earned.min(total))
            .saturating_sub(self.waited);
        since + left.min(limits.idle)
    }

    /// Whether anything was waited for.
    pub(super) fn is_begun(&self) -> bool {
        self.since.is_some() || !self.waited.is_zero()
    }
}

/// A timer that is made when it is first needed, which for most connections is once.
#[derive(Debug, Default)]
pub(super) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Whether a moment has come; where it has not, the task is woken then.
    pub(super) fn has_rung(&mut self, at: Instant, context: &mut Context<'_>) -> bool {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        matches!(sleep.as_mut().poll(context), Poll::Ready(()))
    }
}
