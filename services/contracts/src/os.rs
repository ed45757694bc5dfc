//! What os shows: the fleet as a tree, and a shell's commands over plain HTTP.

use serde::{Deserialize, Serialize};
use syscall_sdk::wire::{HealthStatus, Json};
use utoipa::ToSchema;

/// A place in the tree: `GET /v1/fs/{path}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FsNode {
    /// Where it is; begins with `/`, each name as it is.
    pub path: String,
    /// What it is.
    pub kind: FsKind,
    /// What a directory holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<Vec<FsEntry>>,
    /// A directory with more than these entries: ask for this with `cursor` to go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// What a file's value is: `application/json`, or `text/plain` where it is a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// What a file holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Json>,
}

/// What a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FsKind {
    /// It holds others.
    Dir,
    /// It has a value.
    File,
}

/// What a directory holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FsEntry {
    /// Its name within the directory.
    pub name: String,
    /// What it is.
    pub kind: FsKind,
    /// A few words on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// `POST /v1/shell/call`: calls a method of a service.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ShellCall {
    /// The service, by key or name.
    pub service: String,
    /// The method.
    pub method: String,
    /// Its parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Json>,
}

/// `POST /v1/shell/emit`: emits an event of a service.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ShellEmit {
    /// The service, by key or name.
    pub service: String,
    /// What happened.
    pub event: String,
    /// The facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Json>,
}

/// `GET /v1/shell/ps`: what runs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ShellProcesses {
    /// Every service of the registry, in its order.
    pub services: Vec<ShellProcess>,
}

/// One service, as it says it is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ShellProcess {
    /// The registry key.
    pub key: String,
    /// Its page.
    pub url: String,
    /// How it is; absent where it does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<HealthStatus>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Seconds since it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime: Option<f64>,
    /// Why it does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
