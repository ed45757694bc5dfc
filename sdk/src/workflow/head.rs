//! What is known of a run beside its job: where it comes from.

use serde::{Deserialize, Serialize};

use crate::store::Seq;

/// See the [module](self). A run that was simply started has none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
    /// The place in the log from which events count; the run's own where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<Seq>,
    /// The run that it was forked from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) forked_from: Option<String>,
}
