use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// `checkSession`: asked by a service in whose pages someone is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckSession {
    /// Whose session: `sub` of the id token.
    pub user_id: String,
    /// Which: `sid` of the id token.
    pub id: String,
    /// Whether the person has done something, so that the session does not rest.
    #[serde(default)]
    pub used: bool,
}

/// What `checkSession` gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckedSession {
    /// Whose it is; absent where the session is over, or never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<SignedIn>,
}

/// Someone who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedIn {
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// What they may do, as texts of the fleet's vocabulary.
    pub rights: Vec<String>,
    /// When the session ends, used or not.
    pub expires_at: Timestamp,
}
