use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A key of which there are not to be many jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unique {
    /// The key, of any job of the service.
    pub key: String,
    /// What becomes of a second order with it; `ignore` unless said.
    #[serde(default)]
    pub mode: UniqueMode,
    /// Of `throttle` alone, which needs it: how long a window is, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<u64>,
}

/// What becomes of an order whose unique key a job has already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UniqueMode {
    /// While one lives, it is the answer.
    #[default]
    Ignore,
    /// One that waits is given the new parameters; while one runs, another waits.
    Replace,
    /// One that waits runs at the earlier of the two moments; while one runs, it is the answer.
    Earliest,
    /// One that waits is put off to the new moment and given the new parameters; while one runs, another waits.
    Debounce,
    /// In each window of time there is one, whatever has become of it.
    Throttle,
}
