//! One token: how it is written, and how its signature and shape are checked. What it may say is checked in [`super::chain`].

use std::collections::HashSet;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::base64url;
use super::key::{PublicKey, SigningKey};
use super::principal::SERVICE_SUBJECT;
use super::rights::Rights;
use crate::error::{Error, Result};
use crate::name::{NAME_MAX_BYTES, misleads, new_id};
use crate::wire::{Actor, Audience, Confirmation, TokenClaims};

/// Longest token, in bytes. A token for eight callees has about one kilobyte, and each narrowing adds a third and four hundred bytes; a
/// request's head has room for 32 kilobytes in all.
pub const TOKEN_MAX_BYTES: usize = 8 * 1024;
/// Most services that one token names.
pub const AUDIENCE_MAX: usize = 64;
/// Longest life of a token that names a key: who left with a machine's environment has it for a month at most.
pub const SERVICE_LIFE_MAX: Duration = Duration::from_secs(30 * 24 * 3_600);
/// Longest life of a token that is shown as it is, for clients that can send a fixed header and nothing else.
pub const BEARER_LIFE_MAX: Duration = Duration::from_secs(366 * 24 * 3_600);
/// How far clocks may be apart. NTP keeps machines within a second; half a minute forgives one that was asleep.
pub const LEEWAY: Duration = Duration::from_secs(30);
/// Who signs the first token of a chain, and statements of revocation.
pub(super) const ROOT_ISSUER: &str = "blackroad:root";
/// `typ` of a token.
pub(super) const TOKEN_TYPE: &str = "JWT";
/// What a new token is to say.
#[derive(Clone, Debug)]
pub struct Grant {
    /// On whose behalf it is used.
    pub subject: String,
    /// At which services, by key; `*` is all.
    pub audience: Vec<String>,
    /// What it allows.
    pub rights: Rights,
    /// How long it lives.
    pub life: Duration,
    /// Whose key signs what is narrowed from it; without one it is shown as it is.
    pub holder: Option<PublicKey>,
}

/// Why a token cannot be read; told to nobody but the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is no token of ours.
    Malformed,
    /// Another key, or none, signed it.
    Signature,
}

/// Signs the first token of a chain.
///
/// # Errors
/// `INVALID_ARGUMENT` where it would live too long, names nobody, or is too large.
pub fn sign_first(root: &SigningKey, grant: &Grant, now: u64) -> Result<String> {
    let most = if grant.holder.is_some() {
        SERVICE_LIFE_MAX
    } else {
        BEARER_LIFE_MAX
    };
    if grant.life > most {
        return Err(Error::invalid(format!(
            "a token {} lives at most {} days",
            if grant.holder.is_some() {
                "that names a key"
            } else {
                "that is shown as it is"
            },
            most.as_secs() / 86_400
        )));
    }
    write(
        root,
        ROOT_ISSUER,
        grant,
        now,
        now.saturating_add(grant.life.as_secs()),
        None,
    )
}

/// Whether a subject or a token may be called so. In the log and the trail a name is one line, and `user/` is nobody's: who signs with the
/// gateway's key writes no lines of its own there.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= NAME_MAX_BYTES && !text.ends_with('/') && !text.chars().any(misleads)
}

/// Whether somebody may be called so: not as the trail calls the kernel and who showed nothing, and not so that it reads like a service.
pub(super) fn is_subject(text: &str) -> bool {
    let poses = |prefix: &str| {
        let head = text.get(..prefix.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(prefix)) && !text.starts_with(SERVICE_SUBJECT)
    };
    is_name(text) && !matches!(text, "kernel" | "anonymous") && !poses("blackroad:") && !poses(SERVICE_SUBJECT)
}

/// What a token says that its parent's holder signs, and none that the root does.
pub(super) struct Child {
    /// What it is narrowed from.
    pub(super) parent: String,
    /// Who speaks for its subject.
    pub(super) act: Option<Actor>,
    /// Whether it is for a call.
    pub(super) call: bool,
}

/// Signs a token whose bounds were checked against its parent; the root names its key, of which two may be trusted.
pub(super) fn write(
    key: &SigningKey,
    issuer: &str,
    grant: &Grant,
    now: u64,
    expires_at: u64,
    child: Option<Child>,
) -> Result<String> {
    if !is_subject(&grant.subject) {
        return Err(Error::invalid(format!(
            "a token's subject is 1 to {NAME_MAX_BYTES} bytes without control characters or marks of direction, and does not end in /; \
             kernel, anonymous and what begins with blackroad: are the fleet's own names"
        )));
    }
    if grant.audience.is_empty() || grant.audience.len() > AUDIENCE_MAX {
        return Err(Error::invalid(format!("a token is for 1 to {AUDIENCE_MAX} services")));
    }
    if expires_at <= now {
        return Err(Error::invalid("a token that ends before it begins lets nobody in"));
    }
    let audience = match grant.audience.as_slice() {
        [one] => Audience::One(one.clone()),
        several => Audience::Several(several.to_vec()),
    };
    let kid = child.is_none().then(|| key.public().thumbprint());
    let (parent, act, call) = match child {
        None => (None, None, false),
        Some(Child { parent, act, call }) => (Some(parent), act, call),
    };
    let claims = TokenClaims {
        iss: issuer.to_owned(),
        sub: grant.subject.clone(),
        aud: audience,
        iat: now,
        nbf: None,
        exp: expires_at,
        jti: new_id(),
        cap: grant.rights.texts(),
        cnf: grant.holder.map(|key| Confirmation { jwk: key.to_jwk() }),
        parent,
        act,
        call,
    };
    let text = sign(key, kid.as_deref(), TOKEN_TYPE, &claims)?;
    if text.len() > TOKEN_MAX_BYTES {
        return Err(Error::invalid(format!(
            "the token would have {} bytes, and {TOKEN_MAX_BYTES} are the most: give it fewer rights, or patterns for several at once",
            text.len()
        )));
    }
    Ok(text)
}

/// Signs claims as a compact JWS. What is written is ours, so it needs no parser; what is read goes through a library that others test.
pub(super) fn sign<T: Serialize>(key: &SigningKey, kid: Option<&str>, kind: &str, claims: &T) -> Result<String> {
    let mut head = serde_json::json!({ "alg": "EdDSA", "typ": kind });
    if let Some(kid) = kid {
        head["kid"] = kid.into();
    }
    let claims =
        serde_json::to_vec(claims).map_err(|error| Error::internal("claims have no JSON form").with_source(error))?;
    let mut text = base64url::encode(head.to_string().as_bytes());
    text.push('.');
    text.push_str(&base64url::encode(&claims));
    let signature = key.sign(text.as_bytes());
    text.push('.');
    text.push_str(&signature);
    Ok(text)
}

/// Reads claims whose signature is that of a key. The algorithm is ours, whatever the token says of it.
pub(super) fn read<T: DeserializeOwned>(text: &str, key: PublicKey, kind: &str) -> Result<T, Unreadable> {
    let mut rules = Validation::new(Algorithm::EdDSA);
    // Audience and times are checked by us, against the service's own name and clock.
    rules.required_spec_claims = HashSet::new();
    rules.validate_exp = false;
    rules.validate_aud = false;
    let read = jsonwebtoken::decode::<T>(text, &DecodingKey::from_ed_der(key.bytes()), &rules)
        .map_err(|_| Unreadable::Signature)?;
    // What is marked as critical must be understood (RFC 7515, section 4.1.11), and of extensions nothing is.
    if read.header.typ.as_deref() != Some(kind) || read.header.crit.is_some() {
        return Err(Unreadable::Malformed);
    }
    Ok(read.claims)
}

/// The name of the key that a token says it was signed with. Not checked.
pub(super) fn kid(text: &str) -> Option<String> {
    jsonwebtoken::decode_header(text).ok()?.kid
}

/// The claims of a token, not checked: for what is decided by checking afterwards, and for what is one's own.
pub(super) fn peek<T: DeserializeOwned>(text: &str) -> Option<T> {
    jsonwebtoken::dangerous::insecure_decode::<T>(text)
        .ok()
        .map(|read| read.claims)
}
