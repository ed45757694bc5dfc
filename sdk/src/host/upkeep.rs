//! What goes on in every life beside its requests: health, figures, retention, and the watch over the store.

use std::sync::Arc;

use super::{retention, vitals};
use crate::admission::Admission;
use crate::context::Kernel;
use crate::error::Error;

/// Starts it.
pub(super) fn run_kernel_tasks(kernel: &Arc<Kernel>) {
    let scope = &kernel.scope;
    let health = kernel.health.clone();
    let ending = scope.token();
    scope.spawn_critical("health", async move {
        ending.run_until_cancelled(health.keep_checking()).await;
        Ok(())
    });
    scope.spawn_background("vitals", vitals::record(Arc::clone(kernel)));
    scope.spawn_background("tell-health", vitals::tell_health(Arc::clone(kernel)));
    if !kernel.gate.is_open() {
        scope.spawn_background("follow-revocations", Arc::clone(kernel).follow_revocations());
    }
    retention::run(kernel);
    // The store tells by its heads that it will take no more; a kernel without a store is no kernel.
    let mut heads = kernel.store.heads();
    scope.spawn_critical("store", async move {
        while heads.changed().await.is_ok() {}
        Err(Error::unavailable("the store takes no more writes"))
    });
}

/// The figures that are asked for rather than counted.
pub(super) fn register_figures(kernel: &Arc<Kernel>) {
    let metrics = &kernel.metrics;
    metrics.gauge(
        "process_resident_memory_bytes",
        "Resident memory of the process.",
        || crate::metrics::memory().rss as f64,
    );
    metrics.gauge(
        "process_cpu_seconds_total",
        "Processor time that the process has used.",
        crate::metrics::cpu_seconds,
    );
    for (name, help, read) in [
        (
            "http_requests_in_flight",
            "Requests at work; streams and waits are counted apart.",
            Admission::in_flight as fn(&Admission) -> usize,
        ),
        (
            "http_requests_limit",
            "How many requests may be at work: 512 until they wait for one another.",
            Admission::limit,
        ),
        ("http_streams", "Streams that are read.", Admission::streams),
        (
            "http_waits",
            "Requests that wait for something to happen.",
            Admission::waits,
        ),
    ] {
        let admission = kernel.admission.clone();
        metrics.gauge(name, help, move || read(&admission) as f64);
    }
    let health = kernel.health.clone();
    metrics.gauge("syscall_uptime_seconds", "Since the service booted.", move || {
        health.uptime().as_secs_f64()
    });
    let health = kernel.health.clone();
    metrics.gauge("syscall_health", "0 healthy, 1 degraded, 2 unhealthy.", move || {
        f64::from(health.status() as u8)
    });
    let heads = kernel.store.heads();
    metrics.gauge("syscall_store_sequence", "The last sequence committed.", move || {
        heads.borrow().seq as f64
    });
    // The scope holds the kernel's tasks, not the other way round.
    let scope = Arc::downgrade(kernel);
    metrics.gauge("syscall_tasks", "Tasks that run.", move || {
        scope.upgrade().map_or(0.0, |kernel| kernel.scope.tasks() as f64)
    });
    let room = kernel.pipe_room.clone();
    metrics.gauge("syscall_pipes", "Pipes that are open.", move || room.taken() as f64);
    if let Some(output) = kernel.recorder.output() {
        metrics.gauge(
            "syscall_log_lines_dropped_total",
            "Lines that standard output was too slow for.",
            move || output.dropped() as f64,
        );
    }
    if let Some(exporter) = kernel.recorder.exporter() {
        exporter.gauge("process.memory.usage", "By", || crate::metrics::memory().rss as f64);
        let health = kernel.health.clone();
        exporter.gauge("syscall.uptime", "s", move || health.uptime().as_secs_f64());
        let weak = Arc::downgrade(kernel);
        exporter.gauge("syscall.requests", "{request}", move || {
            weak.upgrade()
                .map_or(0.0, |kernel| kernel.traffic.requests.get() as f64)
        });
        let weak = Arc::downgrade(kernel);
        exporter.gauge("syscall.errors", "{request}", move || {
            weak.upgrade().map_or(0.0, |kernel| kernel.traffic.errors.get() as f64)
        });
    }
}
