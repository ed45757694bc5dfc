//! Refresh tokens: one is good once, and brings the next. `{user}/{family}` holds what was allowed and the hash of the token whose turn
//! it is.
//!
//! A token that was exchanged before is shown by a thief or by who was robbed; nobody can tell which, so the whole family ends
//! (RFC 9700, section 4.14.2).

use std::time::Duration;

use blackroad_os_contracts::core::{TOKENS_REVOKED, TokensRevoked};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use syscall_sdk::context::{Commit, Context};
use syscall_sdk::error::Result;
use syscall_sdk::name::{Key, Prefix, new_id};
use syscall_sdk::store::Condition;
use syscall_sdk::wire::Timestamp;

use super::codes::Consent;
use crate::audit::{self, Decision};
use crate::kept::decode;
use crate::{token, users, writes};

const NAMESPACE: &str = "families";
/// How refresh tokens begin, so that one is known for what it is wherever it turns up.
const PREFIX: &str = "brr_";
/// The scope that asks for one (OpenID Connect Core, section 11).
const SCOPE: &str = "offline_access";
/// Longest rest of a family: a program that has not asked for a month is not in use.
const IDLE: TimeDelta = TimeDelta::days(30);
/// Longest life of a family: after three months a person says anew what a program may.
const LIFE: TimeDelta = TimeDelta::days(90);
/// Most families of a user: past it the oldest ends.
const FAMILIES_MAX: usize = 100;

/// Which family: whose, and its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Family {
    pub(super) user_id: String,
    pub(super) id: String,
}

/// What is kept of a family.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) client_id: String,
    pub(super) scope: String,
    pub(super) expires_at: Timestamp,
    /// The hash of the token whose turn it is.
    secret: String,
}

/// A refresh token as it is given out.
pub(super) struct Issued {
    pub(super) family: Family,
    pub(super) token: String,
    kept: Kept,
}

/// Whether a scope asks for a refresh token.
pub(super) fn is_asked_for(scope: &str) -> bool {
    scope.split(' ').any(|part| part == SCOPE)
}

/// Begins a family; it is there once [`keeping`] has been committed.
///
/// # Errors
/// Where the system has no randomness.
pub(super) fn issue(context: &Context, consent: &Consent) -> Result<Issued> {
    let family = Family {
        user_id: consent.user_id.clone(),
        id: new_id(),
    };
    let secret = token::secret()?;
    Ok(Issued {
        token: written(&family, &secret),
        kept: Kept {
            client_id: consent.client_id.clone(),
            scope: consent.scope.clone(),
            expires_at: Timestamp(context.clock().now() + LIFE),
            secret: token::hashed(&secret),
        },
        family,
    })
}

/// A commit that keeps a new family as well, and ends the oldest where a user has too many.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn keeping(context: &Context, commit: Commit, issued: &Issued) -> Result<Commit> {
    let families = context.namespace(NAMESPACE)?;
    let user = &issued.family.user_id;
    let ttl = left(&issued.kept, context.clock().now());
    let mut commit = commit.put_for(&families, &key(&issued.family), &issued.kept, Condition::Absent, ttl);
    let mut all = all(context, user).await?;
    all.sort_by_key(|(_, kept)| std::cmp::Reverse(kept.expires_at.0));
    for (family, kept) in all.iter().skip(FAMILIES_MAX - 1) {
        commit = revoking(context, commit, family, kept, "replaced")?;
    }
    users::while_there(context, commit, user)
}

/// Exchanges a refresh token for the next; `None` where it is good for nothing.
///
/// # Errors
/// Where the store refuses.
pub(super) async fn rotate(context: &Context, token: &str, client_id: &str) -> Result<Option<(Family, Kept, String)>> {
    let Some((family, secret)) = read(token) else {
        return Ok(None);
    };
    let families = &context.namespace(NAMESPACE)?;
    let (family, secret) = (&family, &secret);
    writes::until_first("the token", || async move {
        let Some(entry) = families.entry(&key(family)).await? else {
            return Ok(None);
        };
        let mut kept: Kept = decode(&entry)?;
        // Another client's token is not that client's to spend, nor to end.
        if kept.client_id != client_id || users::by_id(context, &family.user_id).await?.is_none() {
            return Ok(None);
        }
        if !token::same(&kept.secret, &token::hashed(secret)) {
            revoke(context, family, "reused").await?;
            return Ok(None);
        }
        let next = token::secret()?;
        kept.secret = token::hashed(&next);
        let ttl = left(&kept, context.clock().now());
        let commit = context.batch();
        let commit = commit.put_for(families, &key(family), &kept, Condition::Revision(entry.revision), ttl);
        commit.commit().await?;
        Ok(Some((family.clone(), kept, written(family, &next))))
    })
    .await
}

/// The family of a token that is good now, for who looks it up.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn of_token(context: &Context, token: &str) -> Result<Option<(Family, Kept)>> {
    let Some((family, secret)) = read(token) else {
        return Ok(None);
    };
    let kept: Option<Kept> = context.namespace(NAMESPACE)?.get(&key(&family)).await?;
    let good = kept.filter(|kept| token::same(&kept.secret, &token::hashed(&secret)));
    if good.is_none() || users::by_id(context, &family.user_id).await?.is_none() {
        return Ok(None);
    }
    Ok(good.map(|kept| (family, kept)))
}

/// Whether a family is there.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn is_there(context: &Context, family: &Family) -> Result<bool> {
    let key = key(family);
    Ok(Key::new(&key).is_ok() && context.namespace(NAMESPACE)?.entry(&key).await?.is_some())
}

/// Ends a family.
///
/// # Errors
/// Where the store refuses.
pub(super) async fn revoke(context: &Context, family: &Family, reason: &'static str) -> Result<()> {
    let Some(kept) = context.namespace(NAMESPACE)?.get::<Kept>(&key(family)).await? else {
        return Ok(());
    };
    let commit = revoking(context, context.batch(), family, &kept, reason)?;
    let target = format!("user/{}", family.user_id);
    let decision = if reason == "reused" {
        Decision::denied("token.refresh", target, "TOKEN_REUSED")
    } else {
        Decision::allowed("token.revoke", target)
    };
    let decision = decision.by(format!("client/{}", kept.client_id));
    audit::commit(commit, decision).await
}

/// The commit with the end of every family of a user.
///
/// # Errors
/// Where the store cannot be read.
pub(crate) async fn revoking_all(context: &Context, commit: Commit, user: &str) -> Result<Commit> {
    let all = all(context, user).await?;
    all.iter().try_fold(commit, |commit, (family, kept)| {
        revoking(context, commit, family, kept, "revoked")
    })
}

fn revoking(context: &Context, commit: Commit, family: &Family, kept: &Kept, reason: &str) -> Result<Commit> {
    let families = context.namespace(NAMESPACE)?;
    let revoked = TokensRevoked {
        family: family.id.clone(),
        client_id: kept.client_id.clone(),
        user_id: Some(family.user_id.clone()),
        reason: reason.to_owned(),
    };
    Ok(commit
        .delete(&families, &key(family), Condition::Any)
        .emit(&TOKENS_REVOKED, &revoked))
}

async fn all(context: &Context, user: &str) -> Result<Vec<(Family, Kept)>> {
    let prefix = format!("{user}/");
    if Key::new(&prefix).is_err() {
        return Ok(Vec::new());
    }
    let all: Vec<(String, Kept)> = context.namespace(NAMESPACE)?.list(&Prefix::new(&prefix)?).await?;
    let named = all.into_iter().map(|(key, kept)| {
        let family = Family {
            user_id: user.to_owned(),
            id: key[prefix.len()..].to_owned(),
        };
        (family, kept)
    });
    Ok(named.collect())
}

/// A token as it is sent: whose, which family, and the secret.
fn written(family: &Family, secret: &str) -> String {
    format!("{PREFIX}{}~{}~{secret}", family.user_id, family.id)
}

fn read(token: &str) -> Option<(Family, String)> {
    let mut parts = token.strip_prefix(PREFIX)?.split('~');
    let (user, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
    let family = Family {
        user_id: user.to_owned(),
        id: id.to_owned(),
    };
    let plain = !user.contains('/') && !id.contains('/') && parts.next().is_none();
    (plain && Key::new(key(&family)).is_ok()).then(|| (family, secret.to_owned()))
}

fn left(kept: &Kept, now: DateTime<Utc>) -> Duration {
    (kept.expires_at.0 - now).min(IDLE).to_std().unwrap_or_default()
}

fn key(family: &Family) -> String {
    format!("{}/{}", family.user_id, family.id)
}
