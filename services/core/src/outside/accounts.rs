//! Whose account someone from another provider has: `subject/{hash}` holds the user, by issuer and subject.
//!
//! An account is found by an address that the provider has verified, once; from then on by the subject, which never changes hands. Nobody
//! gets an account by having one elsewhere: an administrator makes it.

use blackroad_os_contracts::core::{GetUserByEmail, User};
use serde::{Deserialize, Serialize};
use syscall_sdk::context::Context;
use syscall_sdk::error::{Kind, Result};
use syscall_sdk::store::Condition;

use super::id_token::Claims;
use crate::audit::{self, Decision};
use crate::{token, users, writes};

pub(super) const NAMESPACE: &str = "outside";

#[derive(Debug, Serialize, Deserialize)]
struct Account {
    user_id: String,
}

/// The user of an issuer's subject; `None` where nobody here has that account.
///
/// # Errors
/// Where the store refuses.
pub(super) async fn of(context: &Context, issuer: &str, claims: &Claims) -> Result<Option<User>> {
    let accounts = context.namespace(NAMESPACE)?;
    // The issuer is the configuration's, so that no separator can be forged.
    let key = format!("subject/{}", token::hashed(&format!("{issuer} {}", claims.sub)));
    if let Some(account) = accounts.get::<Account>(&key).await?
        && let Some(user) = users::by_id(context, &account.user_id).await?
    {
        return Ok(Some(user));
    }
    let Some(email) = claims.verified_email() else {
        return Ok(None);
    };
    let by_email = GetUserByEmail {
        email: email.to_owned(),
    };
    let user = match users::get_by_email(context.clone(), by_email).await {
        Ok(user) => user,
        Err(error) if error.kind() == Kind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let account = Account {
        user_id: user.id.clone(),
    };
    let commit = context.batch().put(&accounts, &key, &account, Condition::Any);
    let commit = users::while_there(context, commit, &user.id)?;
    let decision = Decision::allowed("account.link", format!("user/{}", user.id)).by(format!("user/{}", user.id));
    let linked = audit::commit(commit, decision).await;
    if writes::came_late(&linked) {
        return Ok(None);
    }
    linked.map(|()| Some(user))
}
