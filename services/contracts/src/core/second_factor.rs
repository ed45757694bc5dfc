//! The second factor: codes of a phone (RFC 6238), and recovery codes for when the phone is gone.

use serde::{Deserialize, Serialize};
use syscall_sdk::contract::{Method, Topic};
use utoipa::ToSchema;

use super::GetUser;

/// Takes the second factor from a user who has lost it; the user enrols another on the account's page.
pub const REMOVE_SECOND_FACTOR: Method<GetUser, SecondFactor> = Method::new(
    "core",
    "removeSecondFactor",
    "Takes the second factor from a user who has lost it.",
)
.idempotent();

/// A user has a second factor, or has none any more; in the same commit.
pub const SECOND_FACTOR_CHANGED: Topic<SecondFactor> = Topic::new("core", "user:second-factor");

/// Whether a user has a second factor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SecondFactor {
    /// The user.
    pub id: String,
    /// Whether there is one now.
    pub on: bool,
}
