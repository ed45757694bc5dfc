use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Json, Timestamp};

/// Every refusal and failure, on every path.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// The one member.
    pub error: ErrorDetail,
}

/// What happened, to what, and what to do next.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ErrorDetail {
    /// `UPPER_SNAKE`.
    pub code: String,
    /// One sentence a person can act on.
    pub message: String,
    /// Facts for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Json>,
}

/// How a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    /// Every check is well.
    Healthy,
    /// It works, with something amiss.
    Degraded,
    /// A critical check is down.
    Unhealthy,
}

impl HealthStatus {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            HealthStatus::Healthy => "healthy",
            HealthStatus::Degraded => "degraded",
            HealthStatus::Unhealthy => "unhealthy",
        }
    }
}

/// `GET /health`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// How the service is.
    pub status: HealthStatus,
}

/// `GET /readyz`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// Whether reads are answered.
    pub reads: bool,
    /// Whether writes are taken.
    pub writes: bool,
}

/// `GET /v1/`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Presence {
    /// Always true.
    pub ok: bool,
    /// The registry name.
    pub service: String,
}

/// `GET /version`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Version {
    /// The version of the service.
    pub version: String,
    /// The registry name.
    pub service: String,
    /// The commit it was built from, where the platform or the image says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// `GET /v1/sys/version`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SystemVersion {
    /// The version of the service.
    pub version: String,
    /// The registry name.
    pub service: String,
    /// The commit it was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// When it was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_time: Option<String>,
    /// The runtime, under the name that 2.0 clients read.
    pub node_version: String,
    /// The runtime.
    #[serde(default)]
    pub runtime: String,
    /// The environment.
    pub environment: String,
}

/// `GET /v1/sys/identity`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Identity {
    /// The registry name.
    pub service: String,
    /// Its role.
    pub role: String,
    /// Its version.
    pub version: String,
    /// The environment.
    pub environment: String,
    /// Where it can be found, by the registry.
    pub dns: Dns,
    /// What runs.
    pub runtime: Runtime,
    /// How it is.
    pub health: IdentityHealth,
    /// `rpc`, `events`, `jobs`, `state` and what else is on.
    pub capabilities: Vec<String>,
}

/// The environment's column of the registry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Dns {
    /// Through Cloudflare; empty outside production.
    pub cloudflare: String,
    /// Through Railway's edge.
    pub railway: String,
    /// On the private network.
    pub internal: String,
}

/// The running process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Runtime {
    /// Railway's public host.
    pub railway_host: String,
    /// The internal URL.
    pub internal_host: String,
    /// The registry's port.
    pub port: u16,
    /// The process.
    pub pid: u32,
    /// Seconds since boot.
    pub uptime: f64,
}

/// Health within an identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IdentityHealth {
    /// How the service is.
    pub status: HealthStatus,
    /// Seconds since boot.
    pub uptime: f64,
    /// When the checks last ran.
    pub last_check: Timestamp,
}

/// `GET /v1/sys/health`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SystemHealth {
    /// How the service is.
    pub status: HealthStatus,
    /// Now.
    pub timestamp: Timestamp,
    /// Seconds since boot.
    pub uptime: f64,
    /// What the process uses.
    pub memory: Memory,
    /// Each check's last result.
    pub checks: BTreeMap<String, Check>,
}

/// Bytes, from `/proc/self/status`; zero where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// VmRSS.
    pub rss: u64,
    /// VmData.
    pub heap_total: u64,
    /// RssAnon.
    pub heap_used: u64,
    /// RssFile + RssShmem.
    pub external: u64,
}

/// What a check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// Well.
    Ok,
    /// Works, with something amiss.
    Degraded,
    /// Does not work.
    Down,
}

/// A check's last result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// What it says.
    pub status: CheckStatus,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How long it took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<f64>,
}

/// `GET /v1/sys/config`: no secret, ever.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Config {
    /// Who this is.
    pub service: ConfigService,
    /// What is on.
    pub features: ConfigFeatures,
}

/// Who this is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConfigService {
    /// The registry name.
    pub name: String,
    /// The role.
    pub role: String,
    /// The version.
    pub version: String,
    /// The environment.
    pub environment: String,
    /// The port listened on.
    pub port: u16,
}

/// Which families of syscalls are on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConfigFeatures {
    /// `ENABLE_RPC`.
    pub rpc: bool,
    /// `ENABLE_EVENTS`.
    pub events: bool,
    /// `ENABLE_JOBS`.
    pub jobs: bool,
    /// `ENABLE_STATE`.
    pub state: bool,
}
