//! What an answer, or its absence, says: to its replica's breaker, and to whoever thinks of asking again.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::header;
use super::peer::Verdict;
use super::pool::Unanswered;
use crate::error::Origin;
use crate::transport::Response;

/// What a "later" without a time counts as.
const LATER: Duration = Duration::from_secs(1);

/// The address is another service's (RFC 9110, section 15.5.20).
const MISDIRECTED: u16 = 421;

/// Whether an answer says that the address is another service's.
pub(super) fn is_misdirected(status: StatusCode) -> bool {
    status.as_u16() == MISDIRECTED
}

/// Whether an edge answered for a service that it could not reach, such as one that sleeps.
pub(super) fn is_from_edge(status: StatusCode) -> bool {
    status.as_u16() == 502
}

/// Whether, and why, the same request may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// There is nothing to repeat.
    No,
    /// It was certainly not processed: any request may.
    Unprocessed {
        /// How long the replica asked to be left alone.
        wait: Option<Duration>,
        /// Whether it cost the replica nothing, so that it need not be paid for.
        free: bool,
    },
    /// It may have been: only a request that does no more when done twice.
    Doubtful {
        /// How long the replica asked to be left alone.
        wait: Option<Duration>,
    },
}

/// What an answer says. What the service's own handler said is an answer, whatever its status: the process behind it works.
pub(super) fn of_response(response: &Response) -> (Verdict, Again) {
    let (status, headers) = (response.status(), response.headers());
    let wait = retry_after(headers);
    if from_handler(headers) {
        return (Verdict::Success, Again::No);
    }
    match status.as_u16() {
        MISDIRECTED => (Verdict::Failure, Again::Unprocessed { wait: None, free: true }),
        _ if headers.contains_key(header::UNPROCESSED) => (
            Verdict::Throttled(wait.unwrap_or(LATER)),
            Again::Unprocessed { wait, free: false },
        ),
        429 => (Verdict::Throttled(wait.unwrap_or(LATER)), Again::Doubtful { wait }),
        // It will be as little implemented elsewhere.
        501 => (Verdict::Success, Again::No),
        500.. => (Verdict::Failure, Again::Doubtful { wait }),
        _ => (Verdict::Success, Again::No),
    }
}

/// What the absence of an answer says.
pub(super) fn of_silence(unanswered: &Unanswered) -> (Verdict, Again) {
    match unanswered {
        Unanswered::Unsent(_) => (Verdict::Unreachable, Again::Unprocessed { wait: None, free: true }),
        Unanswered::Doubtful(_) => (Verdict::Failure, Again::Doubtful { wait: None }),
        Unanswered::Unreadable(_) => (Verdict::Failure, Again::No),
    }
}

/// Whether the process that answered is about to end.
pub(super) fn is_draining(headers: &HeaderMap) -> bool {
    headers.contains_key(header::DRAINING)
}

fn from_handler(headers: &HeaderMap) -> bool {
    headers
        .get(header::ORIGIN)
        .is_some_and(|origin| origin == Origin::Handler.as_str())
}

/// `Retry-After`, in seconds or as a date (RFC 9110, section 10.2.3); a date is counted from the answer's own, so that clocks need not agree.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok();
    let after = text(http::header::RETRY_AFTER)?.trim();
    if let Ok(seconds) = after.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text| chrono::DateTime::parse_from_rfc2822(text).ok();
    (date(after)? - date(text(http::header::DATE)?)?).to_std().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Body;

    fn answer(status: u16, headers: &[(&'static str, &str)]) -> Response {
        let mut response = http::Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        response.body(Body::empty()).unwrap()
    }

    #[test]
    fn what_a_status_says_depends_on_who_said_it() {
        let secs = |n| Some(Duration::from_secs(n));
        for (status, headers, expected) in [
            (200, &[][..], (Verdict::Success, Again::No)),
            (404, &[], (Verdict::Success, Again::No)),
            (500, &[], (Verdict::Failure, Again::Doubtful { wait: None })),
            (500, &[("x-syscall-origin", "handler")], (Verdict::Success, Again::No)),
            (
                500,
                &[("x-syscall-origin", "kernel")],
                (Verdict::Failure, Again::Doubtful { wait: None }),
            ),
            (502, &[], (Verdict::Failure, Again::Doubtful { wait: None })),
            (
                503,
                &[("retry-after", "2")],
                (Verdict::Failure, Again::Doubtful { wait: secs(2) }),
            ),
            (
                503,
                &[("retry-after", "0"), ("x-syscall-unprocessed", "1")],
                (
                    Verdict::Throttled(Duration::ZERO),
                    Again::Unprocessed {
                        wait: secs(0),
                        free: false,
                    },
                ),
            ),
            (
                429,
                &[("retry-after", "7")],
                (
                    Verdict::Throttled(Duration::from_secs(7)),
                    Again::Doubtful { wait: secs(7) },
                ),
            ),
            (
                429,
                &[("retry-after", "soon")],
                (Verdict::Throttled(LATER), Again::Doubtful { wait: None }),
            ),
            (
                421,
                &[],
                (Verdict::Failure, Again::Unprocessed { wait: None, free: true }),
            ),
            (
                429,
                &[
                    ("date", "Sat, 21 Nov 2026 10:00:00 GMT"),
                    ("retry-after", "Sat, 21 Nov 2026 10:00:30 GMT"),
                ],
                (
                    Verdict::Throttled(Duration::from_secs(30)),
                    Again::Doubtful { wait: secs(30) },
                ),
            ),
            (501, &[], (Verdict::Success, Again::No)),
        ] {
            assert_eq!(of_response(&answer(status, headers)), expected, "{status} {headers:?}");
        }
    }
}
