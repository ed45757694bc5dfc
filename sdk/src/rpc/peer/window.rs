use std::time::Duration;

use tokio::time::Instant;

/// How far back is counted.
pub(super) const SPAN: Duration = Duration::from_secs(10);
/// Buckets of it.
const BUCKETS: usize = 10;
const BUCKET: Duration = Duration::from_millis(SPAN.as_millis() as u64 / BUCKETS as u64);

/// Two exact counts over the last ten seconds, in buckets of one: an average weighted by time would hide a total outage at a low rate
/// (linkerd's reason for the same choice).
#[derive(Clone, Debug)]
pub(super) struct Window {
    origin: Instant,
    /// The bucket in which `counts[at % BUCKETS]` counts.
    at: u64,
    counts: [(u32, u32); BUCKETS],
}

impl Window {
    pub(super) fn new(now: Instant) -> Self {
        Window {
            origin: now,
            at: 0,
            counts: [(0, 0); BUCKETS],
        }
    }

    /// Counts so many of the first and of the second.
    pub(super) fn add(&mut self, first: u32, second: u32, now: Instant) {
        self.turn(now);
        let count = &mut self.counts[(self.at % BUCKETS as u64) as usize];
        count.0 = count.0.saturating_add(first);
        count.1 = count.1.saturating_add(second);
    }

    /// Both counts.
    pub(super) fn counts(&mut self, now: Instant) -> (u32, u32) {
        self.turn(now);
        self.counts.iter().fold((0, 0), |(first, second), count| {
            (first.saturating_add(count.0), second.saturating_add(count.1))
        })
    }

    fn turn(&mut self, now: Instant) {
        let bucket = now.saturating_duration_since(self.origin).as_millis() as u64 / BUCKET.as_millis() as u64;
        if bucket - self.at.min(bucket) >= BUCKETS as u64 {
            self.counts = [(0, 0); BUCKETS];
            self.at = bucket;
        }
        while self.at < bucket {
            self.at += 1;
            self.counts[(self.at % BUCKETS as u64) as usize] = (0, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_counts_what_happened_in_the_last_ten_buckets_and_nothing_else(steps in prop::collection::vec((0u64..4_000, 0u32..3, 0u32..3), 1..60)) {
            let origin = Instant::now();
            let mut window = Window::new(origin);
            let (mut all, mut millis) = (Vec::new(), 0);
            for (wait, first, second) in steps {
                millis += wait;
                window.add(first, second, origin + Duration::from_millis(millis));
                all.push((millis / 1_000, first, second));
                let inside = all.iter().filter(|(bucket, ..)| bucket + 10 > millis / 1_000);
                let expected = inside.fold((0, 0), |sum, (_, first, second)| (sum.0 + first, sum.1 + second));
                prop_assert_eq!(window.counts(origin + Duration::from_millis(millis)), expected);
            }
        }
    }
}
