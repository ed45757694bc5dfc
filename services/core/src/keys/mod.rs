//! API keys: `of/{user}/{id}` holds one, `hash/{hash}` leads to it. The key itself is shown once and kept nowhere.

mod text;

use std::time::Duration;

use blackroad_os_contracts::core::key_form::is_well_formed;
use blackroad_os_contracts::core::{
    ApiKey, ApiKeyVerdict, ApiKeys, CreateApiKey, CreatedApiKey, GetUser, Hidden, KEY_CREATED, KEY_REVOKED,
    RevokeApiKey, UserId, VerifyApiKey,
};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use syscall_sdk::config::Environment;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Kind, Result};
use syscall_sdk::name::{Key, Prefix, new_id};
use syscall_sdk::state::State;
use syscall_sdk::store::Condition;
use syscall_sdk::wire::Timestamp;

use crate::audit::{self, Decision};
use crate::{roles, token, users, writes};

const NAMESPACE: &str = "keys";
/// Most keys of a user: one a program that they run.
const KEYS_MAX: usize = 50;
/// Most rights of a key: what one program does.
const RIGHTS_MAX: usize = 64;
/// Longest name, in characters: it is shown in one line.
const NAME_MAX_CHARS: usize = 100;
/// Longest life that can be asked for, in days: ten years are for ever.
const DAYS_MAX: u32 = 3_650;
/// How coarsely the last use is written: a key that is used a thousand times a second costs a write a minute.
const TOUCH: TimeDelta = TimeDelta::minutes(1);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    key: ApiKey,
    hash: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Pointer {
    user_id: String,
    id: String,
}

pub(crate) async fn create(context: Context, params: CreateApiKey) -> Result<CreatedApiKey> {
    let user = users::found(&context, &params.user_id.0).await?;
    let name = params.name.trim();
    if name.is_empty() || name.chars().count() > NAME_MAX_CHARS || name.chars().any(char::is_control) {
        return Err(Error::invalid(format!(
            "a key's name is 1 to {NAME_MAX_CHARS} characters on one line, such as what it is for"
        ))
        .with_code("INVALID_NAME"));
    }
    let days = params.expires_in_days;
    if days.is_some_and(|days| !(1..=DAYS_MAX).contains(&days)) {
        return Err(
            Error::invalid(format!("a key is good for 1 to {DAYS_MAX} days, or for ever")).with_code("INVALID_EXPIRY"),
        );
    }
    let rights = roles::checked(&params.rights, RIGHTS_MAX)?;
    let held = roles::rights_of(&context, &user.id).await?.rights;
    if let Some(right) = rights.iter().find(|right| !roles::any_covers(&held, right)) {
        return Err(Error::new(
            Kind::Forbidden,
            format!("the owner has not the right {right:?}, so that no key of theirs can"),
        )
        .with_code("RIGHT_NOT_HELD"));
    }
    let keys = context.namespace(NAMESPACE)?;
    if all(&keys, &user.id).await?.len() >= KEYS_MAX {
        return Err(
            Error::conflict(format!("a user has at most {KEYS_MAX} keys; revoke one first")).with_code("TOO_MANY_KEYS"),
        );
    }
    let now = context.clock().now();
    let prefix = text::prefix(context.kernel().settings.environment == Environment::Production);
    let secret = text::new(prefix)?;
    let life = days.map(|days| TimeDelta::days(i64::from(days)));
    let kept = Kept {
        key: ApiKey {
            id: new_id(),
            user_id: user.id.clone(),
            name: name.to_owned(),
            hint: text::hint(&secret, prefix),
            rights,
            created_at: Timestamp(now),
            expires_at: life.map(|life| Timestamp(now + life)),
            last_used_at: None,
        },
        hash: token::hashed(&secret),
    };
    let pointer = Pointer {
        user_id: user.id.clone(),
        id: kept.key.id.clone(),
    };
    let (own, by_hash) = (of(&user.id, &kept.key.id), by_hash(&kept.hash));
    let commit = match life.and_then(|life| life.to_std().ok()) {
        Some(life) => context
            .batch()
            .put_for(&keys, &own, &kept, Condition::Absent, life)
            .put_for(&keys, &by_hash, &pointer, Condition::Absent, life),
        None => {
            context
                .batch()
                .put(&keys, &own, &kept, Condition::Absent)
                .put(&keys, &by_hash, &pointer, Condition::Absent)
        }
    };
    let commit = users::while_there(&context, commit.emit(&KEY_CREATED, &kept.key), &user.id)?;
    let decision = Decision::allowed("key.create", format!("key/{}", kept.key.id));
    audit::commit(commit, decision).await?;
    Ok(CreatedApiKey {
        key: kept.key,
        secret: Hidden(secret),
    })
}

pub(crate) async fn list(context: Context, params: GetUser) -> Result<ApiKeys> {
    users::found(&context, &params.id.0).await?;
    let keys = of_user(&context, &params.id.0).await?;
    Ok(ApiKeys { keys })
}

/// The keys of a user, newest first.
///
/// # Errors
/// Where the store cannot be read.
pub(crate) async fn of_user(context: &Context, user: &str) -> Result<Vec<ApiKey>> {
    let mut keys: Vec<ApiKey> = all(&context.namespace(NAMESPACE)?, user)
        .await?
        .into_iter()
        .map(|kept| kept.key)
        .collect();
    keys.sort_by_key(|key| std::cmp::Reverse(key.created_at.0));
    Ok(keys)
}

pub(crate) async fn revoke(context: Context, params: RevokeApiKey) -> Result<ApiKey> {
    let keys = context.namespace(NAMESPACE)?;
    let missing =
        || Error::not_found(format!("there is no key {:?} of this user", params.id)).with_code("KEY_NOT_FOUND");
    let own = of(&params.user_id.0, &params.id);
    if Key::new(&own).is_err() {
        return Err(missing());
    }
    let kept: Kept = keys.get(&own).await?.ok_or_else(missing)?;
    let commit = context
        .batch()
        .delete(&keys, &own, Condition::Present)
        .delete(&keys, &by_hash(&kept.hash), Condition::Any)
        .emit(&KEY_REVOKED, &kept.key);
    let decision = Decision::allowed("key.revoke", format!("key/{}", kept.key.id));
    match audit::commit(commit, decision).await {
        // Someone else has revoked it meanwhile.
        Err(error) if error.code() == "VERSION_CONFLICT" => Err(missing()),
        other => other.map(|()| kept.key),
    }
}

pub(crate) async fn verify(context: Context, params: VerifyApiKey) -> Result<ApiKeyVerdict> {
    let secret = params.key.0.trim();
    if !is_well_formed(secret) {
        return Ok(ApiKeyVerdict::default());
    }
    let keys = context.namespace(NAMESPACE)?;
    let Some(pointer) = keys.get::<Pointer>(&by_hash(&token::hashed(secret))).await? else {
        return Ok(ApiKeyVerdict::default());
    };
    let own = of(&pointer.user_id, &pointer.id);
    let Some(entry) = keys.entry(&own).await? else {
        return Ok(ApiKeyVerdict::default());
    };
    let mut kept: Kept = crate::kept::decode(&entry)?;
    let now = context.clock().now();
    let expired = kept.key.expires_at.is_some_and(|at| at.0 <= now);
    if expired || users::by_id(&context, &pointer.user_id).await?.is_none() {
        return Ok(ApiKeyVerdict::default());
    }
    if kept.key.last_used_at.is_none_or(|at| now - at.0 >= TOUCH) {
        kept.key.last_used_at = Some(Timestamp(now));
        let left: Option<Duration> = kept.key.expires_at.and_then(|at| (at.0 - now).to_std().ok());
        let touched = keys
            .write(
                &own,
                crate::kept::encode(&kept)?,
                Condition::Revision(entry.revision),
                left,
            )
            .await;
        // Another verification has written it, or the key was revoked meanwhile; of that the next will know.
        if !writes::came_late(&touched) {
            touched?;
        }
    }
    let held = roles::rights_of(&context, &pointer.user_id).await?.rights;
    Ok(ApiKeyVerdict {
        active: true,
        rights: roles::within(&kept.key.rights, &held),
        id: Some(kept.key.id),
        user_id: Some(pointer.user_id),
        expires_at: kept.key.expires_at,
    })
}

/// Revokes every key of a user who is no more.
///
/// # Errors
/// Where the store refuses.
pub(crate) async fn forget(context: &Context, user: &str) -> Result<()> {
    for key in of_user(context, user).await? {
        let params = RevokeApiKey {
            user_id: UserId(user.to_owned()),
            id: key.id,
        };
        match revoke(context.clone(), params).await {
            Err(error) if error.kind() == Kind::NotFound => {}
            other => drop(other?),
        }
    }
    Ok(())
}

async fn all(keys: &State, user: &str) -> Result<Vec<Kept>> {
    let prefix = of(user, "");
    if Key::new(&prefix).is_err() {
        return Ok(Vec::new());
    }
    let all = keys.list(&Prefix::new(prefix)?).await?;
    Ok(all.into_iter().map(|(_, kept)| kept).collect())
}

fn of(user: &str, id: &str) -> String {
    format!("of/{user}/{id}")
}

fn by_hash(hash: &str) -> String {
    format!("hash/{hash}")
}
