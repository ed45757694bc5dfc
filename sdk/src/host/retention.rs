//! What a service keeps, and for how long: the oldest goes a slice at a time while the service idles.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::config::KeptMax;
use crate::context::Kernel;
use crate::metrics::Labels;
use crate::store::{Batch, Kept, Outcome, Retention};

/// Between slices when there was something to drop, and when there was nothing.
const PRUNE_BUSY: Duration = Duration::from_millis(200);
const PRUNE_IDLE: Duration = Duration::from_secs(60);

/// A week of events and finished jobs, a day of changes for watchers to resume in; and counts that keep a store of small rows within
/// some hundreds of megabytes. What large ones come to is bounded by bytes, as the environment says.
const fn retention(most: KeptMax) -> Retention {
    Retention {
        event_age: Duration::from_secs(7 * 86_400),
        events_max: 1_000_000,
        event_bytes_max: most.events,
        change_age: Duration::from_secs(86_400),
        changes_max: 200_000,
        change_bytes_max: most.changes,
        job_age: Duration::from_secs(7 * 86_400),
        jobs_max: 200_000,
        job_bytes_max: most.jobs,
        slice: 500,
    }
}

/// Starts it.
pub(super) fn run(kernel: &Kernel) {
    let (store, clock) = (Arc::clone(&kernel.store), kernel.clock.clone());
    let live = kernel.live.clone();
    let (told, kept) = watch::channel(Kept::default());
    register(kernel, kept);
    kernel.scope.spawn_background("retention", async move {
        loop {
            let most = live.now().settings.kept_max;
            let pruned = match store.commit(Batch::new(clock.now()).with(retention(most))).await {
                Ok(outcomes) => matches!(outcomes.first(), Some(Outcome::Pruned(rows)) if *rows > 0),
                Err(error) => {
                    tracing::warn!(error = %error, "retention could not drop what is old");
                    false
                }
            };
            // What cannot be read now is read after the next slice.
            if let Ok(stats) = store.stats().await {
                told.send_replace(stats.kept);
            }
            tokio::time::sleep(if pruned { PRUNE_BUSY } else { PRUNE_IDLE }).await;
        }
    });
}

/// The bytes that were kept after the latest slice, and how many may be.
fn register(kernel: &Kernel, kept: watch::Receiver<Kept>) {
    let levels = |events: u64, changes: u64, jobs: u64| -> Vec<(Labels, f64)> {
        let kinds = [("events", events), ("changes", changes), ("jobs", jobs)];
        let level = |(kind, bytes): (&str, u64)| (vec![("kind", kind.to_owned())], bytes as f64);
        kinds.map(level).into()
    };
    kernel.metrics.levels(
        "syscall_store_kept_bytes",
        "Bytes of events, changes of state and ended jobs that are kept, as of the latest minute.",
        move || {
            let kept = *kept.borrow();
            levels(kept.events, kept.changes, kept.jobs)
        },
    );
    let live = kernel.live.clone();
    kernel.metrics.levels(
        "syscall_store_kept_max_bytes",
        "Bytes of each kind past which the oldest go.",
        move || {
            let most = live.now().settings.kept_max;
            levels(most.events, most.changes, most.jobs)
        },
    );
}
