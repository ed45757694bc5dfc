use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /v1/sys/peers`: the fleet as one process of it sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Peers {
    /// Every other service of the registry, in its order.
    pub peers: Vec<Peer>,
}

/// A service as another's process sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Peer {
    /// Its key.
    pub service: String,
    /// Which of its versions, where the registry has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How it is reached now.
    pub way: PeerWay,
    /// The name that is resolved.
    pub host: String,
    /// The port behind it.
    pub port: u16,
    /// Who resolves it: `dns`, `table`, or `process` where it is mounted in this one.
    pub source: String,
    /// How far the addresses can be trusted.
    pub freshness: PeerFreshness,
    /// Why they cannot be, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// How long the addresses hold, in milliseconds.
    pub ttl: u64,
    /// How long ago they were learnt, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<u64>,
    /// Each address, and how it does.
    pub endpoints: Vec<PeerEndpoint>,
    /// Calls to it since this process began, by how they ended.
    pub calls: PeerCalls,
    /// Attempts after the first.
    pub retries: u64,
    /// Attempts that may be made now beyond the calls themselves.
    pub retries_left: u32,
    /// Attempts made beside one that was slow.
    pub hedges: u64,
    /// Calls on their way.
    pub in_flight: u64,
    /// How long its answers take, in milliseconds.
    pub latency: PeerLatency,
}

/// How a service is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PeerWay {
    /// It is mounted in this process.
    InProcess,
    /// Over the private network, or a socket of this machine.
    Internal,
    /// Through Railway's edge.
    Railway,
    /// Through Cloudflare.
    Cloudflare,
}

/// How far the addresses of a name can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PeerFreshness {
    /// Nobody has called it yet.
    Unasked,
    /// The last question was answered.
    Fresh,
    /// The last question was not answered; the addresses are from before.
    Stale,
    /// An authority says that the name has no address.
    Empty,
    /// The name was never answered, or not for too long.
    Failed,
}

/// One address of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PeerEndpoint {
    /// The address and port, or the socket's path.
    pub address: String,
    /// Whether it is called.
    pub state: PeerState,
    /// When it is tried again, in milliseconds, where it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_in: Option<u64>,
    /// Calls on their way to it.
    pub in_flight: u64,
    /// How long its answers take as the balancer feels it, in milliseconds; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// Attempts that ended.
    pub attempts: u64,
    /// Of them, those that came to nothing.
    pub failures: u64,
}

/// What the breaker of an address says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PeerState {
    /// It is called.
    Closed,
    /// It is called, little by little more: it has joined others.
    Warming,
    /// It is not called: it failed too often.
    Open,
    /// One call finds out whether it is well again.
    Probing,
}

/// Calls by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeerCalls {
    /// With an answer, whatever it says, save for the rest here.
    pub answered: u64,
    /// With a 5xx.
    pub failed: u64,
    /// For want of room, there or here.
    pub overloaded: u64,
    /// With the time over.
    pub late: u64,
    /// Without anybody to ask.
    pub unreachable: u64,
    /// With a broken connection.
    pub broken: u64,
}

/// How long answers take, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PeerLatency {
    /// Half were faster.
    pub p50: f64,
    /// Nineteen of twenty were faster.
    pub p95: f64,
    /// Ninety-nine of a hundred were faster.
    pub p99: f64,
}
