use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::Mutex;
use tracing::Instrument;

use super::{Arrival, EventHandler};
use crate::error::{Error, Kind, Result};
use crate::lifecycle::panic_message;
use crate::metrics::{Counter, Metrics};
use crate::policy::Backoff;
use crate::telemetry::{self, TraceContext};

/// Longest that one event's handler may take: well inside the longest call, in which it is delivered; longer work is a job.
const HANDLER_TIMEOUT: Duration = Duration::from_secs(15);

/// A subscription that the service's code declares.
#[derive(Clone)]
pub struct Declared {
    /// The registry key of the service whose events these are.
    pub source: String,
    /// The event's name, or a prefix with `*`; also the subscription's name.
    pub event: String,
    /// Whether it begins with everything that the source keeps, rather than with what comes next.
    pub from_start: bool,
    /// Failures of one event after which it is given up on.
    pub max_attempts: u32,
    /// The wait between them.
    pub backoff: Backoff,
    /// Handles an event.
    pub handler: EventHandler,
}

/// A declared subscription, while the service runs.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) declared: Declared,
    /// `source/event`.
    pub(super) holder: String,
    /// Whether the source knows of it.
    pub(super) registered: AtomicBool,
    /// Whether this life of the process has written down which event it began with.
    pub(super) begun: AtomicBool,
    /// One batch or one redriven letter at a time.
    pub(super) turn: Mutex<()>,
    pub(super) handled: Counter,
    pub(super) failures: Counter,
    pub(super) died: Counter,
}

impl Held {
    pub(super) fn new(declared: Declared, metrics: &Metrics) -> Self {
        let counter = |name, help| {
            let labels = vec![
                ("source", declared.source.clone()),
                ("subscription", declared.event.clone()),
            ];
            metrics.counter(name, help, labels)
        };
        Held {
            holder: format!("{}/{}", declared.source, declared.event),
            handled: counter(
                "subscription_events_handled_total",
                "Events of a subscription that had their effect.",
            ),
            failures: counter("subscription_failures_total", "Tries of an event that failed."),
            died: counter("subscription_dead_total", "Events that were given up on."),
            registered: AtomicBool::new(false),
            begun: AtomicBool::new(false),
            turn: Mutex::default(),
            declared,
        }
    }

    /// Runs the handler in the trace of who emitted the event, within its time.
    pub(super) async fn handle(&self, arrival: Arrival, traceparent: Option<&str>) -> Result<()> {
        let event = &arrival.event;
        let span = tracing::info_span!(
            target: "syscall", "event",
            otel.name = format!("event {}", event.event), span.kind = "consumer", event.id = event.id, event.attempt = arrival.attempt
        );
        telemetry::join_trace(&span, traceparent.and_then(TraceContext::parse));
        let work = AssertUnwindSafe((self.declared.handler)(arrival)).catch_unwind();
        let outcome = match tokio::time::timeout(HANDLER_TIMEOUT, work.instrument(span.clone())).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => {
                Err(Error::internal(format!("the handler panicked: {}", panic_message(&*panic))).with_code("PANIC"))
            }
            Err(_) => Err(Error::new(
                Kind::DeadlineExceeded,
                format!(
                    "the handler took longer than {} ms; longer work is a job",
                    HANDLER_TIMEOUT.as_millis()
                ),
            )),
        };
        if let Err(error) = &outcome {
            telemetry::mark_error(&span, error.code());
        }
        outcome
    }
}

impl fmt::Debug for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Declared")
            .field("source", &self.source)
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}
