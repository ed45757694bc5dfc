//! Operator: the roster, jobs on behalf of others, deploys. The mesh methods themselves are the contract's: [`syscall_sdk::contract::mesh`].

use serde::{Deserialize, Serialize};
use syscall_sdk::contract::{Method, Task, Topic};
use syscall_sdk::wire::{Job, Json};
use utoipa::ToSchema;

/// Creates a job here or on another service.
pub const CREATE_JOB: Method<CreateFleetJob, Job> =
    Method::new("operator", "createJob", "Creates a job on a service of the fleet.");
/// Deploys a branch of a service to the platform.
pub const DEPLOY_SERVICE: Task<DeployService, Deployment> = Task::new("operator", "deploy-service").attempts(3);
/// Drops from the roster who has long been gone.
pub const SWEEP_ROSTER: Task<(), Swept> = Task::new("operator", "sweep-roster").attempts(2);

/// A process came onto the roster.
pub const JOINED: Topic<Presence> = Topic::new("operator", "mesh:joined");
/// A process signed off.
pub const LEFT: Topic<Presence> = Topic::new("operator", "mesh:left");
/// A process stopped answering.
pub const LOST: Topic<Presence> = Topic::new("operator", "mesh:lost");

/// See [`CREATE_JOB`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreateFleetJob {
    /// Which service runs it, by key or name; the operator unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The job's name.
    pub name: String,
    /// What its handler is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Json>,
}

/// What a deploy is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeployService {
    /// The service, by key or name.
    pub service: String,
    /// The branch; `main` unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
}

/// What a deploy came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// The registry name.
    pub service: String,
    /// The branch.
    pub branch: String,
    /// The platform's id of the deployment.
    pub deployment_id: String,
}

/// Who came, went or was lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Presence {
    /// The registry name.
    pub service: String,
    /// The process among its replicas.
    pub instance: String,
    /// Why, where it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What sweeping the roster did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Swept {
    /// How many processes were dropped.
    pub dropped: usize,
}
