use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets to each doubling: a value is known to within an eighth.
const PER_DOUBLING: u32 = 8;
/// Doublings from one microsecond: the last bucket begins above four minutes, past every deadline there is.
const DOUBLINGS: u32 = 28;
const BUCKETS: usize = (DOUBLINGS * PER_DOUBLING) as usize;

/// Durations, counted without a lock in log-linear buckets (after HdrHistogram's idea): 1 µs to 4 min, known to within 12.5 %.
#[derive(Debug)]
pub struct Histogram {
    buckets: Box<[AtomicU64]>,
    count: AtomicU64,
    sum_micros: AtomicU64,
}

/// The latency trio that is always shown together, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quantiles {
    /// How many were counted.
    pub count: u64,
    /// Half were faster.
    pub p50: f64,
    /// Nineteen of twenty were faster.
    pub p95: f64,
    /// Ninety-nine of a hundred were faster.
    pub p99: f64,
}

/// What a histogram held at a moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    buckets: Vec<u64>,
    /// How many were counted.
    pub count: u64,
    /// Their sum in microseconds.
    pub sum_micros: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram {
            buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            count: AtomicU64::new(0),
            sum_micros: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    /// Counts one.
    pub fn record(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.buckets[bucket(micros)].fetch_add(1, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// What it holds now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            buckets: self
                .buckets
                .iter()
                .map(|bucket| bucket.load(Ordering::Relaxed))
                .collect(),
            count: self.count.load(Ordering::Relaxed),
            sum_micros: self.sum_micros.load(Ordering::Relaxed),
        }
    }
}

impl Snapshot {
    /// What was counted since an earlier snapshot.
    #[must_use]
    pub fn since(&self, earlier: &Snapshot) -> Snapshot {
        let before = |index: usize| earlier.buckets.get(index).copied().unwrap_or(0);
        Snapshot {
            buckets: self
                .buckets
                .iter()
                .enumerate()
                .map(|(index, now)| now.saturating_sub(before(index)))
                .collect(),
            count: self.count.saturating_sub(earlier.count),
            sum_micros: self.sum_micros.saturating_sub(earlier.sum_micros),
        }
    }

    /// The latency trio.
    pub fn quantiles(&self) -> Quantiles {
        Quantiles {
            count: self.count,
            p50: self.quantile(0.50),
            p95: self.quantile(0.95),
            p99: self.quantile(0.99),
        }
    }

    /// How many took no longer than so many microseconds, to within a bucket.
    pub fn up_to(&self, micros: u64) -> u64 {
        self.buckets
            .iter()
            .enumerate()
            .take_while(|(index, _)| ceiling(*index) <= micros)
            .map(|(_, count)| count)
            .sum()
    }

    /// The upper end of the bucket in which the quantile lies, in milliseconds; 0 where nothing was counted.
    fn quantile(&self, share: f64) -> f64 {
        let total: u64 = self.buckets.iter().sum();
        let rank = ((total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return ceiling(index) as f64 / 1_000.0;
            }
        }
        0.0
    }
}

/// The bucket of a value: its highest bit chooses the doubling, the next three bits the place in it.
fn bucket(micros: u64) -> usize {
    let micros = micros.max(1);
    let doubling = micros.ilog2();
    let within = if doubling >= 3 {
        (micros >> (doubling - 3)) & 7
    } else {
        (micros << (3 - doubling)) & 7
    };
    ((doubling * PER_DOUBLING) as usize + within as usize).min(BUCKETS - 1)
}

/// The largest value, in microseconds, that falls into a bucket.
fn ceiling(index: usize) -> u64 {
    let (doubling, within) = (index as u32 / PER_DOUBLING, index as u64 % u64::from(PER_DOUBLING));
    ((1u64 << doubling) as f64 * (1.0 + (within + 1) as f64 / f64::from(PER_DOUBLING))).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_quantile_lies_within_an_eighth_above_the_true_one(mut values in prop::collection::vec(1u64..10_000_000, 1..200)) {
            let histogram = Histogram::default();
            for value in &values {
                histogram.record(Duration::from_micros(*value));
            }
            values.sort_unstable();
            let rank = ((values.len() as f64 * 0.95).ceil() as usize).max(1) - 1;
            let truth = values[rank] as f64 / 1_000.0;
            let p95 = histogram.snapshot().quantiles().p95;
            prop_assert!(p95 >= truth && p95 <= truth * 1.125 + 0.002, "{p95} against {truth}");
        }
    }

    #[test]
    fn a_snapshot_tells_what_came_since_another() {
        let histogram = Histogram::default();
        histogram.record(Duration::from_millis(1));
        let before = histogram.snapshot();
        histogram.record(Duration::from_millis(100));
        let since = histogram.snapshot().since(&before);
        assert_eq!(since.count, 1);
        assert!(since.quantiles().p50 >= 100.0);
    }
}
