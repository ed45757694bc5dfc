//! How often each caller may ask: the generic cell rate algorithm (ATM Forum, Traffic Management 4.0, 1996), one number a caller.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, Kind, Result};

/// So many requests in a time, for each caller alone.
///
/// Who has rested may use all of them at once; they come back one by one, evenly. So in any time `t` a caller has at most `count` and
/// `count × t / per` beside, and never waits longer than `per / count` for the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// What it is called in the `RateLimit` fields: lowercase letters, digits and dashes.
    pub name: &'static str,
    /// How many; at least 1.
    pub count: u32,
    /// In how long; whole seconds, so that the fields can say it.
    pub per: Duration,
}

impl Quota {
    /// So many a second.
    pub const fn per_second(name: &'static str, count: u32) -> Self {
        Quota {
            name,
            count,
            per: Duration::from_secs(1),
        }
    }

    /// So many a minute.
    pub const fn per_minute(name: &'static str, count: u32) -> Self {
        Quota {
            name,
            count,
            per: Duration::from_secs(60),
        }
    }
}

/// Where a caller stands after it asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// How many more it has now.
    pub remaining: u32,
    /// When it has all of them again, if it asks no more.
    pub resets_in: Duration,
    /// How long it must wait for the next; none where this one was let through.
    pub wait: Option<Duration>,
}

impl Turn {
    /// Lets the request through, or says when to come back.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with [`Error::retry_after`].
    pub fn admit(&self, quota: &Quota) -> Result<()> {
        let Some(wait) = self.wait else { return Ok(()) };
        Err(Error::new(
            Kind::RateLimited,
            format!(
                "this is more than {} requests in {} s; wait as Retry-After says, and spread them",
                quota.count,
                quota.per.as_secs()
            ),
        )
        .with_retry_after(wait))
    }
}

/// Parts of the table, each with a lock of its own, so that callers on two cores seldom meet.
const SHARDS: usize = 16;
/// Callers in a part: 65,536 in all, of 24 bytes each. Who has rested is no entry, so more than these must be at it at the same time.
const SHARD_MAX: usize = 4_096;
/// Between two looks for callers of a full part who have rested: each looks at all of them.
const SWEEP_PACE: Duration = Duration::from_millis(50);

/// The standing of every caller under one [`Quota`].
///
/// The table is bounded, and nobody is put out of it who has not rested: an entry is dropped when it says no more than its absence would, so
/// that filling the table resets nobody's own limit. While a part of it is full of callers who are at it, those who are new to it share
/// one limit among them.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use syscall_sdk::admission::{Limiter, Quota};
/// let keys = Limiter::new(Quota::per_minute("keys", 2));
/// assert!(keys.ask(&"key 7").wait.is_none());
/// assert_eq!(keys.ask(&"key 7").remaining, 0);
/// assert!(keys.ask(&"key 7").wait.is_some());
/// assert!(keys.ask(&"key 8").wait.is_none());
/// # });
/// ```
#[derive(Debug)]
pub struct Limiter {
    quota: Quota,
    /// Between two requests at the rate, in nanoseconds.
    interval: u64,
    hasher: RandomState,
    epoch: Instant,
    shards: [Mutex<Shard>; SHARDS],
}

/// Moments are nanoseconds since the limiter was made: more than five hundred years fit.
#[derive(Debug, Default)]
struct Shard {
    /// When each caller has all of its quota again (the theoretical arrival time), by the hash of who it is.
    full_at: HashMap<u64, u64>,
    others_full_at: u64,
    swept: u64,
}

impl Limiter {
    /// A limiter under which nobody has asked yet.
    pub fn new(quota: Quota) -> Self {
        Limiter {
            quota,
            interval: nanos(quota.per).div_ceil(u64::from(quota.count.max(1))).max(1),
            hasher: RandomState::new(),
            epoch: Instant::now(),
            shards: Default::default(),
        }
    }

    /// The quota.
    pub fn quota(&self) -> &Quota {
        &self.quota
    }

    /// Counts a request of a caller, where it has one left.
    pub fn ask(&self, caller: &(impl Hash + ?Sized)) -> Turn {
        self.ask_at(caller, Instant::now())
    }

    /// As [`Limiter::ask`], for who knows what time it is.
    pub fn ask_at(&self, caller: &(impl Hash + ?Sized), now: Instant) -> Turn {
        // With a key of its own, so that nobody can choose whom it shares an entry with.
        let caller = self.hasher.hash_one(caller);
        let now = nanos(now.saturating_duration_since(self.epoch));
        let shard = &self.shards[caller as usize % SHARDS];
        // Nothing that can panic runs under this lock.
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = shard.entry(caller, now);
        let whole = self.interval.saturating_mul(u64::from(self.quota.count.max(1)));
        let next = (*full_at).max(now).saturating_add(self.interval);
        let wait = next.saturating_sub(now.saturating_add(whole));
        if wait == 0 {
            *full_at = next;
        }
        let owed = (*full_at).saturating_sub(now);
        Turn {
            remaining: u32::try_from(whole.saturating_sub(owed) / self.interval).unwrap_or(u32::MAX),
            resets_in: Duration::from_nanos(owed),
            wait: (wait > 0).then(|| Duration::from_nanos(wait)),
        }
    }
}

impl Shard {
    /// What is known of a caller, or of all whom there is no room for.
    fn entry(&mut self, caller: u64, now: u64) -> &mut u64 {
        if self.full_at.len() >= SHARD_MAX && !self.full_at.contains_key(&caller) {
            if now >= self.swept {
                self.full_at.retain(|_, full_at| *full_at > now);
                self.swept = now.saturating_add(nanos(SWEEP_PACE));
            }
            if self.full_at.len() >= SHARD_MAX {
                return &mut self.others_full_at;
            }
        }
        self.full_at.entry(caller).or_insert(0)
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Keeps every request that was let through, and lets the next one through where no time would then have too many.
    fn by_the_law(let_through: &mut Vec<u64>, now: u64, interval: u64, count: u32) -> bool {
        let fits = (0..let_through.len()).all(|first| {
            let in_it = (let_through.len() - first + 1) as u64;
            in_it * interval <= u64::from(count) * interval + (now - let_through[first])
        });
        if fits {
            let_through.push(now);
        }
        fits
    }

    proptest! {
        #[test]
        fn a_caller_is_let_through_as_a_slow_reference_says(
            count in 1u32..20,
            millis in 1u64..3_000,
            pauses in proptest::collection::vec(0u64..2_000_000_000, 1..200),
        ) {
            let quota = Quota { name: "test", count, per: Duration::from_millis(millis) };
            let limiter = Limiter::new(quota);
            let (mut now, mut let_through) = (0, Vec::new());
            for pause in pauses {
                // Most come close together, where it matters.
                now += pause / 1_000 * u64::from(pause % 4 == 0) + pause % 100_000_000 / 10;
                let wanted = by_the_law(&mut let_through, now, limiter.interval, count);
                let turn = limiter.ask_at(&"caller", limiter.epoch + Duration::from_nanos(now));
                prop_assert_eq!(turn.wait.is_none(), wanted, "at {} of {:?}", now, let_through);
                if let Some(wait) = turn.wait {
                    prop_assert_eq!(turn.remaining, 0);
                    // As long as it is told and no longer.
                    let after = now + nanos(wait);
                    prop_assert!(by_the_law(&mut let_through.clone(), after, limiter.interval, count));
                    prop_assert!(!by_the_law(&mut let_through.clone(), after - 1, limiter.interval, count));
                }
            }
        }
    }

    #[test]
    fn what_remains_is_what_is_let_through_at_once() {
        let limiter = Limiter::new(Quota::per_minute("test", 5));
        let now = limiter.epoch + Duration::from_secs(1);
        let remaining: Vec<u32> = (0..6).map(|_| limiter.ask_at(&1, now).remaining).collect();
        assert_eq!(remaining, [4, 3, 2, 1, 0, 0]);
        assert_eq!(limiter.ask_at(&1, now).wait, Some(Duration::from_secs(12)));
        let later = now + Duration::from_secs(24);
        assert_eq!(limiter.ask_at(&1, later).remaining, 1);
        assert_eq!(limiter.ask_at(&2, later).remaining, 4, "each caller has its own");
    }

    #[test]
    fn who_fills_the_table_resets_no_limit_and_shares_one_with_the_others() {
        let limiter = Limiter::new(Quota::per_minute("test", 1));
        let now = limiter.epoch;
        assert!(limiter.ask_at(&0, now).wait.is_none());
        let later = now + Duration::from_secs(1);
        let many = 4 * SHARDS * SHARD_MAX;
        let let_through = (1..many)
            .filter(|caller| limiter.ask_at(caller, later).wait.is_none())
            .count();
        assert!(let_through <= SHARDS * SHARD_MAX + SHARDS, "{let_through}");
        assert!(limiter.ask_at(&0, later).wait.is_some(), "it was not forgotten");
        for shard in &limiter.shards {
            assert!(shard.lock().unwrap().full_at.len() <= SHARD_MAX);
        }
        let rested = later + Duration::from_secs(61);
        assert!(
            limiter.ask_at(&many, rested).wait.is_none(),
            "who has rested makes room"
        );
        let left: usize = limiter
            .shards
            .iter()
            .map(|shard| shard.lock().unwrap().full_at.len())
            .sum();
        assert!(left < SHARDS * SHARD_MAX, "{left}");
    }
}
