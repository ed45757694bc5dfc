//! The first administrator, and the role that they bear.
//!
//! Nobody is an administrator by a variable, a default password or being the first to come: someone who holds the owner's capability
//! calls `bootstrapAdmin` once, and the answer alone bears the link with which the administrator sets a password. No log line does.

use blackroad_os_contracts::core::{
    ADMIN, AssignRole, BootstrapAdmin, GetUserByEmail, PasswordLink, ROLE_ASSIGNED, Role, UserId,
};
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Kind, Result};
use syscall_sdk::store::Condition;

use super::{Borne, NAMESPACE, find, key, of};
use crate::audit::{self, Decision};
use crate::{passwords, users, writes};

/// Makes the role of administrators where it is not there yet.
///
/// # Errors
/// Where the store refuses.
pub(crate) async fn ensure(context: Context) -> Result<()> {
    let role = Role {
        name: ADMIN.to_owned(),
        description: "May do everything.".to_owned(),
        rights: vec!["admin".to_owned()],
        bearers: 0,
    };
    let roles = context.namespace(NAMESPACE)?;
    let made = context
        .batch()
        .put(&roles, &key(ADMIN), &role, Condition::Absent)
        .commit()
        .await;
    // It is there already, or a replica came first.
    if writes::came_late(&made) {
        Ok(())
    } else {
        made.map(drop)
    }
}

pub(crate) async fn bootstrap(context: Context, params: BootstrapAdmin) -> Result<PasswordLink> {
    let roles = &context.namespace(NAMESPACE)?;
    let (context, params) = (&context, &params);
    let (user, link) = writes::until_first("the role", || async move {
        let (mut role, revision) = find(roles, ADMIN).await?;
        if role.bearers > 0 {
            return Err(Error::conflict(
                "there is an administrator already; they make others, with core.assignRole and core.createPasswordLink",
            )
            .with_code("ADMIN_EXISTS"));
        }
        role.bearers = 1;
        let by_email = GetUserByEmail {
            email: params.email.clone(),
        };
        let commit = context
            .batch()
            .put(roles, &key(ADMIN), &role, Condition::Revision(revision));
        let (user, commit) = match users::get_by_email(context.clone(), by_email).await {
            Ok(user) => {
                let commit = users::while_there(context, commit, &user.id)?;
                (user, commit)
            }
            Err(error) if error.kind() == Kind::NotFound => {
                let name = params.name.as_deref().unwrap_or(&params.email);
                users::creating(context, commit, &params.email, name)?
            }
            Err(error) => return Err(error),
        };
        let assigned = AssignRole {
            user_id: UserId(user.id.clone()),
            role: ADMIN.to_owned(),
        };
        let commit = commit
            .put(roles, &of(&user.id, ADMIN), &Borne {}, Condition::Any)
            .emit(&ROLE_ASSIGNED, &assigned);
        let (commit, link) = passwords::linking(context, commit, &user.id)?;
        let decision = Decision::allowed("admin.bootstrap", format!("user/{}", user.id));
        audit::commit(commit, decision).await.map(|()| (user, link))
    })
    .await?;
    Ok(passwords::shown(context, user.id, link))
}
