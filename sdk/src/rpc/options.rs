use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use tokio::time::Instant;

use super::dial::Dial;
use super::outside::Outside;
use crate::auth::{Caller, Minter};
use crate::lifecycle::Scope;
use crate::metrics::Metrics;
use crate::registry::Registry;
use crate::resolve::Resolver;
use crate::transport::Switchboard;

/// What a client needs.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Who calls, by registry name.
    pub name: String,
    /// Who calls, by role.
    pub role: String,
    /// Signs what each call shows, where the caller holds anything.
    pub minter: Option<Minter>,
    /// The fleet.
    pub registry: Registry,
    /// Where its processes are.
    pub resolver: Arc<dyn Resolver>,
    /// How connections to them are opened.
    pub dial: Arc<dyn Dial>,
    /// Which of them are this process.
    pub switchboard: Switchboard,
    /// The public ways, where calls may take them.
    pub outside: Option<Outside>,
    /// Where calls are counted.
    pub metrics: Metrics,
    /// Owns the connections.
    pub scope: Scope,
    /// What picks and waits are drawn from; by chance unless given.
    pub seed: Option<u64>,
}

/// How one call is made.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    /// The most that it may take; 10 s unless said, at most 30 s.
    pub timeout: Option<Duration>,
    /// The caller's own deadline: the call gets no more than what is left of it.
    pub deadline: Option<Instant>,
    /// How many calls deep the caller is.
    pub hops: u8,
    /// Whether the call is made for one that is itself a repeat: then it is not repeated here, since repeats at every layer multiply.
    pub repeated: bool,
    /// Names the call, so that it is done once; it may then be sent again after a doubtful failure.
    pub idempotency_key: Option<String>,
    /// Whether doing it twice does no more than doing it once, where neither contract nor verb say so.
    pub idempotent: bool,
    /// Whether a second one is sent beside the first where that is slower than nineteen of twenty; only if it may be repeated.
    pub hedge: bool,
    /// Whether to wait for somebody to be there, to the deadline, instead of failing at once where nobody is.
    pub wait_for_ready: bool,
    /// The request in which it is made.
    pub request_id: Option<HeaderValue>,
    /// What other tracing systems say of the trace.
    pub trace_state: Option<HeaderValue>,
    /// On whose behalf a relay calls: its credential goes along, never the relay's own. Of a caller who was let in by something else, such as
    /// a person who is signed in, this service says for whom it calls, with a token for that call alone.
    pub relay_for: Option<Caller>,
    /// Largest answer that is read whole, in bytes; 16 MiB unless said.
    pub answer_max_bytes: Option<usize>,
    /// For whom it is made, as a number: the same caller gets the same version of a service. This process for itself unless said.
    pub sticky: Option<u64>,
}
