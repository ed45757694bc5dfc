//! Calls to other services: in this process where the target is mounted here, else over a pooled connection to one of its endpoints.
//!
//! One trace across all of it; a deadline that shrinks at every hop; an error that says what was tried.

mod abroad;
mod answer;
mod attempt;
mod classify;
mod client;
mod dial;
mod dress;
mod fleet;
mod forward;
mod options;
mod outside;
mod peer;
mod pool;
mod pool_body;
mod purpose;
mod send;
pub mod sse;
mod stream;
mod target;
mod tried;
mod versions;
mod view;
mod ways;

use std::time::Duration;

pub use abroad::{CheckedNames, abroad, is_at_home, public_client};
pub(crate) use answer::error_of;
pub use answer::kind_of;
pub use client::{Client, Reply};
pub use dial::{Dial, Sockets, Stream};
pub use fleet::Ping;
pub use forward::Forwarder;
pub use options::{CallOptions, ClientOptions};
pub use outside::Outside;
pub use purpose::purpose;
pub use stream::{Results, Said, is_stream, said};

/// Headers that calls bear beside the standard ones.
pub mod header {
    /// Who calls, by registry name.
    pub const SERVICE_NAME: &str = "x-service-name";
    /// Who calls, by role.
    pub const SERVICE_ROLE: &str = "x-service-role";
    /// Who is connected to the front door, for a service that it reaches over a socket of this machine; believed there alone.
    pub const CLIENT: &str = "x-syscall-client";
    /// An API key, for clients that cannot send it as `Authorization: Bearer`; read where a service lets callers in by keys.
    pub const API_KEY: &str = "x-api-key";
    /// Which version of a service answered, where the registry has several.
    pub const VERSION: &str = "x-syscall-version";
    /// Names a request across services and logs.
    pub const REQUEST_ID: &str = "x-request-id";
    /// Whose failure an error is: `kernel` or `handler`.
    pub const ORIGIN: &str = "x-syscall-origin";
    /// `1` on an answer that was given before any work: the request may be sent again, to another process, whatever it asks for.
    pub const UNPROCESSED: &str = "x-syscall-unprocessed";
    /// `1` on every answer of a process that is about to end.
    pub const DRAINING: &str = crate::transport::DRAINING;
    /// Which of a service's processes answered.
    pub const INSTANCE: &str = "x-syscall-instance";
    /// How many calls deep this one is; a ring of calls ends at a bound.
    pub const HOPS: &str = "x-syscall-hops";
    /// What is left of the caller's time, in milliseconds (Connect protocol's name for it).
    pub const TIMEOUT: &str = "connect-timeout-ms";
    /// How many attempts of this call came before, absent on the first (gRPC's name for it): who gets a repeat does not repeat on its own.
    pub const PREVIOUS_ATTEMPTS: &str = "grpc-previous-rpc-attempts";
    /// Names a request so that it is done once.
    pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
    /// Says that an answer is the one that was given before.
    pub const IDEMPOTENCY_REPLAYED: &str = "idempotency-replayed";
    /// W3C Trace Context.
    pub const TRACEPARENT: &str = "traceparent";
    /// What the tracing systems on the way say of the trace (W3C Trace Context, section 3.3).
    pub const TRACESTATE: &str = "tracestate";
}

/// Longest wait for a connection to an endpoint on the private network.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Idle connections kept to one endpoint: as many as there may be calls in flight to it, so that a burst leaves nothing to be dialled
/// again for the next one.
pub const IDLE_PER_ENDPOINT: usize = 256;
/// How long an idle connection is kept; shorter than every server's own patience, so that a call never meets a closing one.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// Largest answer that is read whole.
pub const ANSWER_MAX_BYTES: usize = 16 * 1024 * 1024;
