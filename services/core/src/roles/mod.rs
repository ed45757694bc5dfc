//! Roles and who bears them: `role/{name}` holds a role with the number of its bearers, `of/{user}/{role}` that a user bears it.
//!
//! What no role grants is denied. Every change of who bears a role goes through the role's own entry, so that two at once are two in
//! order: the last administrator stays, and a role that somebody bears is not deleted.

mod admin;
mod right;

use blackroad_os_contracts::core::{
    ADMIN, AssignRole, Decision as Verdict, DeleteRole, GetUser, ListRoles, May, PutRole, ROLE_ASSIGNED, ROLE_CHANGED,
    ROLE_DELETED, ROLE_UNASSIGNED, Role, Roles, UserId, UserRights,
};
use serde::{Deserialize, Serialize};
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Kind, Result};
use syscall_sdk::name::{Key, Prefix, ServiceKey};
use syscall_sdk::state::State;
use syscall_sdk::store::Condition;

pub(crate) use admin::{bootstrap, ensure};
pub(crate) use right::{any_covers, checked, within};

use crate::audit::{self, Decision};
use crate::{users, writes};

const NAMESPACE: &str = "roles";
const ROLES: &str = "role/";
/// Most rights of a role: as many as a token can hold.
const RIGHTS_MAX: usize = 256;
/// Most roles of a user: what one does is a few of them.
const ROLES_PER_USER_MAX: usize = 32;
/// Longest description, in characters: it is shown in one line.
const DESCRIPTION_MAX_CHARS: usize = 200;

#[derive(Debug, Serialize, Deserialize)]
struct Borne {}

pub(crate) async fn put(context: Context, params: PutRole) -> Result<Role> {
    check_name(&params.name)?;
    if params.description.chars().count() > DESCRIPTION_MAX_CHARS || params.description.chars().any(char::is_control) {
        return Err(Error::invalid(format!(
            "a role's description is at most {DESCRIPTION_MAX_CHARS} characters on one line"
        ))
        .with_code("INVALID_ROLE"));
    }
    let rights = checked(&params.rights, RIGHTS_MAX)?;
    let roles = &context.namespace(NAMESPACE)?;
    let (context, params, rights) = (&context, &params, &rights);
    writes::until_first("the role", || async move {
        let (bearers, condition) = match roles.entry(&key(&params.name)).await? {
            Some(entry) => (
                crate::kept::decode::<Role>(&entry)?.bearers,
                Condition::Revision(entry.revision),
            ),
            None => (0, Condition::Absent),
        };
        let role = Role {
            name: params.name.clone(),
            description: params.description.clone(),
            rights: rights.clone(),
            bearers,
        };
        let commit = context
            .batch()
            .put(roles, &key(&role.name), &role, condition)
            .emit(&ROLE_CHANGED, &role);
        let decision = Decision::allowed("role.put", format!("role/{}", role.name));
        audit::commit(commit, decision).await.map(|()| role)
    })
    .await
}

pub(crate) async fn list(context: Context, _: ListRoles) -> Result<Roles> {
    let all = context.namespace(NAMESPACE)?.list(&Prefix::new(ROLES)?).await?;
    Ok(Roles {
        roles: all.into_iter().map(|(_, role)| role).collect(),
    })
}

pub(crate) async fn delete(context: Context, params: DeleteRole) -> Result<Role> {
    check_name(&params.name)?;
    let roles = &context.namespace(NAMESPACE)?;
    let (context, params) = (&context, &params);
    writes::until_first("the role", || async move {
        let (role, revision) = find(roles, &params.name).await?;
        if role.bearers > 0 {
            return Err(Error::conflict(format!(
                "{} users bear the role {:?}; take it from them first",
                role.bearers, role.name
            ))
            .with_code("ROLE_IN_USE"));
        }
        let commit = context
            .batch()
            .delete(roles, &key(&role.name), Condition::Revision(revision))
            .emit(&ROLE_DELETED, params);
        let decision = Decision::allowed("role.delete", format!("role/{}", role.name));
        audit::commit(commit, decision).await.map(|()| role)
    })
    .await
}

pub(crate) async fn assign(context: Context, params: AssignRole) -> Result<UserRights> {
    let roles = &context.namespace(NAMESPACE)?;
    let (shared, params) = (&context, &params);
    writes::until_first("the role", || async move {
        let user = users::found(shared, &params.user_id.0).await?;
        let (mut role, revision) = find(roles, &params.role).await?;
        let borne = borne_by(roles, &user.id).await?;
        if borne.contains(&role.name) {
            return Ok(());
        }
        if borne.len() >= ROLES_PER_USER_MAX {
            return Err(Error::conflict(format!(
                "a user bears at most {ROLES_PER_USER_MAX} roles"
            )));
        }
        role.bearers += 1;
        let commit = shared
            .batch()
            .put(roles, &key(&role.name), &role, Condition::Revision(revision))
            .put(roles, &of(&user.id, &role.name), &Borne {}, Condition::Absent)
            .emit(&ROLE_ASSIGNED, params);
        let commit = users::while_there(shared, commit, &user.id)?;
        let decision = Decision::allowed("role.assign", format!("user/{}", user.id));
        audit::commit(commit, decision).await
    })
    .await?;
    rights_of(&context, &params.user_id.0).await
}

pub(crate) async fn unassign(context: Context, params: AssignRole) -> Result<UserRights> {
    users::found(&context, &params.user_id.0).await?;
    take(&context, &params, true).await?;
    rights_of(&context, &params.user_id.0).await
}

/// Takes every role from a user who is no more.
///
/// # Errors
/// Where the store refuses.
pub(crate) async fn forget(context: &Context, user: &str) -> Result<()> {
    for role in borne_by(&context.namespace(NAMESPACE)?, user).await? {
        let params = AssignRole {
            user_id: UserId(user.to_owned()),
            role,
        };
        take(context, &params, false).await?;
    }
    Ok(())
}

async fn take(context: &Context, params: &AssignRole, keep_last_admin: bool) -> Result<()> {
    let roles = &context.namespace(NAMESPACE)?;
    writes::until_first("the role", || async move {
        let user = &params.user_id.0;
        let (mut role, revision) = find(roles, &params.role).await?;
        if !borne_by(roles, user).await?.contains(&role.name) {
            return Ok(());
        }
        if keep_last_admin && role.name == ADMIN && role.bearers <= 1 {
            return Err(last_admin());
        }
        role.bearers = role.bearers.saturating_sub(1);
        let commit = context
            .batch()
            .put(roles, &key(&role.name), &role, Condition::Revision(revision))
            .delete(roles, &of(user, &role.name), Condition::Present)
            .emit(&ROLE_UNASSIGNED, params);
        let decision = Decision::allowed("role.unassign", format!("user/{user}"));
        audit::commit(commit, decision).await
    })
    .await
}

pub(crate) async fn rights(context: Context, params: GetUser) -> Result<UserRights> {
    users::found(&context, &params.id.0).await?;
    rights_of(&context, &params.id.0).await
}

/// What a user may do now.
///
/// # Errors
/// Where the store cannot be read.
pub(crate) async fn rights_of(context: &Context, user: &str) -> Result<UserRights> {
    let mut rights: Vec<String> = Vec::new();
    let granted = granted(context, user).await?;
    for right in granted.iter().flat_map(|role| &role.rights) {
        if !rights.contains(right) {
            rights.push(right.clone());
        }
    }
    Ok(UserRights {
        user_id: user.to_owned(),
        roles: granted.into_iter().map(|role| role.name).collect(),
        rights,
    })
}

pub(crate) async fn may(context: Context, params: May) -> Result<Verdict> {
    right::parse(&params.right)?;
    // Of a user who is not there no role is known, and what no role grants is denied.
    let there = users::by_id(&context, &params.user_id.0).await?.is_some();
    let roles = if there {
        granted(&context, &params.user_id.0).await?
    } else {
        Vec::new()
    };
    let by = roles.into_iter().find(|role| any_covers(&role.rights, &params.right));
    Ok(Verdict {
        allowed: by.is_some(),
        by: by.map(|role| role.name),
    })
}

/// Refuses what would leave nobody who may do everything.
///
/// # Errors
/// `LAST_ADMIN`.
pub(crate) async fn check_not_last_admin(context: &Context, user: &str) -> Result<()> {
    let roles = context.namespace(NAMESPACE)?;
    if !borne_by(&roles, user).await?.iter().any(|role| role == ADMIN) {
        return Ok(());
    }
    let (admin, _) = find(&roles, ADMIN).await?;
    if admin.bearers <= 1 { Err(last_admin()) } else { Ok(()) }
}

/// The roles that a user bears, whole.
///
/// # Errors
/// Where the store cannot be read.
pub(crate) async fn granted(context: &Context, user: &str) -> Result<Vec<Role>> {
    let roles = context.namespace(NAMESPACE)?;
    let mut granted = Vec::new();
    for name in borne_by(&roles, user).await? {
        granted.extend(roles.get::<Role>(&key(&name)).await?);
    }
    Ok(granted)
}

async fn borne_by(roles: &State, user: &str) -> Result<Vec<String>> {
    let prefix = of(user, "");
    if Key::new(&prefix).is_err() {
        return Ok(Vec::new());
    }
    let borne = roles.list::<Borne>(&Prefix::new(&prefix)?).await?;
    Ok(borne
        .into_iter()
        .map(|(key, _)| key[prefix.len()..].to_owned())
        .collect())
}

async fn find(roles: &State, name: &str) -> Result<(Role, u64)> {
    let missing = || Error::not_found(format!("there is no role {name:?}")).with_code("ROLE_NOT_FOUND");
    ServiceKey::new(name).map_err(|_| missing())?;
    let entry = roles.entry(&key(name)).await?.ok_or_else(missing)?;
    Ok((crate::kept::decode(&entry)?, entry.revision))
}

fn check_name(name: &str) -> Result<()> {
    // A role is named as a service is.
    ServiceKey::new(name).map_err(|_| {
        Error::invalid("a role's name is 1 to 63 lower-case letters, digits and dashes, a letter first")
            .with_code("INVALID_ROLE")
    })?;
    if name == ADMIN {
        return Err(Error::new(
            Kind::Forbidden,
            "the role \"admin\" is always there, and always what it is",
        )
        .with_code("ROLE_PROTECTED"));
    }
    Ok(())
}

fn last_admin() -> Error {
    Error::conflict("nobody would be left who may do everything; make another administrator first")
        .with_code("LAST_ADMIN")
}

fn key(name: &str) -> String {
    format!("{ROLES}{name}")
}

fn of(user: &str, role: &str) -> String {
    format!("of/{user}/{role}")
}
