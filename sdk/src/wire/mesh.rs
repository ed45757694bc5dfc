use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{HealthStatus, Identity, Timestamp};

/// `mesh.announce`: a process of a service is up.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Announce {
    /// Who it is.
    pub identity: Identity,
    /// This process among the service's replicas.
    pub instance: String,
    /// Where it is found, where that is not the registry's internal URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What announcing answers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Announced {
    /// Whether this process was not on the roster before.
    pub joined: bool,
    /// How often the roster will look after it, in milliseconds; 0 is never.
    pub probe_interval: u64,
}

/// `mesh.signOff`: a process of a service is about to stop.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SignOff {
    /// The registry name or key.
    pub service: String,
    /// This process among the service's replicas.
    pub instance: String,
    /// Why.
    pub reason: String,
}

/// What signing off answers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SignedOff {
    /// Whether it was on the roster.
    pub left: bool,
}

/// `mesh.list` and `mesh.watch` take nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ListMesh {}

/// What `mesh.list` answers, and `mesh.watch` again and again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Mesh {
    /// Every service of the registry, in its order.
    pub services: Vec<MeshService>,
}

/// One service on the roster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MeshService {
    /// The registry key.
    pub key: String,
    /// The registry name.
    pub service: String,
    /// The role.
    pub role: String,
    /// The best of its processes; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<HealthStatus>,
    /// Its processes.
    pub instances: Vec<MeshInstance>,
}

/// One process on the roster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MeshInstance {
    /// Its name among the replicas.
    pub instance: String,
    /// `up`, `lost` or `left`.
    pub state: String,
    /// How it said it was when it was last heard of.
    pub status: HealthStatus,
    /// Its version.
    pub version: String,
    /// Where it is found.
    pub url: String,
    /// When it came.
    pub since: Timestamp,
    /// When it was last heard of.
    pub last_seen: Timestamp,
    /// How long the last answer took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<f64>,
    /// Why it left or was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
