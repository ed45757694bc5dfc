use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Json;

/// `POST /v1/sys/rpc`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RpcRequest {
    /// The method.
    pub method: String,
    /// Its parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Json>,
    /// The call's deadline, in milliseconds: 10,000 unless said, at most 30,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// Which service, by key or name; this one unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

/// What a method gave.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RpcResponse {
    /// The result; `null` where the method gives none.
    pub result: Json,
}

/// `GET /v1/sys/rpc`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Methods {
    /// By name.
    pub methods: Vec<MethodInfo>,
}

/// One method that a service serves.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MethodInfo {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// JSON Schema of its parameters.
    pub params: Json,
    /// JSON Schema of its result.
    pub result: Json,
    /// Whether calling twice does no more than calling once.
    pub idempotent: bool,
    /// Whether it gives a stream of results, each of the result's schema; absent where it gives one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stream: bool,
}
