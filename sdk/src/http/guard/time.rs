use std::time::Duration;

use http::HeaderMap;

use super::headers::number;
use crate::policy::{REQUEST_TIMEOUT, RPC_MAX_TIMEOUT};
use crate::rpc::header;
use crate::service::RouteKind;

/// Shortest time that a caller is taken at its word with: a timer of the runtime knows no less.
const TIMEOUT_MIN: Duration = Duration::from_millis(1);

/// How long the caller waits, at most; `None` where the route has no end of its own. What a caller says is believed within bounds.
pub(super) fn time_limit(kind: RouteKind, headers: &HeaderMap) -> Option<Duration> {
    let callers = number(headers, header::TIMEOUT).map(Duration::from_millis);
    match kind {
        RouteKind::Stream => None,
        RouteKind::Rpc | RouteKind::Wait => callers.map(|callers| callers.clamp(TIMEOUT_MIN, RPC_MAX_TIMEOUT)),
        RouteKind::Plain | RouteKind::Page | RouteKind::Probe => {
            Some(callers.unwrap_or(REQUEST_TIMEOUT).clamp(TIMEOUT_MIN, REQUEST_TIMEOUT))
        }
    }
}
