//! Passwords: 15 to 128 characters of any kind, kept as argon2id hashes.

use serde::{Deserialize, Serialize};
use syscall_sdk::contract::{Method, Topic};
use syscall_sdk::wire::Timestamp;
use utoipa::ToSchema;

use super::{GetUser, Hidden, User, UserId};

/// Sets a user's password and ends the user's sessions. `USER_NOT_FOUND`, `WEAK_PASSWORD`.
pub const SET_PASSWORD: Method<SetPassword, PasswordChanged> = Method::new(
    "core",
    "setPassword",
    "Sets a user's password, whatever it was, and ends the user's sessions.",
);
/// Changes a password by who knows it. `INVALID_CREDENTIALS` where the current one is not it, `WEAK_PASSWORD`.
pub const CHANGE_PASSWORD: Method<ChangePassword, PasswordChanged> = Method::new(
    "core",
    "changePassword",
    "Changes a user's password by who knows the current one, and ends the user's sessions.",
);
/// Whether an address and a password belong together. Guesses are bounded as those of the sign-in page are, by `address`.
pub const VERIFY_PASSWORD: Method<VerifyPassword, PasswordVerdict> = Method::new(
    "core",
    "verifyPassword",
    "Whether an e-mail address and a password belong together; guesses are bounded.",
);
/// Makes a link with which a user sets a password, once, within a day. It is the answer alone that bears it.
pub const CREATE_PASSWORD_LINK: Method<GetUser, PasswordLink> = Method::new(
    "core",
    "createPasswordLink",
    "Makes a link with which a user sets a password, once, within a day.",
);

/// A user's password was changed; in the same commit.
pub const PASSWORD_CHANGED: Topic<PasswordChanged> = Topic::new("core", "user:password-changed");

/// See [`SET_PASSWORD`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SetPassword {
    /// The user.
    pub id: UserId,
    /// The new password.
    pub password: Hidden,
}

/// See [`CHANGE_PASSWORD`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChangePassword {
    /// The user.
    pub id: UserId,
    /// The password as it is.
    pub current: Hidden,
    /// The password as it is to be.
    pub new: Hidden,
}

/// Whose password was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PasswordChanged {
    /// The user.
    pub id: String,
}

/// See [`VERIFY_PASSWORD`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VerifyPassword {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: Hidden,
    /// The network address of who says so, where the caller knows it: guesses are counted by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// What [`VERIFY_PASSWORD`] gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PasswordVerdict {
    /// Whether they belong together; false as well where no guess is taken now.
    pub verified: bool,
    /// Whose they are, where they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
    /// How long no guess is taken from there, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
}

/// What [`CREATE_PASSWORD_LINK`] gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PasswordLink {
    /// The user.
    pub id: String,
    /// The link, shown here and nowhere else.
    pub link: Hidden,
    /// Until when it is good.
    pub expires_at: Timestamp,
}
