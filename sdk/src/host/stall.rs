//! A queue that does not move is said in health and in a figure; where its store hangs for good, the process ends.

use std::sync::Arc;

use crate::context::Kernel;
use crate::error::Error;
use crate::health::{CheckOutcome, NamedCheck};
use crate::jobs::Jobs;

/// The task that dies where the store hangs. Another life of the service could not open what this one cannot let go of, so the
/// supervisor gives the service up, and a process that has no other ends.
pub(super) const WATCH: &str = "stalled-queue";

/// The check `jobs`: degraded while the queue is stalled.
pub(super) fn check(jobs: &Jobs) -> NamedCheck {
    let pulse = jobs.pulse().clone();
    NamedCheck {
        name: "jobs".to_owned(),
        critical: false,
        check: Arc::new(move || {
            let outcome = match pulse.stalled() {
                Some(stall) => CheckOutcome::Degraded(stall.sentence()),
                None => CheckOutcome::Ok,
            };
            Box::pin(std::future::ready(Ok(outcome)))
        }),
    }
}

/// The figure, and the watch that ends a process which nothing else helps.
pub(super) fn watch(kernel: &Arc<Kernel>) {
    let pulse = kernel.jobs.pulse().clone();
    kernel.metrics.gauge(
        "jobs_waiting_for_store_seconds",
        "How long taking jobs, or writing an outcome down, has been waiting for the store; 0 while the queue moves.",
        move || pulse.waits().map_or(0.0, |stall| stall.lasts.as_secs_f64()),
    );
    let (pulse, ending) = (kernel.jobs.pulse().clone(), kernel.scope.token());
    kernel.scope.spawn_critical(WATCH, async move {
        match ending.run_until_cancelled(pulse.hung()).await {
            Some(stall) => Err(Error::unavailable(format!(
                "{} has had no answer of the store for {} s, and another try would wait as well; restart the process, and look at the store's disk or database",
                stall.what,
                stall.lasts.as_secs()
            ))),
            None => Ok(()),
        }
    });
}
