use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::window::Window;

/// How much more than its callers ask for a peer may be asked by repeating: one in five (Finagle, tower, Envoy's budget).
pub(crate) const RETRY_SHARE: f64 = 0.2;
/// Repeats in ten seconds that are allowed whatever the traffic: enough for a laptop's two calls, too few to matter to a peer in trouble
/// (Envoy allows three at once, Finagle a hundred in ten seconds).
pub(crate) const RETRY_RESERVE: u32 = 20;
/// How much more a peer may be asked by hedging: one in a hundred (Finagle's backup requests).
pub(crate) const HEDGE_SHARE: f64 = 0.01;
/// Hedges in ten seconds that are allowed whatever the traffic.
pub(crate) const HEDGE_RESERVE: u32 = 1;

/// How much may be sent beyond what was asked for, over the last ten seconds: a share of the calls and a reserve.
#[derive(Debug)]
pub(super) struct Budget {
    share: f64,
    reserve: u32,
    /// Calls, and what was sent beyond them.
    window: Mutex<Window>,
}

impl Budget {
    pub(super) fn new(share: f64, reserve: u32, now: Instant) -> Self {
        Budget {
            share,
            reserve,
            window: Mutex::new(Window::new(now)),
        }
    }

    /// A call was made.
    pub(super) fn deposit(&self, now: Instant) {
        self.window().add(1, 0, now);
    }

    /// Takes one, where there is one.
    pub(super) fn withdraw(&self, now: Instant) -> bool {
        let mut window = self.window();
        let there = self.rest(&mut window, now) >= 1;
        if there {
            window.add(0, 1, now);
        }
        there
    }

    /// How many are left.
    pub(super) fn left(&self, now: Instant) -> u32 {
        self.rest(&mut self.window(), now)
    }

    fn rest(&self, window: &mut Window, now: Instant) -> u32 {
        let (calls, beyond) = window.counts(now);
        ((f64::from(calls) * self.share) as u32)
            .saturating_add(self.reserve)
            .saturating_sub(beyond)
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn no_more_is_sent_than_the_share_and_the_reserve() {
        let start = Instant::now();
        let budget = Budget::new(RETRY_SHARE, RETRY_RESERVE, start);
        let mut sent = 0;
        for call in 0..10_000u64 {
            // A thousand calls a second, all of which fail.
            let now = start + Duration::from_millis(call);
            budget.deposit(now);
            sent += u32::from(budget.withdraw(now));
        }
        assert!((1_990..=2_020).contains(&sent), "{sent}");
        assert_eq!(budget.left(start + Duration::from_secs(30)), RETRY_RESERVE);
    }
}
