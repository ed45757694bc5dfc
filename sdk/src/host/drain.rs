use std::time::Duration;

use crate::config::Environment;

/// How long a drain may take, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainBudget {
    /// Still accepting, while balancers and peers learn that this process goes.
    pub accepting: Duration,
    /// For requests and jobs in flight.
    pub in_flight: Duration,
    /// For everything.
    pub total: Duration,
}

impl Default for DrainBudget {
    /// 10 s in all: 1 s still accepting, 6.5 s for work in flight, the rest for what follows.
    fn default() -> Self {
        DrainBudget {
            accepting: Duration::from_secs(1),
            in_flight: Duration::from_millis(6_500),
            total: Duration::from_secs(10),
        }
    }
}

impl DrainBudget {
    /// The budget of an environment: on a laptop there is no balancer to wait for.
    pub fn of(environment: Environment) -> Self {
        match environment {
            Environment::Development => DrainBudget {
                accepting: Duration::ZERO,
                ..DrainBudget::default()
            },
            _ => DrainBudget::default(),
        }
    }

    /// At once.
    pub fn none() -> Self {
        DrainBudget {
            accepting: Duration::ZERO,
            in_flight: Duration::ZERO,
            total: Duration::ZERO,
        }
    }
}
