//! The kernel's own figures, recorded by name like any other, so that pages and scripts read them from one place.

use std::sync::Arc;
use std::time::Duration;

use crate::context::{BusEvent, Kernel};
use crate::metrics;
use crate::wire::{HealthStatus, MetricRequest};

/// How often they are recorded: fine enough for a chart of an hour, coarse enough for a ring of nearly three.
const INTERVAL: Duration = Duration::from_secs(10);

/// Records vitals for ever.
pub(super) async fn record(kernel: Arc<Kernel>) {
    let mut before = kernel.traffic.took.snapshot();
    let mut errors_before = kernel.traffic.errors.get();
    loop {
        tokio::time::sleep(INTERVAL).await;
        let now = kernel.traffic.took.snapshot();
        let errors = kernel.traffic.errors.get();
        let since = now.since(&before);
        let quantiles = since.quantiles();
        let share = if since.count == 0 {
            0.0
        } else {
            (errors - errors_before) as f64 / since.count as f64
        };
        for (name, value, unit) in [
            ("http.rate", since.count as f64 / INTERVAL.as_secs_f64(), "1/s"),
            ("http.errors", share, "share"),
            ("http.p50", quantiles.p50, "ms"),
            ("http.p95", quantiles.p95, "ms"),
            ("http.p99", quantiles.p99, "ms"),
            ("http.in_flight", kernel.admission.take_peak() as f64, "requests"),
            ("http.limit", kernel.admission.limit() as f64, "requests"),
            ("process.rss", metrics::memory().rss as f64, "bytes"),
        ] {
            let request = MetricRequest {
                name: name.to_owned(),
                value,
                unit: Some(unit.to_owned()),
                tags: None,
            };
            // Every name and value here is one that is taken.
            let _ = kernel.metrics.record(request);
        }
        before = now;
        errors_before = errors;
    }
}

/// Tells the kernel's bus whenever health changes.
pub(super) async fn tell_health(kernel: Arc<Kernel>) {
    let mut reports = kernel.health.watch();
    let mut last = None;
    loop {
        let ok = reports.borrow_and_update().status == HealthStatus::Healthy;
        if last.replace(ok).is_some_and(|before| before != ok) {
            kernel.bus.send(BusEvent::Health {
                service: kernel.record.key.clone(),
                ok,
            });
            tracing::info!(ok, "health changed");
        }
        if reports.changed().await.is_err() {
            return;
        }
    }
}
