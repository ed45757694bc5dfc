//! Root: the registry as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /registry.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FleetRegistry {
    /// The fleet's domain.
    pub domain: String,
    /// The environment of who answers.
    pub environment: String,
    /// What every service answers a probe on.
    pub health_path: String,
    /// Every service.
    pub services: Vec<RegisteredService>,
}

/// One service of the registry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegisteredService {
    /// Short name: folder, subdomain, command line.
    pub key: String,
    /// Full name.
    pub name: String,
    /// What it is for the others.
    pub role: String,
    /// The port it listens on.
    pub port: u16,
    /// Where people find it, in the environment of who answers.
    pub url: String,
    /// Where other services find it, the same in every environment.
    pub internal: String,
    /// Where it is found in production.
    pub production: PublicUrls,
    /// Where it is found in development.
    pub development: PublicUrls,
}

/// Where a service is found in an environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PublicUrls {
    /// Through Cloudflare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloudflare: Option<String>,
    /// Through Railway's edge.
    pub railway: String,
}
