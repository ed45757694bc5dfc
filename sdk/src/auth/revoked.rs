//! What is revoked: statements that the fleet's root signed, so that it does not matter who brings them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::key::{RootKeys, SigningKey};
use super::principal::Principal;
use super::token::{BEARER_LIFE_MAX, LEEWAY, ROOT_ISSUER, is_name, kid, read, sign};
use crate::error::{Error, Kind, Result};
use crate::wire::{RevocationClaims, Revoked};

/// Most statements that are known at once: each lives no longer than a token, so more are an accident.
pub const REVOCATIONS_MAX: usize = 10_000;
/// `typ` of a statement, so that no token can pass for one, nor one for a token.
const REVOCATION_TYPE: &str = "revocation+jwt";
/// How long a statement is kept: the life of the longest token, and what clocks may be apart.
const REVOCATION_LIFE: Duration = BEARER_LIFE_MAX.saturating_add(LEEWAY);
/// Longest statement, in bytes.
pub const REVOCATION_MAX_BYTES: usize = 2_048;

/// Signs that something is revoked.
///
/// # Errors
/// `INVALID_ARGUMENT` where no token can be called so: nothing would be revoked.
pub fn sign_revocation(root: &SigningKey, revoked: Revoked, now: u64) -> Result<String> {
    let (Revoked::Jti(name) | Revoked::Key(name) | Revoked::Subject(name)) = &revoked;
    if !is_name(name) {
        return Err(Error::invalid(format!("no token, key or subject is called {name:?}")));
    }
    let claims = RevocationClaims {
        iss: ROOT_ISSUER.to_owned(),
        iat: now,
        exp: now.saturating_add(REVOCATION_LIFE.as_secs()),
        rev: revoked,
    };
    sign(root, Some(&root.public().thumbprint()), REVOCATION_TYPE, &claims)
}

/// Everything that is known to be revoked, each with the statement that says so.
#[derive(Clone, Debug, Default)]
pub(super) struct Known(BTreeMap<Revoked, Statement>);

/// A statement, checked.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    said_at: u64,
    until: u64,
    text: String,
}

impl Known {
    /// Checks a statement.
    pub(super) fn check(text: &str, roots: &RootKeys, now: u64) -> Result<(Revoked, Statement)> {
        let wrong = || {
            Error::new(
                Kind::Invalid,
                "that is no statement of revocation by a root key that is trusted here",
            )
            .with_code("REVOCATION_INVALID")
        };
        if text.len() > REVOCATION_MAX_BYTES {
            return Err(wrong());
        }
        let root = kid(text).and_then(|kid| roots.of(&kid)).ok_or_else(wrong)?;
        let claims: RevocationClaims = read(text, root, REVOCATION_TYPE).map_err(|_| wrong())?;
        // One that says it comes from the future would revoke what is made until then.
        let early = claims.iat > now.saturating_add(LEEWAY.as_secs());
        if claims.iss != ROOT_ISSUER || early {
            return Err(wrong());
        }
        let statement = Statement {
            said_at: claims.iat,
            until: claims.exp,
            text: text.to_owned(),
        };
        Ok((claims.rev, statement))
    }

    /// Takes a statement, and says whether it was news.
    pub(super) fn take(&mut self, revoked: Revoked, statement: Statement, now: u64) -> Result<bool> {
        self.0.retain(|_, known| known.until > now);
        if !self.is_news(&revoked, &statement, now) {
            return Ok(false);
        }
        if self.0.len() >= REVOCATIONS_MAX && !self.0.contains_key(&revoked) {
            return Err(Error::conflict(format!(
                "{REVOCATIONS_MAX} revocations are known, which is the most; rotate the root key, and all of them are void"
            ))
            .with_code("TOO_MANY_REVOCATIONS"));
        }
        self.0.insert(revoked, statement);
        Ok(true)
    }

    /// Whether a statement says what none that is known says: of a subject the latest counts.
    pub(super) fn is_news(&self, revoked: &Revoked, statement: &Statement, now: u64) -> bool {
        let known = self.0.get(revoked);
        statement.until > now && known.is_none_or(|known| known.said_at < statement.said_at)
    }

    /// Whether any token or key of a chain is revoked, or after it began its subject was, or who speaks for them.
    pub(super) fn names(&self, principal: &Principal) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let any = |revoked: Revoked| self.0.contains_key(&revoked);
        let since = |subject: &str| {
            let said = self.0.get(&Revoked::Subject(subject.to_owned()));
            said.is_some_and(|statement| principal.issued_at <= statement.said_at)
        };
        principal.tokens.iter().any(|jti| any(Revoked::Jti(jti.clone())))
            || principal.keys.iter().any(|key| any(Revoked::Key(key.clone())))
            || since(&principal.subject)
            || principal.by.as_deref().is_some_and(since)
    }

    /// Drops what was said by a root that is not among these.
    pub(super) fn keep_those_of(&mut self, roots: &RootKeys) {
        let said_by_one = |statement: &Statement| kid(&statement.text).is_some_and(|kid| roots.of(&kid).is_some());
        self.0.retain(|_, statement| said_by_one(statement));
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The statements, to be handed on.
    pub(super) fn statements(&self) -> Vec<String> {
        self.0.values().map(|statement| statement.text.clone()).collect()
    }
}
