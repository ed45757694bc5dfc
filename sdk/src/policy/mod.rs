//! Timeouts, backoff and budgets as plain values; the facilities obey them.

mod addresses;
mod crowd;
mod dice;
mod edge;
mod share;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use addresses::{Barred, Reach, party};
pub use crowd::{Crowd, Member};
pub use dice::Dice;
pub use edge::is_cloudflare;
pub use share::{claim, mark};

/// Default deadline of an RPC: what tarpc and connect-rust take, and longer than any healthy internal call.
pub const RPC_DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest deadline of an RPC; longer work is a job.
pub const RPC_MAX_TIMEOUT: Duration = Duration::from_secs(30);
/// Deadline of a plain request: pages and syscalls answer from memory or one commit.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest stream to a signed-in person's page: it then comes back with the session, which is looked at anew, so that a page that stands
/// open shows nothing for much longer than its reader is signed in.
pub const PERSON_STREAM_LIFE: Duration = Duration::from_secs(5 * 60);
/// Largest request body; a larger thing belongs in object storage with its URL in the call.
pub const BODY_MAX_BYTES: usize = 1024 * 1024;
/// Requests in flight per service before new ones are shed: past it two cores only queue.
pub const IN_FLIGHT_MAX: usize = 512;
/// Requests a second that one caller has of one service, unless said: more than any page or program asks that does not loop.
pub const CALLER_RATE: u32 = 500;
/// Requests a minute at the gateway of an address that shows no credential which is known: a page that tries it out, or a guesser of keys.
pub const API_RATE: u32 = 100;
/// Requests a minute at the gateway of one person, client or API key: ten a second for as long as it takes is a job, or a pipe.
pub const KEY_RATE: u32 = 600;
/// Requests a minute of an address for what proves who somebody is: a sign-in is two, and an office signs in one after the other.
pub const AUTH_RATE: u32 = 10;
/// Requests a minute of an address for pages: a reader who opens eight a second reads none of them.
pub const PAGE_RATE: u32 = 500;
/// Taken from the deadline at each hop, so that the callee gives up before its caller does.
pub const HOP_MARGIN: Duration = Duration::from_millis(5);
/// Calls that a call may cause, one inside the other, before it is taken for a ring.
pub const HOPS_MAX: u8 = 16;

/// How the wait between attempts grows: exponential, capped, drawn with full jitter.
///
/// The n-th failure waits a random time in `0..=min(cap, base × factor^(n-1))`, at least `base / 2`
/// (AWS Architecture Blog, "Exponential Backoff And Jitter"; the floor keeps a dead dependency from being asked at once).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Backoff {
    /// First wait, in milliseconds; at least 1.
    pub base: u64,
    /// Growth per failure; 1 keeps the wait constant.
    pub factor: f64,
    /// Longest wait, in milliseconds.
    pub cap: u64,
}

/// How often jobs of a name start, in all replicas together: `count` in every `per`, evenly.
///
/// In any time there are never more starts than the rate gives in it and `burst` beside. Every attempt counts, a repeated one too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many; at least 1.
    pub count: u32,
    /// In how long; zero bounds nothing.
    pub per: Duration,
    /// How many may start at once after a rest; 1 unless said, so that they come evenly. Starts are told apart by the millisecond, so
    /// more than 1,000 a second need a burst of as many as come in one.
    pub burst: u32,
}

impl Rate {
    /// So many in every such time, one by one.
    pub const fn new(count: u32, per: Duration) -> Self {
        Rate { count, per, burst: 1 }
    }

    /// How many may start at once after a rest.
    #[must_use]
    pub const fn burst(mut self, most: u32) -> Self {
        self.burst = most;
        self
    }
}

impl Default for Backoff {
    /// 1 s, doubling, at most an hour: twenty-five attempts then span about half a day.
    fn default() -> Self {
        Backoff {
            base: 1_000,
            factor: 2.0,
            cap: 3_600_000,
        }
    }
}

impl Backoff {
    /// A wait that grows from `base` to `cap` by doubling.
    pub const fn doubling(base: Duration, cap: Duration) -> Self {
        Backoff {
            base: base.as_millis() as u64,
            factor: 2.0,
            cap: cap.as_millis() as u64,
        }
    }

    /// The longest that the wait after the n-th failure (from 1) can be.
    pub fn ceiling(&self, failure: u32) -> Duration {
        let growth = self.factor.max(1.0).powi(failure.saturating_sub(1).min(1_000) as i32);
        let millis = (self.base.max(1) as f64 * growth).min(self.cap.max(1) as f64);
        Duration::from_millis(millis as u64)
    }

    /// The wait after the n-th failure (from 1), for a random number in `0.0..1.0`.
    pub fn wait(&self, failure: u32, random: f64) -> Duration {
        let ceiling = self.ceiling(failure);
        let floor = ceiling.min(Duration::from_millis(self.base.max(1)) / 2);
        floor + (ceiling - floor).mul_f64(random.clamp(0.0, 1.0))
    }
}

/// A random number in `0.0..1.0` for jitter.
///
/// Taken from a random UUID: it only has to differ between processes, and it spares a dependency.
pub fn jitter() -> f64 {
    let bits = (uuid::Uuid::new_v4().as_u128() >> 64) as u64 >> 11;
    bits as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_wait_lies_between_half_the_base_and_the_cap(base in 1u64..10_000, factor in 0.0f64..10.0, cap in 1u64..1_000_000, failure in 0u32..2_000, random in 0.0f64..1.0) {
            let backoff = Backoff { base, factor, cap };
            let wait = backoff.wait(failure, random);
            prop_assert!(wait <= Duration::from_millis(cap));
            prop_assert!(wait >= Duration::from_millis(base.min(cap)) / 2 - Duration::from_millis(1).min(Duration::from_millis(base.min(cap)) / 2));
        }
    }
}
