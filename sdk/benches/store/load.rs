//! Load from some callers at once, for a while.

use std::future::Future;
use std::time::{Duration, Instant};

/// What a load came to.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    /// Calls a second.
    pub(crate) rate: f64,
    /// Half of the calls were faster, in milliseconds.
    pub(crate) p50: f64,
    /// Ninety-nine of a hundred were faster, in milliseconds.
    pub(crate) p99: f64,
}

/// Rounds of a closed loop of calls in each of some tasks; the round with the middle rate.
///
/// `make` gives a caller's loop: it is called again and again with the number of the call.
pub(crate) async fn run<M, C, Fut>(callers: usize, effort: crate::Effort, make: M) -> Load
where
    M: Fn(usize) -> C,
    C: FnMut(u64) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let mut rounds = Vec::new();
    for _ in 0..effort.rounds {
        rounds.push(round(callers, effort.lasts, &make).await);
    }
    rounds.sort_by(|a: &Load, b| a.rate.total_cmp(&b.rate));
    rounds[rounds.len() / 2]
}

async fn round<M, C, Fut>(callers: usize, lasts: Duration, make: &M) -> Load
where
    M: Fn(usize) -> C,
    C: FnMut(u64) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let mut tasks = tokio::task::JoinSet::new();
    let begun = Instant::now();
    for caller in 0..callers {
        let mut call = make(caller);
        tasks.spawn(async move {
            let end = Instant::now() + lasts;
            let mut took = Vec::with_capacity(10_000);
            while Instant::now() < end {
                let begun = Instant::now();
                call(took.len() as u64).await;
                took.push(begun.elapsed());
            }
            took
        });
    }
    let mut all = Vec::new();
    while let Some(took) = tasks.join_next().await {
        all.extend(took.expect("a caller does not panic"));
    }
    let seconds = begun.elapsed().as_secs_f64();
    let rate = all.len() as f64 / seconds;
    let (p50, p99) = percentiles(&mut all);
    Load { rate, p50, p99 }
}

/// The middle and the ninety-ninth of some durations, in milliseconds.
pub(crate) fn percentiles(took: &mut [Duration]) -> (f64, f64) {
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1_000.0;
    (at(0.50), at(0.99))
}

/// The middle of some figures.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
