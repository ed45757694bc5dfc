//! The bounds of what an order may say of a job.

use std::time::Duration;

use super::TaskDefaults;
use crate::error::{Error, Result};
use crate::policy::Backoff;
use crate::wire::CreateJob;

/// Most failures that a job may be given: a year of hourly attempts is not a retry but a schedule.
pub(super) const ATTEMPTS_MAX: u32 = 1_000;
/// Longest that an attempt may take, and that a job may wait to begin.
const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 3_600);
/// Furthest that a job may be put off or end: ten years are a mistake in the unit.
pub(super) const DELAY_MAX: Duration = Duration::from_secs(10 * 366 * 24 * 3_600);
/// Furthest that a priority may be from 0. A step is a minute of waiting, so these are 16 hours and 40 minutes: what is further ahead
/// is not more urgent but another name's. A claim looks at each priority of a name that has queued jobs, so it looks at 2,001 at most.
pub(super) const PRIORITY_MAX: i32 = 1_000;

/// What an order says of a job's life, with what its contract says where it is silent.
pub(super) struct Checked {
    pub(super) priority: i32,
    pub(super) max_attempts: u32,
    pub(super) backoff: Backoff,
    pub(super) timeout: Option<Duration>,
    pub(super) max_elapsed: Option<Duration>,
    pub(super) start_within: Option<Duration>,
    pub(super) heartbeat: Option<Duration>,
}

impl Checked {
    pub(super) fn new(create: &CreateJob, defaults: &TaskDefaults) -> Result<Self> {
        let max_attempts = create.max_attempts.unwrap_or(defaults.max_attempts);
        if !(1..=ATTEMPTS_MAX).contains(&max_attempts) {
            return Err(Error::invalid(format!("maxAttempts is 1 to {ATTEMPTS_MAX}")));
        }
        let priority = create.priority.unwrap_or(0);
        if !(-PRIORITY_MAX..=PRIORITY_MAX).contains(&priority) {
            return Err(Error::invalid(format!(
                "priority is -{PRIORITY_MAX} to {PRIORITY_MAX}, each step as a minute of waiting"
            )));
        }
        let backoff = create.backoff.unwrap_or(defaults.backoff);
        if !(backoff.factor.is_finite() && (1.0..=100.0).contains(&backoff.factor) && backoff.base >= 1) {
            return Err(Error::invalid(
                "backoff has a base of at least 1 ms and a factor of 1 to 100",
            ));
        }
        let limit = |field: &str, millis: Option<u64>, unless_said: Option<Duration>, most: Duration| match millis {
            None => Ok(unless_said),
            Some(0) => Err(Error::invalid(format!("{field} is at least 1 ms"))),
            Some(millis) => bounded(field, millis, most).map(Some),
        };
        let timeout = limit("timeout", create.timeout, defaults.timeout, TIMEOUT_MAX)?;
        let max_elapsed = limit("maxElapsed", create.max_elapsed, defaults.max_elapsed, DELAY_MAX)?;
        let start_within = limit("startWithin", create.start_within, defaults.start_within, DELAY_MAX)?;
        let heartbeat = limit("heartbeat", create.heartbeat, defaults.heartbeat, TIMEOUT_MAX)?;
        Ok(Checked {
            priority,
            max_attempts,
            backoff,
            timeout,
            max_elapsed,
            start_within,
            heartbeat,
        })
    }
}

/// Milliseconds of a field, up to a bound.
pub(super) fn bounded(field: &str, millis: u64, most: Duration) -> Result<Duration> {
    let duration = Duration::from_millis(millis);
    if duration > most {
        return Err(Error::invalid(format!("{field} is at most {} ms", most.as_millis())));
    }
    Ok(duration)
}
