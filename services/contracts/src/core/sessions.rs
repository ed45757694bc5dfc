//! Sessions: who is signed in, from where, until when.

use serde::{Deserialize, Serialize};
use syscall_sdk::contract::{Method, Topic};
use syscall_sdk::wire::Timestamp;
use utoipa::ToSchema;

use super::{GetUser, UserId};

/// The sessions of a user, newest first.
pub const LIST_SESSIONS: Method<GetUser, Sessions> =
    Method::new("core", "listSessions", "The sessions of a user, newest first.").idempotent();
/// Ends a session of a user, or all of them.
pub const REVOKE_SESSIONS: Method<RevokeSessions, RevokedSessions> = Method::new(
    "core",
    "revokeSessions",
    "Ends a session of a user, or all where none is named.",
)
.idempotent();

/// Someone signed in; in the same commit.
pub const SESSION_STARTED: Topic<Session> = Topic::new("core", "session:started");
/// A session was ended before its time; in the same commit.
pub const SESSION_ENDED: Topic<SessionEnded> = Topic::new("core", "session:ended");

/// A session. Its token is in one browser and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// The session's id, which is not its token.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// How they showed who they are (RFC 8176): `pwd`, `otp`, `mfa`, `fed`.
    pub methods: Vec<String>,
    /// The address from which it was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What the browser said that it is, cut to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Timestamp,
    /// When it ends, used or not.
    pub expires_at: Timestamp,
}

/// What [`LIST_SESSIONS`] gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sessions {
    /// Newest first.
    pub sessions: Vec<Session>,
}

/// See [`REVOKE_SESSIONS`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevokeSessions {
    /// The user.
    pub user_id: UserId,
    /// The session; all where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// What [`REVOKE_SESSIONS`] gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevokedSessions {
    /// How many ended.
    pub ended: usize,
}

/// A session that was ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionEnded {
    /// The session.
    pub id: String,
    /// Whose it was.
    pub user_id: String,
}
