use std::time::Duration;

use tokio::time::Instant;

/// How fast what was measured is forgotten (Finagle's and linkerd's decay).
const DECAY: Duration = Duration::from_secs(10);
/// Differences below it do not choose: on one network they are noise (linkerd's floor).
const FLOOR: Duration = Duration::from_millis(1);

/// How long answers of a replica take, as its callers feel it: a slower answer counts at once, a faster one little by little
/// (peak EWMA, after Finagle).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    known: Option<(f64, Instant)>,
}

impl Cost {
    /// An answer took so long.
    pub(super) fn observe(&mut self, took: Duration, now: Instant) {
        let took = took.as_secs_f64();
        let cost = match self.known {
            Some((cost, at)) if cost > took => {
                let weight = decay(now.saturating_duration_since(at));
                cost * weight + took * (1.0 - weight)
            }
            _ => took,
        };
        self.known = Some((cost, now));
    }

    /// What it is now, in seconds; it fades while nothing is measured, so that who was slow once is tried again. `None` before the first answer.
    pub(super) fn now(&self, now: Instant) -> Option<f64> {
        let (cost, at) = self.known?;
        Some((cost * decay(now.saturating_duration_since(at))).max(FLOOR.as_secs_f64()))
    }
}

fn decay(passed: Duration) -> f64 {
    (-passed.as_secs_f64() / DECAY.as_secs_f64()).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_answer_counts_at_once_and_a_fast_one_little_by_little() {
        let start = Instant::now();
        let mut cost = Cost::default();
        assert_eq!(cost.now(start), None);
        cost.observe(Duration::from_millis(10), start);
        cost.observe(Duration::from_millis(500), start);
        assert_eq!(cost.now(start), Some(0.5));
        cost.observe(Duration::from_millis(10), start + Duration::from_secs(1));
        let now = cost.now(start + Duration::from_secs(1)).unwrap();
        assert!((0.45..0.46).contains(&now), "{now}");
        let rested = cost.now(start + Duration::from_secs(61)).unwrap();
        assert!(rested < 0.002, "{rested}");
    }
}
