//! How a quota is told (draft-ietf-httpapi-ratelimit-headers-11). The draft may change; its fields are written here and nowhere else.

use std::fmt::Write as _;
use std::time::Duration;

use http::HeaderValue;
use http::header::{HeaderMap, HeaderName};

use crate::admission::{Quota, Turn};

/// Says on an answer which quota its caller has and what is left of it: `RateLimit-Policy: "caller";q=500;w=1` and
/// `RateLimit: "caller";r=499;t=1`. Where another quota was told before, both stand.
///
/// A refusal made of [`Turn::admit`]'s error bears `Retry-After` as well, which wins where they differ.
pub fn tell_quota(headers: &mut HeaderMap, quota: &Quota, turn: &Turn) {
    let reset = turn.wait.unwrap_or(turn.resets_in);
    let policy = item(quota.name, "q", quota.count, "w", quota.per);
    let left = item(quota.name, "r", turn.remaining, "t", reset);
    for (name, value) in [("ratelimit-policy", policy), ("ratelimit", left)] {
        if let Some(value) = value {
            headers.append(HeaderName::from_static(name), value);
        }
    }
}

/// A string of structured fields (RFC 9651) with two parameters, the second in seconds that are rounded up: who waits so long does not
/// come too early.
fn item(name: &str, first: &str, count: u32, second: &str, time: Duration) -> Option<HeaderValue> {
    let mut text = String::with_capacity(48);
    let seconds = time.as_millis().div_ceil(1_000);
    write!(text, "\"{name}\";{first}={count};{second}={seconds}").ok()?;
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_told_in_the_words_of_the_draft() {
        let quota = Quota::per_minute("keys", 100);
        let turn = Turn {
            remaining: 50,
            resets_in: Duration::from_millis(29_001),
            wait: None,
        };
        let mut headers = HeaderMap::new();
        tell_quota(&mut headers, &quota, &turn);
        assert_eq!(headers["ratelimit-policy"], "\"keys\";q=100;w=60");
        assert_eq!(headers["ratelimit"], "\"keys\";r=50;t=30");
        let refused = Turn {
            remaining: 0,
            wait: Some(Duration::from_millis(600)),
            ..turn
        };
        tell_quota(&mut headers, &Quota::per_second("caller", 500), &refused);
        let all: Vec<_> = headers.get_all("ratelimit").iter().collect();
        assert_eq!(all, ["\"keys\";r=50;t=30", "\"caller\";r=0;t=1"]);
    }
}
