//! Users: who people are.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use syscall_sdk::contract::{Method, Task, Topic};
use syscall_sdk::wire::Timestamp;
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Creates a user. `EMAIL_TAKEN` where the address, whatever its case, belongs to another.
pub const CREATE_USER: Method<CreateUser, User> = Method::new(
    "core",
    "createUser",
    "Creates a user; the e-mail address is unique, whatever its case.",
);
/// One user by id. `USER_NOT_FOUND` with `details: {"id"}`.
pub const GET_USER: Method<GetUser, User> = Method::new("core", "getUserById", "One user by id.").idempotent();
/// One user by e-mail address, whatever its case. `USER_NOT_FOUND` with `details: {"email"}`.
pub const GET_USER_BY_EMAIL: Method<GetUserByEmail, User> = Method::new(
    "core",
    "getUserByEmail",
    "One user by e-mail address, whatever its case.",
)
.idempotent();
/// Users by creation, in pages.
pub const LIST_USERS: Method<ListUsers, Users> =
    Method::new("core", "listUsers", "Users by creation, in pages.").idempotent();
/// Changes what is given. `USER_NOT_FOUND`, `EMAIL_TAKEN`.
pub const UPDATE_USER: Method<UpdateUser, User> =
    Method::new("core", "updateUser", "Changes a user's name or e-mail address.").idempotent();
/// Deletes a user. `USER_NOT_FOUND`.
pub const DELETE_USER: Method<GetUser, DeletedUser> =
    Method::new("core", "deleteUser", "Deletes a user and frees the e-mail address.");

/// A user was created; in the same commit.
pub const USER_CREATED: Topic<User> = Topic::new("core", "user:created");
/// A user was changed; in the same commit.
pub const USER_UPDATED: Topic<User> = Topic::new("core", "user:updated");
/// Forgets what else was kept of a deleted user: password, second factor, keys, roles, sessions. Created in the commit that deletes.
pub const FORGET_USER: Task<DeletedUser, ()> = Task::new("core", "forget-user");
/// A user was deleted; in the same commit.
pub const USER_DELETED: Topic<DeletedUser> = Topic::new("core", "user:deleted");

/// A user's id: a text. A number is read as its text, since older clients send numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct UserId(pub String);

impl<'de> Deserialize<'de> for UserId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrNumber;
        impl Visitor<'_> for TextOrNumber {
            type Value = UserId;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a user's id, a text")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<UserId, E> {
                Ok(UserId(text.to_owned()))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<UserId, E> {
                Ok(UserId(number.to_string()))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<UserId, E> {
                Ok(UserId(number.to_string()))
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<UserId, E> {
                Ok(UserId(number.to_string()))
            }
        }
        deserializer.deserialize_any(TextOrNumber)
    }
}

impl PartialSchema for UserId {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::Array(vec![Type::String, Type::Number]))
            .into()
    }
}

impl ToSchema for UserId {
    fn name() -> Cow<'static, str> {
        "UserId".into()
    }
}

/// A user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The id.
    pub id: String,
    /// The e-mail address, as it was given.
    pub email: String,
    /// The name.
    pub name: String,
    /// When the user was created.
    pub created_at: Timestamp,
    /// When the user was last changed.
    pub updated_at: Timestamp,
}

/// See [`CREATE_USER`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreateUser {
    /// The e-mail address.
    pub email: String,
    /// The name.
    pub name: String,
}

/// See [`GET_USER`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GetUser {
    /// The id.
    pub id: UserId,
}

/// See [`GET_USER_BY_EMAIL`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GetUserByEmail {
    /// The e-mail address.
    pub email: String,
}

/// See [`LIST_USERS`].
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ListUsers {
    /// At most so many; 50 unless said, 500 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Go on from this cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// What [`LIST_USERS`] gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Users {
    /// By creation.
    pub users: Vec<User>,
    /// Ask for this with `cursor` to go on; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// See [`UPDATE_USER`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UpdateUser {
    /// The id.
    pub id: UserId,
    /// The new e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What [`DELETE_USER`] gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeletedUser {
    /// The id.
    pub id: String,
}
