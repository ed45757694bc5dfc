//! Load from some callers at once, for a while.

use std::time::{Duration, Instant};

/// What a load came to.
pub(crate) struct Load {
    /// Calls a second.
    pub(crate) rate: f64,
    /// Half of the calls were faster, in microseconds.
    pub(crate) p50: f64,
    /// Ninety-nine of a hundred were faster, in microseconds.
    pub(crate) p99: f64,
}

/// Runs a closed loop of calls in each of some tasks for as long as said.
pub(crate) async fn run<C, F, Fut>(callers: usize, lasts: Duration, make: F) -> Load
where
    F: Fn(usize) -> Fut,
    Fut: Future<Output = C>,
    C: AsyncCall,
{
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let mut call = make(caller).await;
        tasks.spawn(async move {
            let end = Instant::now() + lasts;
            let mut took = Vec::with_capacity(100_000);
            while Instant::now() < end {
                let begun = Instant::now();
                call.call().await;
                took.push(begun.elapsed().as_nanos() as u64);
            }
            took
        });
    }
    let begun = Instant::now();
    let mut all: Vec<u64> = Vec::new();
    while let Some(took) = tasks.join_next().await {
        all.extend(took.expect("a caller does not panic"));
    }
    let seconds = begun.elapsed().as_secs_f64();
    all.sort_unstable();
    let at = |share: f64| all[((all.len() - 1) as f64 * share) as usize] as f64 / 1_000.0;
    Load {
        rate: all.len() as f64 / seconds,
        p50: at(0.50),
        p99: at(0.99),
    }
}

/// One kind of call.
pub(crate) trait AsyncCall: Send + 'static {
    /// Makes one.
    fn call(&mut self) -> impl Future<Output = ()> + Send;
}
