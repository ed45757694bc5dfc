use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::{Error, Kind};
use crate::metrics::{Counter, Metrics};
use crate::telemetry::Histogram;

/// How a call ended, as far as who watches a fleet tells endings apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It was answered, whatever the answer says, save for the rest here.
    Answered,
    /// The peer answered with a 5xx.
    Failed,
    /// The peer, or this process for it, had no room.
    Overloaded,
    /// The time was up.
    Late,
    /// Nobody could be asked.
    Unreachable,
    /// The connection broke with the question on its way.
    Broken,
}

impl Ending {
    pub(crate) const ALL: [Ending; 6] = [
        Ending::Answered,
        Ending::Failed,
        Ending::Overloaded,
        Ending::Late,
        Ending::Unreachable,
        Ending::Broken,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Ending::Answered => "answered",
            Ending::Failed => "failed",
            Ending::Overloaded => "overloaded",
            Ending::Late => "late",
            Ending::Unreachable => "unreachable",
            Ending::Broken => "broken",
        }
    }

    /// The ending of a call by its answer's status.
    pub(crate) fn of_status(status: http::StatusCode) -> Self {
        match status.as_u16() {
            429 | 503 => Ending::Overloaded,
            504 => Ending::Late,
            500.. => Ending::Failed,
            _ => Ending::Answered,
        }
    }

    /// The ending of a call that came to no answer.
    pub(crate) fn of_error(error: &Error) -> Self {
        match error.kind() {
            Kind::DeadlineExceeded => Ending::Late,
            Kind::Overloaded | Kind::RateLimited => Ending::Overloaded,
            Kind::Unavailable => Ending::Unreachable,
            _ => Ending::Broken,
        }
    }
}

/// What a process counts of a peer.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) ended: [Counter; Ending::ALL.len()],
    pub(crate) retries: Counter,
    pub(crate) hedges: Counter,
    pub(crate) took: Arc<Histogram>,
    /// What a good answer takes, in nanoseconds: a running mean, for replicas of which nothing is known.
    typical: AtomicU64,
}

/// What an unknown peer's answer is taken to need: a call on a private network.
const TYPICAL_FIRST: Duration = Duration::from_millis(1);

impl Figures {
    pub(super) fn new(metrics: &Metrics, peer: &str) -> Self {
        let labels = |more: &[(&'static str, &str)]| {
            std::iter::once(("peer", peer.to_owned()))
                .chain(more.iter().map(|(name, value)| (*name, (*value).to_owned())))
                .collect::<Vec<_>>()
        };
        Figures {
            ended: Ending::ALL.map(|ending| {
                metrics.counter(
                    "rpc_client_calls_total",
                    "Calls to a peer, by how they ended.",
                    labels(&[("ending", ending.as_str())]),
                )
            }),
            retries: metrics.counter("rpc_client_retries_total", "Attempts after the first.", labels(&[])),
            hedges: metrics.counter(
                "rpc_client_hedges_total",
                "Attempts made beside one that was slow.",
                labels(&[]),
            ),
            took: metrics.histogram(
                "rpc_client_duration_seconds",
                "From the call to its answer, repeats included.",
                labels(&[]),
            ),
            typical: AtomicU64::new(TYPICAL_FIRST.as_nanos() as u64),
        }
    }

    /// A call ended.
    pub(crate) fn end(&self, ending: Ending, took: Duration) {
        self.ended[ending as usize].one();
        self.took.record(took);
    }

    /// An attempt was answered well.
    pub(super) fn learn(&self, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let typical = self.typical.load(Ordering::Relaxed);
        // Two at once may lose one of them: it is a mean.
        self.typical
            .store(typical - typical / 64 + took / 64, Ordering::Relaxed);
    }

    /// What a good answer takes, in seconds.
    pub(super) fn typical(&self) -> f64 {
        self.typical.load(Ordering::Relaxed) as f64 / 1e9
    }
}
