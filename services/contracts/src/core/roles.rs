//! Roles: a name and the rights that who bears it has. What no role grants is denied.

use serde::{Deserialize, Serialize};
use syscall_sdk::contract::{Method, Topic};
use utoipa::ToSchema;

use super::{GetUser, PasswordLink, UserId};

/// The role of who may do everything. It is always there and cannot be changed.
pub const ADMIN: &str = "admin";

/// Makes a role or replaces its rights. `INVALID_ROLE`, `INVALID_RIGHT`, `ROLE_PROTECTED`.
pub const PUT_ROLE: Method<PutRole, Role> =
    Method::new("core", "putRole", "Makes a role, or replaces what it grants.").idempotent();
/// Every role, by name.
pub const LIST_ROLES: Method<ListRoles, Roles> = Method::new("core", "listRoles", "Every role, by name.").idempotent();
/// Deletes a role that nobody bears. `ROLE_NOT_FOUND`, `ROLE_IN_USE`, `ROLE_PROTECTED`.
pub const DELETE_ROLE: Method<DeleteRole, Role> =
    Method::new("core", "deleteRole", "Deletes a role that nobody bears.");
/// Gives a user a role. `USER_NOT_FOUND`, `ROLE_NOT_FOUND`.
pub const ASSIGN_ROLE: Method<AssignRole, UserRights> =
    Method::new("core", "assignRole", "Gives a user a role.").idempotent();
/// Takes a role from a user. `LAST_ADMIN` where nobody would be left who may do everything.
pub const UNASSIGN_ROLE: Method<AssignRole, UserRights> =
    Method::new("core", "unassignRole", "Takes a role from a user.").idempotent();
/// What a user may do.
pub const RIGHTS_OF: Method<GetUser, UserRights> =
    Method::new("core", "rightsOf", "The roles and rights of a user.").idempotent();
/// Whether a user may do one thing.
pub const MAY: Method<May, Decision> = Method::new("core", "may", "Whether a user has a right.").idempotent();
/// Makes the first administrator. `ADMIN_EXISTS` as soon as there is one.
pub const BOOTSTRAP_ADMIN: Method<BootstrapAdmin, PasswordLink> = Method::new(
    "core",
    "bootstrapAdmin",
    "Makes the first administrator and gives the link with which they set a password; once.",
);

/// A role was made, or what it grants was changed; in the same commit.
pub const ROLE_CHANGED: Topic<Role> = Topic::new("core", "role:changed");
/// A role was deleted; in the same commit.
pub const ROLE_DELETED: Topic<DeleteRole> = Topic::new("core", "role:deleted");
/// A user was given a role; in the same commit.
pub const ROLE_ASSIGNED: Topic<AssignRole> = Topic::new("core", "role:assigned");
/// A role was taken from a user; in the same commit.
pub const ROLE_UNASSIGNED: Topic<AssignRole> = Topic::new("core", "role:unassigned");

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Role {
    /// Its name: lower case, digits and dashes, a letter first.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// What it grants, such as `rpc core getUserById` or `state read orders/`.
    pub rights: Vec<String>,
    /// How many users bear it.
    #[serde(default)]
    pub bearers: u32,
}

/// See [`PUT_ROLE`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PutRole {
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// What it grants.
    pub rights: Vec<String>,
}

/// See [`LIST_ROLES`].
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ListRoles {}

/// What [`LIST_ROLES`] gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Roles {
    /// By name.
    pub roles: Vec<Role>,
}

/// See [`DELETE_ROLE`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeleteRole {
    /// Its name.
    pub name: String,
}

/// See [`ASSIGN_ROLE`] and [`UNASSIGN_ROLE`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssignRole {
    /// The user.
    pub user_id: UserId,
    /// The role's name.
    pub role: String,
}

/// What a user may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserRights {
    /// The user.
    pub user_id: String,
    /// The roles that the user bears, by name.
    pub roles: Vec<String>,
    /// What they grant together, each right once.
    pub rights: Vec<String>,
}

/// See [`MAY`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct May {
    /// The user.
    pub user_id: UserId,
    /// The right that is asked for.
    pub right: String,
}

/// What [`MAY`] gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    /// Whether the user may.
    pub allowed: bool,
    /// By which role, where so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// See [`BOOTSTRAP_ADMIN`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BootstrapAdmin {
    /// The administrator's e-mail address.
    pub email: String,
    /// The administrator's name; the address where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}
