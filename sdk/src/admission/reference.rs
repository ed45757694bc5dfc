use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A request is late when it took so many times its reference. Twice, because then, by Little's law, half of what is in flight waits: the
/// half that is left when the limit is halved keeps the service as busy as before.
const TOLERANCE: f64 = 2.0;
/// A queue that costs less than this is no harm, whatever its share of a fast request: between what WeChat calls an overload (20 ms of
/// waiting, "Overload Control for Scaling WeChat Microservices", section 4.1) and the interval for which CoDel lets a queue stand (100 ms,
/// RFC 8289, section 4.2).
const HARMLESS: Duration = Duration::from_millis(50);
/// How far one request moves the estimate, on the scale of logarithms: a service that became thirty times slower is known to have after
/// some twenty requests, and one outlier in an hour of quick ones makes nobody late.
const STEP: f64 = 0.25;
/// Three requests of four take at most the reference, so that a route of quick hits and slow misses does not look late by nature.
const QUANTILE: f64 = 0.75;

/// What a request of one route or method takes where no queue is: learnt from requests that met few others, by their upper quartile.
///
/// The estimate goes up by three parts for each request that took longer and down by one for each that did not, on a scale of logarithms,
/// so it settles where three of four are below it and no outlier moves it far (stochastic approximation of a quantile).
#[derive(Debug)]
pub struct Reference(AtomicU64);

impl Default for Reference {
    fn default() -> Self {
        Reference(AtomicU64::new(f64::NAN.to_bits()))
    }
}

impl Reference {
    /// What is known, if anything.
    pub(super) fn get(&self) -> Option<Duration> {
        let ln = f64::from_bits(self.0.load(Ordering::Relaxed));
        (!ln.is_nan()).then(|| Duration::from_secs_f64(ln.exp()))
    }

    /// Learns from a request that met no queue. Two that teach at once may lose one lesson, which changes nothing.
    pub(super) fn teach(&self, took: Duration) {
        let took = took.as_secs_f64().max(1e-6).ln();
        let known = f64::from_bits(self.0.load(Ordering::Relaxed));
        let learnt = if known.is_nan() {
            took
        } else if took > known {
            (known + STEP * QUANTILE).min(took)
        } else {
            (known - STEP * (1.0 - QUANTILE)).max(took)
        };
        self.0.store(learnt.to_bits(), Ordering::Relaxed);
    }

    /// Whether a request took so long that it must have waited; nothing is known of a route that was never seen without others.
    pub(super) fn late(&self, took: Duration) -> Option<bool> {
        let reference = self.get()?;
        Some(took > reference.mul_f64(TOLERANCE) && took > reference + HARMLESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_reference_settles_where_three_of_four_are_below_it() {
        let reference = Reference::default();
        for round in 0..4_000_u32 {
            // Every fifth is a miss of the cache, a hundred times slower: the upper quartile is still that of the hits.
            reference.teach(if round % 5 == 0 { MS * 300 } else { MS * 3 });
        }
        let known = reference.get().unwrap();
        assert!((MS * 2..MS * 6).contains(&known), "{known:?}");
    }

    #[test]
    fn a_route_of_quick_hits_and_slow_misses_in_equal_parts_is_not_late_by_nature() {
        let reference = Reference::default();
        (0..400_u32).for_each(|round| reference.teach(if round % 2 == 0 { MS * 300 } else { MS * 3 }));
        assert_eq!(reference.late(MS * 300), Some(false));
    }

    #[test]
    fn a_service_that_became_slower_for_good_is_believed_after_some_twenty_requests() {
        let reference = Reference::default();
        (0..50).for_each(|_| reference.teach(MS * 10));
        assert_eq!(reference.late(MS * 320), Some(true));
        (0..20).for_each(|_| reference.teach(MS * 320));
        assert_eq!(reference.late(MS * 320), Some(false));
    }

    #[test]
    fn a_short_queue_makes_nobody_late_and_an_unknown_route_is_not_judged() {
        let reference = Reference::default();
        assert_eq!(reference.late(MS * 5_000), None);
        reference.teach(MS);
        assert_eq!(reference.late(MS * 40), Some(false));
        assert_eq!(reference.late(MS * 60), Some(true));
    }
}
