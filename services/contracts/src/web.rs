//! Web: what the status page says, as JSON.

use serde::{Deserialize, Serialize};
use syscall_sdk::wire::Timestamp;
use utoipa::ToSchema;

/// `GET /status.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FleetStatus {
    /// Now.
    pub generated_at: Timestamp,
    /// Seconds between probes; 0 where nobody probes.
    pub probe_interval_seconds: u64,
    /// The worst of the services.
    pub status: ProbeStatus,
    /// Every service of the registry, in its order.
    pub services: Vec<ServiceUptime>,
}

/// One service's history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceUptime {
    /// The registry key.
    pub key: String,
    /// The registry name.
    pub name: String,
    /// What the latest probe found; `unknown` where the latest is older than three intervals.
    pub status: ProbeStatus,
    /// When the latest probe was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
    /// How long the latest answer took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
    /// The share of probes of the last 24 hours that were answered, from 0 to 1; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime_24h: Option<f64>,
    /// The same for the last 90 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime_90d: Option<f64>,
    /// The last 24 hours, oldest first, the running one included; hours without probes have none.
    pub hours: Vec<ProbeCount>,
    /// The last 90 days, oldest first, today included; days without probes have none.
    pub days: Vec<ProbeCount>,
}

/// How a service was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProbeStatus {
    /// Nobody asked.
    #[default]
    Unknown,
    /// It answered that it is well.
    Ok,
    /// It answered that something is amiss.
    Degraded,
    /// It answered that it does not work, or did not answer.
    Down,
}

/// Probes of an hour or a day, by what they found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProbeCount {
    /// When the hour or the day began.
    pub from: Timestamp,
    /// It was well.
    pub ok: u32,
    /// Something was amiss.
    pub degraded: u32,
    /// It did not work, or did not answer.
    pub down: u32,
    /// How many hours have at least one probe: 0 or 1 for an hour, up to 24 for a day.
    pub measured_hours: u32,
}
