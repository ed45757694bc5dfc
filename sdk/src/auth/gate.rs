//! Stands before every route.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::principal::Principal;
use super::right::Need;
use super::verifier::{Verifier, invalid};
use super::word::Word;
use super::{Access, Caller};
use crate::error::{Error, Kind, Result};

/// Stands before every route. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Gate {
    /// Nobody is asked for anything: development.
    Open,
    /// Every route asks for what it declares.
    Guarded(Arc<Guarded>),
}

/// A gate that asks.
#[derive(Debug)]
pub struct Guarded {
    service: String,
    verifier: Verifier,
}

impl Gate {
    /// A gate of a service, by key, that asks for what routes declare.
    pub fn guarded(service: impl Into<String>, verifier: Verifier) -> Self {
        Gate::Guarded(Arc::new(Guarded {
            service: service.into(),
            verifier,
        }))
    }

    /// Whether nobody is asked for anything.
    pub fn is_open(&self) -> bool {
        matches!(self, Gate::Open)
    }

    /// Who shows an `Authorization` that was checked before: by whom a request is counted must be known before its credential is
    /// looked at, and the first of each, which is counted by its address, costs no more than another's.
    pub fn known(&self, authorization: &str) -> Option<Arc<Principal>> {
        self.verifier()?.known(bearer(authorization)?)
    }

    /// Ends when what a caller opened may last no longer: its token, or one that this was narrowed from, is revoked, or
    /// [its time](Principal::lasts_until) has come. `None` where nobody is asked, and for who came without a token of the fleet: their
    /// session or key is looked after by who knows them by it.
    pub fn until_void(&self, caller: &Caller) -> Option<BoxFuture<'static, ()>> {
        let Gate::Guarded(guarded) = self else { return None };
        let principal = caller.principal.clone()?;
        if principal.keys.is_empty() {
            return None;
        }
        let guarded = Arc::clone(guarded);
        let mut changes = guarded.verifier.changes();
        let void = async move {
            while let Some(left) = guarded.verifier.lasts(&principal) {
                tokio::select! {
                    () = tokio::time::sleep(left) => {}
                    _ = changes.changed() => {}
                }
            }
        };
        Some(void.boxed())
    }

    /// What checks tokens, where they are asked for.
    pub fn verifier(&self) -> Option<&Verifier> {
        match self {
            Gate::Open => None,
            Gate::Guarded(guarded) => Some(&guarded.verifier),
        }
    }

    /// Lets a caller through, and says in it who it is; or says what is missing. Which names and keys a right is for stands in the request,
    /// so its handler asks further, with [`Gate::allow`].
    ///
    /// # Errors
    /// `UNAUTHENTICATED` where nothing is shown; `TOKEN_INVALID`, `TOKEN_EXPIRED`, `TOKEN_REVOKED` or `TOKEN_AUDIENCE` where what is shown is
    /// not good here; `FORBIDDEN` where it does not allow this.
    pub fn admit(&self, access: &Access, caller: &mut Caller) -> Result<()> {
        let Gate::Guarded(guarded) = self else { return Ok(()) };
        // What a caller says of itself is worth nothing here; what it shows is.
        caller.service = None;
        caller.role = None;
        let wanted = match access {
            Access::Public => return Ok(()),
            Access::Session => Some(Word::PageRead),
            Access::Right(word) => Some(*word),
            Access::Credential => None,
        };
        let principal = match &caller.principal {
            // Known already, by a session.
            Some(principal) => Arc::clone(principal),
            None => guarded.identify(access, caller)?,
        };
        let may = wanted.is_none_or(|word| principal.has(word, &guarded.service));
        caller.service = principal.service().map(str::to_owned);
        let outcome = match (may, wanted) {
            (true, _) => Ok(()),
            (false, Some(word)) => Err(forbidden(&principal, &word.to_string())),
            (false, None) => Err(forbidden(&principal, &access.to_string())),
        };
        caller.principal = Some(principal);
        outcome
    }

    /// Asks for a right to the very thing that a request names.
    ///
    /// # Errors
    /// `FORBIDDEN`, with the right that is missing.
    pub fn allow(&self, caller: &Caller, need: &Need<'_>) -> Result<()> {
        let Gate::Guarded(guarded) = self else { return Ok(()) };
        match &caller.principal {
            Some(principal) if principal.may(need, &guarded.service) => Ok(()),
            Some(principal) => Err(forbidden(principal, &need.to_string())),
            None => Err(unauthenticated(&format!("right: {need}"))),
        }
    }
}

impl Guarded {
    fn identify(&self, access: &Access, caller: &mut Caller) -> Result<Arc<Principal>> {
        let Some(credential) = &caller.credential else {
            return Err(unauthenticated(&access.to_string()));
        };
        let token = bearer(credential.reveal()).ok_or_else(invalid)?;
        self.verifier.look(token).map_err(|refused| {
            caller.refused = refused.whose;
            refused.error
        })
    }
}

/// The token of an `Authorization` (RFC 6750, section 2.1).
pub fn bearer(shown: &str) -> Option<&str> {
    let (scheme, token) = shown.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case("bearer ").then(|| token.trim())
}

fn unauthenticated(wanted: &str) -> Error {
    Error::new(
        Kind::Unauthenticated,
        format!("this needs a credential ({wanted}); show a token as Authorization: Bearer"),
    )
}

fn forbidden(principal: &Principal, right: &str) -> Error {
    let whom = principal.named();
    Error::new(
        Kind::Forbidden,
        format!("this needs the right `{right}`, which the token of {whom} does not have"),
    )
    .with_details(serde_json::json!({ "right": right }))
}
