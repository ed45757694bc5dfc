use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderValue;
use tokio::time::Instant;

use super::{Asked, Person};
use crate::auth::Caller;

/// The request in which a handler runs.
#[derive(Clone, Debug, Default)]
pub struct RequestInfo {
    /// Who calls.
    pub caller: Caller,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
    /// How many calls deep this is.
    pub hops: u8,
    /// Whether the caller has asked before, so that what is called from here is not repeated here too.
    pub repeated: bool,
    /// Who is signed in in the browser that asks.
    pub person: Option<Arc<Person>>,
    /// `X-Request-Id`.
    pub request_id: Option<HeaderValue>,
    /// `tracestate` (W3C): what other tracing systems say of the trace; passed on as it came.
    pub trace_state: Option<HeaderValue>,
    /// `Host`: which of the service's names the caller used.
    pub host: Option<String>,
    /// Whether it was let in on a place that is kept for control.
    pub reserved: bool,
    /// Whether its handler has asked for the right to what it names.
    pub asked: Asked,
    /// The client's address, as the network or a trusted edge says; none for a request that was made in this process.
    pub client: Option<IpAddr>,
}
