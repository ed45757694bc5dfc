//! API keys: shown once, good for the rights that they name and that their owner still has.

use serde::{Deserialize, Serialize};
use syscall_sdk::contract::{Method, Topic};
use syscall_sdk::wire::Timestamp;
use utoipa::ToSchema;

use super::{GetUser, Hidden, UserId};

/// Makes an API key. `USER_NOT_FOUND`, `INVALID_RIGHT`, `RIGHT_NOT_HELD` where the owner has not the right, `TOO_MANY_KEYS`.
pub const CREATE_API_KEY: Method<CreateApiKey, CreatedApiKey> = Method::new(
    "core",
    "createApiKey",
    "Makes an API key of a user and shows it, this once.",
);
/// The keys of a user, without their secrets.
pub const LIST_API_KEYS: Method<GetUser, ApiKeys> =
    Method::new("core", "listApiKeys", "The API keys of a user, newest first.").idempotent();
/// Revokes a key at once. `KEY_NOT_FOUND`.
pub const REVOKE_API_KEY: Method<RevokeApiKey, ApiKey> =
    Method::new("core", "revokeApiKey", "Revokes an API key at once.");
/// Whether a key is good, and for what. Whoever caches the answer decides how late a revocation is noticed.
pub const VERIFY_API_KEY: Method<VerifyApiKey, ApiKeyVerdict> =
    Method::new("core", "verifyApiKey", "Whether an API key is good, and for what.").idempotent();

/// A key was made; in the same commit.
pub const KEY_CREATED: Topic<ApiKey> = Topic::new("core", "key:created");
/// A key was revoked; in the same commit.
pub const KEY_REVOKED: Topic<ApiKey> = Topic::new("core", "key:revoked");

/// An API key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// The key's id, which is not the key.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// What it is for, in its owner's words.
    pub name: String,
    /// Its first characters, to tell it from others by.
    pub hint: String,
    /// What it may do, as far as its owner may.
    pub rights: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it is good; for ever where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
}

/// See [`CREATE_API_KEY`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateApiKey {
    /// Whose it is to be.
    pub user_id: UserId,
    /// What it is for.
    pub name: String,
    /// What it may do: each a right that its owner has.
    pub rights: Vec<String>,
    /// How long it is good, in days; for ever where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_days: Option<u32>,
}

/// What [`CREATE_API_KEY`] gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CreatedApiKey {
    /// What is kept of it.
    pub key: ApiKey,
    /// The key, shown here and nowhere else.
    pub secret: Hidden,
}

/// What [`LIST_API_KEYS`] gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ApiKeys {
    /// Newest first.
    pub keys: Vec<ApiKey>,
}

/// See [`REVOKE_API_KEY`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevokeApiKey {
    /// Whose it is.
    pub user_id: UserId,
    /// The key's id.
    pub id: String,
}

/// See [`VERIFY_API_KEY`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VerifyApiKey {
    /// The key as it came.
    pub key: Hidden,
}

/// What [`VERIFY_API_KEY`] gives: of a key that is not good nothing more than that, whatever the reason.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyVerdict {
    /// Whether it is good.
    pub active: bool,
    /// The key's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// What it may do now: of its rights those that its owner has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rights: Vec<String>,
    /// Until when it is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}
