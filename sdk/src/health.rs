//! How the service is: checks run in the background, side by side, each with its own deadline, and are answered from their last result.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::wire::{Check, CheckStatus, HealthStatus};

/// How often checks run: twice within the platform's and the edge's own interval.
pub const CHECK_INTERVAL: Duration = Duration::from_secs(10);
/// Longest that a check may take; one that takes longer is down.
pub const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// Asks whether something works. An error is "down"; [`CheckOutcome::Degraded`] is in between.
pub type CheckFn = Arc<dyn Fn() -> BoxFuture<'static, crate::error::Result<CheckOutcome>> + Send + Sync>;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckOutcome {
    /// Well.
    Ok,
    /// Works, with something amiss.
    Degraded(String),
}

/// A named check.
#[derive(Clone)]
pub struct NamedCheck {
    /// Its name; conventional ones are `database`, `redis`, `dependencies`.
    pub name: String,
    /// Whether the service is unhealthy when it is down, or only degraded.
    pub critical: bool,
    /// What it asks.
    pub check: CheckFn,
}

impl fmt::Debug for NamedCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedCheck")
            .field("name", &self.name)
            .field("critical", &self.critical)
            .finish()
    }
}

/// The last known health of a service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Health(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    checks: Vec<NamedCheck>,
    clock: Clock,
    started: Instant,
    report: watch::Sender<Arc<Report>>,
}

/// What the checks last said.
#[derive(Clone, Debug)]
pub struct Report {
    /// What follows from them, unless it was set by hand.
    pub status: HealthStatus,
    /// Each one.
    pub checks: BTreeMap<String, Check>,
    /// When they last ran.
    pub at: DateTime<Utc>,
    /// What was set by hand, and stands until it is set otherwise.
    pub forced: Option<HealthStatus>,
}

impl Health {
    /// A service that is presumed healthy until its checks have run.
    pub fn new(checks: Vec<NamedCheck>, clock: Clock) -> Self {
        let report = Report {
            status: HealthStatus::Healthy,
            checks: BTreeMap::new(),
            at: clock.now(),
            forced: None,
        };
        Health(Arc::new(Inner {
            checks,
            clock,
            started: Instant::now(),
            report: watch::Sender::new(Arc::new(report)),
        }))
    }

    /// The last report.
    pub fn report(&self) -> Arc<Report> {
        Arc::clone(&self.0.report.borrow())
    }

    /// The last status.
    pub fn status(&self) -> HealthStatus {
        self.0.report.borrow().status
    }

    /// The report, as something to wait on.
    pub fn watch(&self) -> watch::Receiver<Arc<Report>> {
        self.0.report.subscribe()
    }

    /// Sets the status by hand; the worse of it and what the checks say is shown. `None` leaves it to the checks again.
    pub fn set_status(&self, status: Option<HealthStatus>) {
        self.0.report.send_modify(|report| {
            let mut next = (**report).clone();
            next.forced = status;
            next.status = overall(&self.0.checks, &next.checks).max(status.unwrap_or(HealthStatus::Healthy));
            *report = Arc::new(next);
        });
    }

    /// How long the service has been up.
    pub fn uptime(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// Runs every check once, side by side, and keeps what they say.
    pub async fn run_checks(&self) {
        let results = join_all(self.0.checks.iter().map(run)).await;
        let checks: BTreeMap<_, _> = results.into_iter().collect();
        let at = self.0.clock.now();
        self.0.report.send_modify(|report| {
            let status = overall(&self.0.checks, &checks).max(report.forced.unwrap_or(HealthStatus::Healthy));
            *report = Arc::new(Report {
                status,
                checks,
                at,
                forced: report.forced,
            });
        });
    }

    /// Runs the checks again and again, for ever.
    pub async fn keep_checking(&self) {
        loop {
            tokio::time::sleep(CHECK_INTERVAL).await;
            self.run_checks().await;
        }
    }
}

async fn run(named: &NamedCheck) -> (String, Check) {
    let begun = Instant::now();
    let guarded = AssertUnwindSafe(async { (named.check)().await }).catch_unwind();
    let (status, message) = match tokio::time::timeout(CHECK_TIMEOUT, guarded).await {
        Ok(Ok(Ok(CheckOutcome::Ok))) => (CheckStatus::Ok, None),
        Ok(Ok(Ok(CheckOutcome::Degraded(why)))) => (CheckStatus::Degraded, Some(why)),
        Ok(Ok(Err(error))) => (CheckStatus::Down, Some(error.message().to_owned())),
        Ok(Err(_)) => (CheckStatus::Down, Some("the check panicked".to_owned())),
        Err(_) => (
            CheckStatus::Down,
            Some(format!("no answer within {} ms", CHECK_TIMEOUT.as_millis())),
        ),
    };
    let latency = (begun.elapsed().as_secs_f64() * 1_000_000.0).round() / 1_000.0;
    (
        named.name.clone(),
        Check {
            status,
            message,
            latency: Some(latency),
        },
    )
}

/// A critical check down is unhealthy; anything else amiss is degraded.
fn overall(named: &[NamedCheck], checks: &BTreeMap<String, Check>) -> HealthStatus {
    named
        .iter()
        .filter_map(|named| Some((named.critical, checks.get(&named.name)?.status)))
        .map(|(critical, status)| match status {
            CheckStatus::Ok => HealthStatus::Healthy,
            CheckStatus::Down if critical => HealthStatus::Unhealthy,
            CheckStatus::Down | CheckStatus::Degraded => HealthStatus::Degraded,
        })
        .max()
        .unwrap_or(HealthStatus::Healthy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn check(
        name: &str,
        critical: bool,
        check: impl Fn() -> BoxFuture<'static, crate::error::Result<CheckOutcome>> + Send + Sync + 'static,
    ) -> NamedCheck {
        NamedCheck {
            name: name.to_owned(),
            critical,
            check: Arc::new(check),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_black_hole_is_down_after_its_own_deadline_and_holds_up_no_other() {
        let hole = || Box::pin(std::future::pending()) as BoxFuture<'static, _>;
        let health = Health::new(
            vec![
                check("hole", false, hole),
                check("other", false, hole),
                check("well", true, || Box::pin(async { Ok(CheckOutcome::Ok) })),
            ],
            Clock::system(),
        );
        let begun = Instant::now();
        health.run_checks().await;
        assert!(begun.elapsed() < CHECK_TIMEOUT + Duration::from_millis(10));
        assert_eq!(health.status(), HealthStatus::Degraded);
        assert_eq!(health.report().checks["hole"].status, CheckStatus::Down);
    }

    #[tokio::test]
    async fn a_critical_check_down_is_unhealthy_and_a_panic_is_down() {
        let health = Health::new(
            vec![
                check("database", true, || Box::pin(async { Err(Error::unavailable("gone")) })),
                check("mad", false, || panic!("mad")),
            ],
            Clock::system(),
        );
        // A check may panic before it gives a future as well as in it.
        let outcome = AssertUnwindSafe(health.run_checks()).catch_unwind().await;
        assert!(outcome.is_ok());
        assert_eq!(health.status(), HealthStatus::Unhealthy);
        assert_eq!(health.report().checks["database"].message.as_deref(), Some("gone"));
    }

    #[tokio::test]
    async fn a_status_set_by_hand_stands_until_it_is_set_otherwise() {
        let health = Health::new(vec![], Clock::system());
        health.set_status(Some(HealthStatus::Unhealthy));
        health.run_checks().await;
        assert_eq!(health.status(), HealthStatus::Unhealthy);
        health.set_status(None);
        assert_eq!(health.status(), HealthStatus::Healthy);
    }
}
