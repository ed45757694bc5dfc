//! Where passwords are: `of/{user}` holds the hash, `link/{hash}` whom a link lets set one.

use std::time::Duration;

use blackroad_os_contracts::core::{PASSWORD_CHANGED, PasswordChanged, User};
use serde::{Deserialize, Serialize};
use syscall_sdk::context::{Commit, Context};
use syscall_sdk::error::Result;
use syscall_sdk::store::Condition;
use syscall_sdk::wire::Timestamp;

use super::hasher::{Hasher, Match};
use super::rules;
use crate::audit::{self, Decision};
use crate::oauth::families;
use crate::{sessions, token, users};

const NAMESPACE: &str = "passwords";
/// How long a link is good: a day to read one's mail in.
const LINK_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    hash: String,
    changed_at: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
struct Link {
    user_id: String,
}

/// A link's secret, and until when it is good.
pub(crate) struct NewLink {
    pub(crate) secret: String,
    pub(crate) expires_at: Timestamp,
}

/// Whether a password is that of a user; of nobody it takes as long.
///
/// # Errors
/// `OVERLOADED` where too many wait already, or where the store cannot be read.
pub(crate) async fn verify(context: &Context, hasher: &Hasher, user: Option<&User>, password: &str) -> Result<bool> {
    let kept: Option<Kept> = match user {
        Some(user) => context.namespace(NAMESPACE)?.get(&of(&user.id)).await?,
        None => None,
    };
    let hash = kept.as_ref().map(|kept| kept.hash.as_str());
    let found = hasher.verify(context, password, hash).await?;
    if let (Match::Outdated, Some(user), Some(kept)) = (found, user, &kept) {
        renew(context, hasher, user, password, kept).await?;
    }
    Ok(found != Match::No)
}

/// Hashes anew what was hashed with less; a password that was changed meanwhile stays as it is.
async fn renew(context: &Context, hasher: &Hasher, user: &User, password: &str, old: &Kept) -> Result<()> {
    let hash = hasher.hash(context, password).await?;
    let passwords = context.namespace(NAMESPACE)?;
    passwords
        .update(&of(&user.id), |now: Option<Kept>| {
            Ok(now.filter(|now| now.hash == old.hash).map(|now| Kept {
                hash: hash.clone(),
                ..now
            }))
        })
        .await
        .map(drop)
}

/// Sets a user's password and ends whatever was signed in with the one before.
///
/// # Errors
/// `WEAK_PASSWORD`, or where the store refuses.
pub(crate) async fn set(context: &Context, hasher: &Hasher, user: &User, password: &str) -> Result<PasswordChanged> {
    set_with(context, hasher, user, password, Ok).await
}

/// Sets a password by a link, which is spent with it; `None` where the link is good for nothing.
///
/// # Errors
/// As [`set`].
pub(crate) async fn set_by_link(
    context: &Context,
    hasher: &Hasher,
    link: &str,
    password: &str,
) -> Result<Option<User>> {
    let Some(user) = holder_of(context, link).await? else {
        return Ok(None);
    };
    let passwords = context.namespace(NAMESPACE)?;
    // Who has the link is who it was made for, as far as anybody can tell.
    let context = &context.acting(&format!("user/{}", user.id));
    let spent = set_with(context, hasher, &user, password, |commit| {
        Ok(commit.delete(&passwords, &link_key(link), Condition::Present))
    });
    match spent.await {
        Err(error) if error.code() == "VERSION_CONFLICT" => Ok(None),
        other => other.map(|_| Some(user)),
    }
}

async fn set_with(
    context: &Context,
    hasher: &Hasher,
    user: &User,
    password: &str,
    more: impl FnOnce(Commit) -> Result<Commit>,
) -> Result<PasswordChanged> {
    rules::check(password, user)?;
    let kept = Kept {
        hash: hasher.hash(context, password).await?,
        changed_at: Timestamp(context.clock().now()),
    };
    let changed = PasswordChanged { id: user.id.clone() };
    let passwords = context.namespace(NAMESPACE)?;
    let commit = context
        .batch()
        .put(&passwords, &of(&user.id), &kept, Condition::Any)
        .emit(&PASSWORD_CHANGED, &changed);
    let commit = sessions::ending_all(context, more(commit)?, &user.id).await?;
    let commit = families::revoking_all(context, commit, &user.id).await?;
    let commit = users::while_there(context, commit, &user.id)?;
    let decision = Decision::allowed("password.set", format!("user/{}", user.id));
    audit::commit(commit, decision).await?;
    Ok(changed)
}

/// Makes a link with which a user sets a password; given to a batch, so that it comes with whatever else makes the user.
///
/// # Errors
/// Where the system has no randomness.
pub(crate) fn linking(context: &Context, commit: Commit, user: &str) -> Result<(Commit, NewLink)> {
    let passwords = context.namespace(NAMESPACE)?;
    let secret = token::secret()?;
    let link = Link {
        user_id: user.to_owned(),
    };
    let commit = commit.put_for(&passwords, &link_key(&secret), &link, Condition::Absent, LINK_LIFE);
    let expires_at = Timestamp(context.clock().now() + LINK_LIFE);
    Ok((commit, NewLink { secret, expires_at }))
}

/// Whom a link lets set a password.
///
/// # Errors
/// Where the store cannot be read.
pub(crate) async fn holder_of(context: &Context, link: &str) -> Result<Option<User>> {
    let link: Option<Link> = context.namespace(NAMESPACE)?.get(&link_key(link)).await?;
    match link {
        Some(link) => users::by_id(context, &link.user_id).await,
        None => Ok(None),
    }
}

/// Forgets a user's password.
///
/// # Errors
/// Where the store refuses.
pub(crate) async fn forget(context: &Context, user: &str) -> Result<()> {
    let passwords = context.namespace(NAMESPACE)?;
    passwords.delete(&of(user), Condition::Any).await.map(drop)
}

fn of(user: &str) -> String {
    format!("of/{user}")
}

/// A link is found by its hash: who reads the store has no link.
fn link_key(secret: &str) -> String {
    format!("link/{}", token::hashed(secret))
}
