use std::time::Duration;

use http::HeaderValue;
use http::header::CONNECTION;
use tokio::time::Instant;

use super::{ConnectionLimits, Response};

/// How long one connection is used: a peer that was deployed anew, or has more replicas than before, is found when the old one ends.
///
/// The end is told on an answer, with `Connection: close`, and never by closing: whoever sends a request meanwhile would not know
/// whether it was done. A connection that is idle when its time is over ends with its next answer, or as idle ones do.
#[derive(Debug)]
pub(super) struct Lifetime {
    until: Instant,
    left: u32,
}

impl Lifetime {
    /// A lifetime that begins now, for a random number in `0.0..1.0`: connections that were opened together do not end together.
    pub(super) fn begin(limits: &ConnectionLimits, random: f64) -> Self {
        Lifetime {
            until: Instant::now() + spread(limits.age_max, random),
            left: limits.requests_max,
        }
    }

    /// Counts a request, and gives whether it is the last.
    pub(super) fn ends_with_this(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        self.left == 0 || Instant::now() >= self.until
    }
}

/// Says on an answer that the connection ends with it, unless it says something else of it, as one that switches protocols does.
pub(super) fn tell_the_end(response: &mut Response) {
    response
        .headers_mut()
        .entry(CONNECTION)
        .or_insert(HeaderValue::from_static("close"));
}

/// Up to a tenth more or less.
fn spread(age: Duration, random: f64) -> Duration {
    age.mul_f64(0.9 + 0.2 * random.clamp(0.0, 1.0))
}
