//! A chain of tokens: the root signed the first, and each further one is signed by the holder of the one before and allows no more.

use super::key::{PublicKey, RootKeys};
use super::principal::{EVERY_SERVICE, Principal, SERVICE_SUBJECT, names};
use super::right::Need;
use super::rights::Rights;
use super::token::{
    AUDIENCE_MAX, BEARER_LIFE_MAX, LEEWAY, ROOT_ISSUER, SERVICE_LIFE_MAX, TOKEN_TYPE, Unreadable, is_name, is_subject,
    kid, read,
};
use super::word::Word;
use crate::wire::{Audience, TokenClaims};

/// Most tokens of a chain: the root's, a service's or a person's narrowing of it, one more for a helper, and one to spare.
pub const CHAIN_MAX: usize = 4;

/// Why a token is worth nothing. The caller is told less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is no token of ours, or another key signed it.
    Unreadable(Unreadable),
    /// A link allows more than its parent, or is not its parent's.
    Widened,
    /// A bound of size, depth or life does not hold.
    Bound,
    /// It has ended.
    Expired,
    /// It has not begun.
    Early,
    /// It is revoked, or what it was narrowed from is.
    Revoked,
}

/// A chain that is worth nothing.
#[derive(Debug)]
pub(super) struct Refusal {
    /// Why.
    pub(super) fault: Fault,
    /// Whom the last link names whose signature is good: a stolen token that is tried in vain is seen as the one that it is.
    pub(super) whose: Option<String>,
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Refusal { fault, whose: None }
    }
}

/// The first token of a chain, checked.
pub(super) fn first(text: &str, roots: &RootKeys, now: u64) -> Result<Principal, Refusal> {
    let kid = kid(text).ok_or(Fault::Unreadable(Unreadable::Malformed))?;
    let root = roots.of(&kid).ok_or(Fault::Unreadable(Unreadable::Signature))?;
    let claims: TokenClaims = read(text, root, TOKEN_TYPE).map_err(Fault::Unreadable)?;
    let whose = Some(claims.sub.clone()).filter(|subject| is_subject(subject));
    begins(claims, kid, now).map_err(|fault| Refusal { fault, whose })
}

/// What the root signed begins a chain.
fn begins(claims: TokenClaims, kid: String, now: u64) -> Result<Principal, Fault> {
    if claims.iss != ROOT_ISSUER || claims.parent.is_some() || claims.act.is_some() {
        return Err(Fault::Widened);
    }
    let life = claims.exp.saturating_sub(claims.iat);
    let most = if claims.cnf.is_some() {
        SERVICE_LIFE_MAX
    } else {
        BEARER_LIFE_MAX
    };
    if life > most.as_secs() {
        return Err(Fault::Bound);
    }
    let link = Link::of(claims, now)?;
    Ok(Principal {
        subject: link.claims.sub,
        by: None,
        audience: link.audience,
        rights: link.rights,
        issued_at: link.claims.iat,
        expires_at: link.claims.exp,
        lasts_until: link.claims.exp,
        tokens: vec![link.claims.jti],
        keys: std::iter::once(kid)
            .chain(link.holder.map(|key| key.thumbprint()))
            .collect(),
        holder: link.holder,
    })
}

/// A further token, checked against what its parent came to.
pub(super) fn further(text: &str, parent: &Principal, parent_text: &str, now: u64) -> Result<Principal, Refusal> {
    let signer = parent.holder.ok_or(Fault::Widened)?;
    let claims: TokenClaims = read(text, signer, TOKEN_TYPE).map_err(Fault::Unreadable)?;
    continues(claims, parent, parent_text, now).map_err(|fault| Refusal {
        fault,
        whose: Some(parent.named().into_owned()),
    })
}

/// What the holder of its parent signed continues a chain.
fn continues(claims: TokenClaims, parent: &Principal, parent_text: &str, now: u64) -> Result<Principal, Fault> {
    if parent.tokens.len() >= CHAIN_MAX {
        return Err(Fault::Bound);
    }
    // What was peeked at to find the parent is the same text; said again, since everything hangs on it.
    let is_its = claims.parent.as_deref() == Some(parent_text)
        && claims.iss == parent.subject
        && claims.exp <= parent.expires_at
        && claims.iat.saturating_add(LEEWAY.as_secs()) >= parent.issued_at;
    if !is_its {
        return Err(Fault::Widened);
    }
    let link = Link::of(claims, now)?;
    if !within(&parent.audience, &link.audience) || !parent.rights.cover_all(&link.rights) {
        return Err(Fault::Widened);
    }
    let by = match &link.claims.act {
        None if link.claims.sub == parent.subject => parent.by.clone(),
        // Whoever is spoken for speaks for nobody in turn.
        Some(actor) if parent.by.is_none() && actor.sub == parent.subject => {
            if !may_speak(&parent.rights, &link.claims.sub, &link.audience) {
                return Err(Fault::Widened);
            }
            Some(actor.sub.clone())
        }
        None | Some(_) => return Err(Fault::Widened),
    };
    let mut tokens = parent.tokens.clone();
    tokens.push(link.claims.jti);
    let mut keys = parent.keys.clone();
    keys.extend(link.holder.map(|key| key.thumbprint()));
    Ok(Principal {
        subject: link.claims.sub,
        by,
        audience: link.audience,
        rights: link.rights,
        issued_at: parent.issued_at,
        expires_at: link.claims.exp,
        lasts_until: if link.claims.call {
            parent.lasts_until
        } else {
            parent.lasts_until.min(link.claims.exp)
        },
        tokens,
        keys,
        holder: link.holder,
    })
}

/// Whether an audience names no service beyond another's.
pub(super) fn within(outer: &[String], inner: &[String]) -> bool {
    inner.iter().all(|service| match service.as_str() {
        EVERY_SERVICE => outer.iter().any(|named| named == EVERY_SERVICE),
        service => names(outer, service),
    })
}

/// Whether rights allow to speak for a subject at each of some services. Nobody speaks for a service: services are let in, exempted from
/// rates and given their deliveries by their own tokens alone.
pub(super) fn may_speak(rights: &Rights, subject: &str, audience: &[String]) -> bool {
    let need = Need::one(Word::Speak, subject);
    !subject.starts_with(SERVICE_SUBJECT) && audience.iter().all(|service| rights.allow(&need, service))
}

/// What any token of a chain must be, by itself.
struct Link {
    claims: TokenClaims,
    audience: Vec<String>,
    rights: Rights,
    holder: Option<PublicKey>,
}

impl Link {
    fn of(claims: TokenClaims, now: u64) -> Result<Self, Fault> {
        let malformed = Fault::Unreadable(Unreadable::Malformed);
        let leeway = LEEWAY.as_secs();
        if claims.exp.saturating_add(leeway) <= now {
            return Err(Fault::Expired);
        }
        if claims.iat.max(claims.nbf.unwrap_or(0)) > now.saturating_add(leeway) {
            return Err(Fault::Early);
        }
        let audience = match &claims.aud {
            Audience::One(one) => vec![one.clone()],
            Audience::Several(several) if several.len() <= AUDIENCE_MAX => several.clone(),
            Audience::Several(_) => return Err(Fault::Bound),
        };
        if !is_name(&claims.jti) || !is_subject(&claims.sub) || claims.exp <= claims.iat {
            return Err(malformed);
        }
        let holder = match &claims.cnf {
            None => None,
            Some(confirmation) => Some(PublicKey::of_jwk(&confirmation.jwk).ok_or(malformed)?),
        };
        Ok(Link {
            rights: Rights::parse(&claims.cap).map_err(|_| malformed)?,
            audience,
            holder,
            claims,
        })
    }
}
