//! What a service, a program or a person holds to call others: a token with its private key, or a token alone.

use std::fmt;
use std::time::Duration;

use super::chain::{CHAIN_MAX, may_speak, within};
use super::key::{PublicKey, SigningKey};
use super::principal::{EVERY_SERVICE, names};
use super::rights::Rights;
use super::token::{Child, Grant, peek, write};
use crate::config::Secret;
use crate::error::{Error, Result};
use crate::wire::{Actor, Audience, TokenClaims};

/// What is held.
#[derive(Debug)]
pub enum Credential {
    /// A token that names a key, and the key: narrower tokens are signed with it.
    Holder(Box<Holder>),
    /// A token that is shown as it is.
    Bearer(Secret),
}

/// A token that names a key, and the key.
///
/// Its text is `{token}.{key}`: the three parts of the JWT and, as a fourth, the private key's 32 bytes in base64url. Shown as a credential
/// by mistake it is refused, since no token has four parts.
pub struct Holder {
    token: String,
    key: SigningKey,
    subject: String,
    audience: Vec<String>,
    rights: Rights,
    expires_at: u64,
}

/// What is asked of a narrower token.
#[derive(Clone, Debug)]
pub struct Narrowing {
    /// At which services.
    pub audience: Vec<String>,
    /// What it allows there.
    pub rights: Rights,
    /// How long it lives; never longer than what it is narrowed from.
    pub life: Duration,
    /// Whose key signs what is narrowed from it in turn; without one it is shown as it is.
    pub holder: Option<PublicKey>,
}

impl Credential {
    /// Reads what `SYSCALL_TOKEN` or `BLACKROAD_TOKEN` holds.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where it is neither form; nothing of the text is in it.
    pub fn parse(text: &Secret) -> Result<Self> {
        let text = text.reveal().trim();
        match text.split('.').count() {
            3 => Ok(Credential::Bearer(Secret::new(text))),
            4 => Holder::parse(text).map(|holder| Credential::Holder(Box::new(holder))),
            _ => Err(Error::invalid(
                "that is no token: three parts with dots between them, and a private key as a fourth where the token names one; \
                 `blackroad token mint` makes one",
            )),
        }
    }

    /// The text that [`Credential::parse`] reads.
    pub fn to_text(&self) -> Secret {
        match self {
            Credential::Holder(holder) => holder.to_text(),
            Credential::Bearer(token) => token.clone(),
        }
    }
}

/// The claims of each token of a chain, the one that is shown first. Nothing is checked: for who looks a token over.
pub fn claims_of(token: &str) -> Vec<TokenClaims> {
    let mut links: Vec<TokenClaims> = Vec::new();
    let mut text = Some(token.to_owned());
    while let Some(claims) = text.as_deref().and_then(peek::<TokenClaims>)
        && links.len() <= CHAIN_MAX
    {
        text.clone_from(&claims.parent);
        links.push(claims);
    }
    links
}

impl Holder {
    /// A token and the key that it names.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where it is no token, or names another key.
    pub fn new(token: String, key: SigningKey) -> Result<Self> {
        let claims: TokenClaims =
            peek(&token).ok_or_else(|| Error::invalid("that is no token; `blackroad token mint` makes one"))?;
        let named = claims.cnf.as_ref().and_then(|named| PublicKey::of_jwk(&named.jwk));
        if named != Some(key.public()) {
            return Err(Error::invalid(
                "the token names another key than the one that stands beside it; they were mixed up when they were copied",
            ));
        }
        Ok(Holder {
            rights: Rights::parse(&claims.cap)?,
            audience: match claims.aud {
                Audience::One(one) => vec![one],
                Audience::Several(several) => several,
            },
            subject: claims.sub,
            expires_at: claims.exp,
            token,
            key,
        })
    }

    fn parse(text: &str) -> Result<Self> {
        let (token, key) = text.rsplit_once('.').unwrap_or((text, ""));
        Self::new(token.to_owned(), SigningKey::of_text(key)?)
    }

    /// The token alone, without its key.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The text that [`Credential::parse`] reads.
    pub fn to_text(&self) -> Secret {
        Secret::new(format!("{}.{}", self.token, *self.key.seed()))
    }

    /// On whose behalf it is used.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// At which services it is good.
    pub fn audience(&self) -> &[String] {
        &self.audience
    }

    /// What it allows.
    pub fn rights(&self) -> &Rights {
        &self.rights
    }

    /// When it ends, in seconds since the epoch.
    pub fn expires_at(&self) -> u64 {
        self.expires_at
    }

    /// Whether it is good at a service.
    pub fn is_for(&self, service: &str) -> bool {
        names(&self.audience, service)
    }

    /// Signs a narrower token, without asking anybody.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where it would not be narrower, with what is beyond; or where this one has ended.
    pub fn narrow(&self, narrowing: &Narrowing, now: u64) -> Result<String> {
        self.write(&self.subject, narrowing, now, None, false)
    }

    /// As [`Holder::narrow`], for a call: a stream or a pipe that it opens lasts for as long as those of the holder itself may.
    ///
    /// # Errors
    /// As [`Holder::narrow`].
    pub fn for_call(&self, narrowing: &Narrowing, now: u64) -> Result<String> {
        self.write(&self.subject, narrowing, now, None, true)
    }

    /// Signs a narrower token for a call that the holder makes for another. The rights are the holder's own: whoever signs it has asked before
    /// whether the other has them.
    ///
    /// # Errors
    /// As [`Holder::narrow`]; `INVALID_ARGUMENT` where the holder may not speak for this subject, and for any service.
    pub fn speak_for(&self, subject: &str, narrowing: &Narrowing, now: u64) -> Result<String> {
        if !may_speak(&self.rights, subject, &narrowing.audience) {
            return Err(Error::invalid(format!(
                "{} may not speak for {subject:?} at {}: its token lacks `speak`, or that is a service",
                self.subject,
                shown(&narrowing.audience)
            )));
        }
        let actor = Actor {
            sub: self.subject.clone(),
        };
        self.write(subject, narrowing, now, Some(actor), true)
    }

    fn write(&self, subject: &str, narrowing: &Narrowing, now: u64, act: Option<Actor>, call: bool) -> Result<String> {
        if !within(&self.audience, &narrowing.audience) {
            return Err(Error::invalid(format!(
                "this token is good at {}, so it cannot be narrowed to {}",
                shown(&self.audience),
                shown(&narrowing.audience)
            )));
        }
        if let Some(beyond) = narrowing.rights.iter().find(|right| !self.rights.cover(right)) {
            return Err(Error::invalid(format!(
                "this token does not have the right `{beyond}`, so nothing narrowed from it can"
            )));
        }
        let grant = Grant {
            subject: subject.to_owned(),
            audience: narrowing.audience.clone(),
            rights: narrowing.rights.clone(),
            life: narrowing.life,
            holder: narrowing.holder,
        };
        let until = now.saturating_add(narrowing.life.as_secs()).min(self.expires_at);
        let child = Child {
            parent: self.token.clone(),
            act,
            call,
        };
        write(&self.key, &self.subject, &grant, now, until, Some(child))
    }
}

fn shown(audience: &[String]) -> String {
    if audience.iter().any(|service| service == EVERY_SERVICE) {
        "every service".to_owned()
    } else {
        audience.join(", ")
    }
}

impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Holder")
            .field("subject", &self.subject)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}
