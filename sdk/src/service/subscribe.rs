use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::context::EventContext;
use crate::error::Result;
use crate::policy::Backoff;
use crate::subscription::DEFAULT_ATTEMPTS;

/// The wait between tries of an event: it holds up those behind it, so it begins short and ends well before a person would look.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_secs(1), Duration::from_secs(120));

/// Handles one event, types erased.
pub type EventHandler = Arc<dyn Fn(EventContext) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// How a subscription begins and how patient it is.
///
/// ```
/// use syscall_sdk::service::Subscribe;
/// let projection = Subscribe::default().from_start();
/// let impatient = Subscribe::default().attempts(2);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Subscribe {
    pub(crate) from_start: bool,
    pub(crate) max_attempts: u32,
    pub(crate) backoff: Backoff,
}

impl Default for Subscribe {
    /// With what comes next, and patient for about four minutes an event.
    fn default() -> Self {
        Subscribe {
            from_start: false,
            max_attempts: DEFAULT_ATTEMPTS,
            backoff: BACKOFF,
        }
    }
}

impl Subscribe {
    /// Begins with everything that the source keeps, rather than with what comes after it is registered: for what is built from
    /// every event.
    #[must_use]
    pub fn from_start(mut self) -> Self {
        self.from_start = true;
        self
    }

    /// How many failures of one event make it a dead letter; at least 1.
    #[must_use]
    pub fn attempts(mut self, most: u32) -> Self {
        self.max_attempts = most.max(1);
        self
    }

    /// The wait between failures; the events behind wait as well.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }
}

/// A subscription that is part of the service.
#[derive(Clone)]
pub struct ServedSubscription {
    /// The registry key of the service whose events these are.
    pub source: &'static str,
    /// The event's name.
    pub event: &'static str,
    /// How it begins and how patient it is.
    pub options: Subscribe,
    /// Handles an event.
    pub handler: EventHandler,
}

impl fmt::Debug for ServedSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.source, self.event)
    }
}
