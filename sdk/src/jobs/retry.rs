//! Whether and when an attempt that failed is followed by another.
//!
//! Three things end a job that fails: its failures are used up, its error says that another attempt would not help, or its time
//! is over. Else it waits, the longer the more it failed, and never less than its error asks for.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::error::{Error, Kind};
use crate::store::{Job, JobFailure, NOT_BEGUN, Verdict};
use crate::wire::{JobStatus, Timestamp};

/// The code of a job whose time is over.
const PAST_DEADLINE: &str = "JOB_DEADLINE";

/// How long an attempt that begins now may take, and the error of one that takes longer; no time at all where the job's is over.
pub(super) fn limit(job: &Job, now: DateTime<Utc>) -> Option<(Duration, Error)> {
    let attempt = job.timeout.map(|most| {
        let late = format!("the attempt took longer than its {} ms", most.as_millis());
        (most, Error::new(Kind::DeadlineExceeded, late))
    });
    let whole = job.deadline.map(|deadline| {
        let left = (deadline - now).to_std().unwrap_or_default();
        let late = format!(
            "the job was not done by {}, {} ms after its creation",
            Timestamp(deadline),
            (deadline - job.created_at).num_milliseconds()
        );
        let late = Error::new(Kind::DeadlineExceeded, late).with_code(PAST_DEADLINE);
        (left, late.without_retry())
    });
    let begun = job.start_by.filter(|start_by| job.attempt == 1 && *start_by <= now);
    let unbegun = begun.map(|start_by| {
        let late = format!("the job had not begun by {}", Timestamp(start_by));
        let late = Error::new(Kind::DeadlineExceeded, late).with_code(NOT_BEGUN);
        (Duration::ZERO, late.without_retry())
    });
    let limits = unbegun.into_iter().chain(attempt).chain(whole);
    limits.min_by_key(|(most, _)| *most)
}

/// What becomes of a job whose running attempt failed, for a random number in `0.0..1.0`.
pub(super) fn verdict(job: &Job, error: &Error, now: DateTime<Utc>, random: f64) -> Verdict {
    debug_assert!(job.status == JobStatus::Running, "only a claimed job is run");
    let failures = job.failures + 1;
    let wait = job
        .backoff
        .wait(failures, random)
        .max(error.retry_after().unwrap_or_default());
    let again = now.checked_add_signed(TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX));
    let retry_at = again.filter(|_| !error.hopeless() && failures < job.max_attempts);
    let message = format!("{}: {}", error.code(), error.message());
    let chain = error.chain();
    let stack = (chain != message).then_some(chain);
    match (retry_at, job.deadline) {
        (Some(again), Some(deadline)) if again >= deadline => Verdict::Failed {
            error: JobFailure {
                message: format!(
                    "{PAST_DEADLINE}: the next attempt would begin after {}, when the job's time is over; the last one failed with {message}",
                    Timestamp(deadline)
                ),
                stack,
            },
            retry_at: None,
        },
        (retry_at, _) => Verdict::Failed {
            error: JobFailure { message, stack },
            retry_at,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Backoff;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn running(deadline: Option<i64>) -> Job {
        Job {
            seq: 1,
            id: "j".to_owned(),
            name: "work".to_owned(),
            params: None,
            status: JobStatus::Running,
            priority: 0,
            created_at: NOW - TimeDelta::seconds(10),
            run_at: NOW,
            started_at: Some(NOW),
            completed_at: None,
            attempt: 1,
            failures: 0,
            max_attempts: 3,
            backoff: Backoff::doubling(Duration::from_secs(2), Duration::from_secs(60)),
            timeout: Some(Duration::from_secs(5)),
            deadline: deadline.map(|seconds| NOW + TimeDelta::seconds(seconds)),
            start_by: None,
            heartbeat: None,
            unique_key: None,
            concurrency: None,
            turn: None,
            throttle_key: None,
            attempt_bytes: 0,
            redrive_of: None,
            redriven_as: None,
            schedule_id: None,
            progress: None,
            result: None,
            error: None,
            trace: None,
            owner: Some("me".to_owned()),
            cancel_acknowledged_at: None,
        }
    }

    fn after(job: &Job, error: &Error) -> (String, Option<i64>) {
        match verdict(job, error, NOW, 1.0) {
            Verdict::Failed { error, retry_at } => (error.message, retry_at.map(|at| (at - NOW).num_seconds())),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_error_that_may_pass_is_tried_again_until_its_attempts_are_used_up() {
        let error = Error::unavailable("not yet");
        assert_eq!(after(&running(None), &error).1, Some(2));
        let last = Job {
            failures: 2,
            ..running(None)
        };
        assert_eq!(after(&last, &error).1, None);
    }

    #[test]
    fn an_error_that_says_so_or_is_of_a_hopeless_kind_ends_the_job() {
        assert_eq!(after(&running(None), &Error::invalid("no")).1, None);
        assert_eq!(
            after(&running(None), &Error::unavailable("gone for good").without_retry()).1,
            None
        );
    }

    #[test]
    fn the_wait_is_never_shorter_than_the_error_asks_for() {
        let error = |seconds| Error::unavailable("later").with_retry_after(Duration::from_secs(seconds));
        assert_eq!(after(&running(None), &error(30)).1, Some(30));
        assert_eq!(after(&running(None), &error(1)).1, Some(2), "the backoff asks for more");
    }

    #[test]
    fn a_retry_that_would_come_after_the_deadline_ends_the_job_and_says_so() {
        let (message, retry_at) = after(&running(Some(2)), &Error::unavailable("not yet"));
        assert_eq!(retry_at, None);
        assert!(message.starts_with("JOB_DEADLINE: "), "{message}");
        assert!(message.ends_with("UNAVAILABLE: not yet"), "{message}");
        assert_eq!(after(&running(Some(3)), &Error::unavailable("not yet")).1, Some(2));
    }

    #[test]
    fn an_attempt_has_the_shorter_of_its_timeout_and_what_is_left_of_the_job() {
        let most =
            |deadline| limit(&running(deadline), NOW).map(|(most, late)| (most.as_secs(), late.code().to_owned()));
        assert_eq!(most(None), Some((5, "DEADLINE_EXCEEDED".to_owned())));
        assert_eq!(most(Some(9)), Some((5, "DEADLINE_EXCEEDED".to_owned())));
        assert_eq!(most(Some(3)), Some((3, PAST_DEADLINE.to_owned())));
        assert_eq!(most(Some(-1)), Some((0, PAST_DEADLINE.to_owned())));
    }

    #[test]
    fn only_the_first_attempt_has_to_begin_in_time() {
        let late = |attempt, seconds| {
            let job = Job {
                attempt,
                start_by: Some(NOW + TimeDelta::seconds(seconds)),
                ..running(None)
            };
            limit(&job, NOW).map(|(most, late)| (most.as_secs(), late.code().to_owned()))
        };
        assert_eq!(late(1, 0), Some((0, NOT_BEGUN.to_owned())));
        assert_eq!(late(1, 1), Some((5, "DEADLINE_EXCEEDED".to_owned())));
        assert_eq!(late(2, 0), Some((5, "DEADLINE_EXCEEDED".to_owned())));
    }
}
