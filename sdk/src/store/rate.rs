//! How many more jobs of a name may start by its rate.
//!
//! The generic cell rate algorithm (ITU-T I.371, annex A): one moment is kept a name, the one at which the next job would start if
//! they came evenly. A start moves it on by the interval, and one may start while it is no further ahead than the burst allows. So
//! in any time there are never more starts than what the rate gives in it and the burst.

use chrono::{DateTime, Utc};

use crate::policy::Rate;

/// What is left of a name's rate at a moment; all in microseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    interval: i128,
    /// How far ahead the kept moment may be for one more to start.
    ahead: i128,
    at: i128,
    next: i128,
    spent: bool,
}

impl Budget {
    /// The budget of a rate at a moment, where `kept` is what was kept of its name; `None` for a rate that bounds nothing.
    pub(super) fn new(rate: &Rate, kept: Option<i64>, at: DateTime<Utc>) -> Option<Self> {
        // Rounded up: a rate is a promise to whoever is called.
        let interval = i128::try_from(rate.per.as_micros().div_ceil(u128::from(rate.count.max(1)))).ok()?;
        if interval == 0 {
            return None;
        }
        let ahead = interval.saturating_mul(i128::from(rate.burst.max(1)) - 1);
        let at = i128::from(at.timestamp_micros());
        let kept = kept.map_or(at, i128::from);
        // What this rate can have come to at most; more is of a slower one, or of a clock that was set back.
        let most = at.saturating_add(ahead).saturating_add(interval);
        Some(Budget {
            interval,
            ahead,
            at,
            next: kept.clamp(at, most),
            spent: false,
        })
    }

    /// How many may start now.
    pub(super) fn room(&self) -> usize {
        let left = self.at + self.ahead - self.next;
        if left < 0 {
            return 0;
        }
        usize::try_from(left / self.interval + 1).unwrap_or(usize::MAX)
    }

    /// One starts.
    pub(super) fn spend(&mut self) {
        self.next = self.next.saturating_add(self.interval);
        self.spent = true;
    }

    /// What is to be kept, where any has started.
    pub(super) fn kept(&self) -> Option<i64> {
        self.spent.then(|| i64::try_from(self.next).unwrap_or(i64::MAX))
    }

    /// When there is room again; `None` where there is some.
    pub(super) fn opens_at(&self) -> Option<DateTime<Utc>> {
        if self.room() > 0 {
            return None;
        }
        // A claim bears whole milliseconds.
        let millis = (self.next - self.ahead + 999).div_euclid(1_000);
        DateTime::from_timestamp_millis(i64::try_from(millis).unwrap_or(i64::MAX)).or(Some(DateTime::<Utc>::MAX_UTC))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;
    use crate::store::conformance::START;

    proptest! {
        #[test]
        fn in_no_time_do_more_start_than_the_rate_and_the_burst_allow(
            count in 1..20u32,
            per in 1..5_000u64,
            burst in 1..10u32,
            waits in proptest::collection::vec((0..2_000i64, 0..12usize), 1..60),
        ) {
            let rate = Rate::new(count, Duration::from_millis(per)).burst(burst);
            let (mut at, mut kept, mut starts) = (START, None, Vec::new());
            for (wait, wanted) in waits {
                at += TimeDelta::milliseconds(wait);
                let mut budget = Budget::new(&rate, kept, at).expect("it bounds");
                for _ in 0..wanted.min(budget.room()) {
                    budget.spend();
                    starts.push(at);
                }
                kept = budget.kept().or(kept);
                if let Some(opens_at) = budget.opens_at() {
                    let room = |at| Budget::new(&rate, kept, at).expect("it bounds").room();
                    prop_assert!(opens_at > at && room(opens_at) > 0);
                    prop_assert_eq!(room(opens_at - TimeDelta::milliseconds(1)), 0);
                }
            }
            let interval = per as f64 / f64::from(count);
            for (first, from) in starts.iter().enumerate() {
                for (more, to) in starts[first..].iter().enumerate() {
                    let most = (*to - *from).num_milliseconds() as f64 / interval + f64::from(burst);
                    prop_assert!(more as f64 + 1.0 <= most + 1e-6, "{} from {from} to {to}", more + 1);
                }
            }
        }
    }

    #[test]
    fn a_rate_that_was_slower_holds_up_no_longer_than_the_new_one_would() {
        let day = Rate::new(1, Duration::from_secs(86_400));
        let mut slow = Budget::new(&day, None, START).expect("it bounds");
        slow.spend();
        let second = Rate::new(1, Duration::from_secs(1));
        let fast = Budget::new(&second, slow.kept(), START).expect("it bounds");
        let opens_at = fast.opens_at().expect("it is spent");
        assert!(opens_at <= START + TimeDelta::milliseconds(1_001), "{opens_at}");
    }

    #[test]
    fn a_rate_over_no_time_bounds_nothing_and_the_slowest_of_all_lets_one_start() {
        assert!(Budget::new(&Rate::new(5, Duration::ZERO), None, START).is_none());
        let mut never =
            Budget::new(&Rate::new(1, Duration::from_secs(1 << 40)).burst(u32::MAX), None, START).expect("it bounds");
        assert!(never.room() > 0);
        never.spend();
        assert!(never.kept().is_some());
    }
}
