//! Who may call what: rights, the tokens that carry them, and the gate that asks for them. The default is deny.
//!
//! A token is an EdDSA JWT. The fleet's root signs a service's token, which names the service's own key; its holder signs a narrower one
//! for each callee, for minutes, with that key, and whoever checks it needs the root's public half alone. See ADR 0029.

mod base64url;
mod chain;
mod checked;
mod credential;
mod gate;
mod id_token;
mod key;
mod minter;
pub mod opaque;
mod principal;
mod revoked;
mod right;
mod rights;
mod token;
mod verifier;
mod word;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

pub use chain::CHAIN_MAX;
pub use credential::{Credential, Holder, Narrowing, claims_of};
pub use gate::{Gate, Guarded, bearer};
pub use id_token::{Expected, IdToken, read_id_token};
pub use key::{PublicKey, ROOT_KEYS_MAX, RootKeys, SigningKey};
pub use minter::{CALL_LIFE, Minter, Purpose, SPOKEN_LIFE};
pub use principal::{EVERY_SERVICE, PERSON_SUBJECT, Principal, SERVICE_SUBJECT};
pub use revoked::{REVOCATION_MAX_BYTES, REVOCATIONS_MAX, sign_revocation};
pub use right::{Need, Pattern, Right, What};
pub use rights::{RIGHTS_MAX, Rights};
pub use token::{AUDIENCE_MAX, BEARER_LIFE_MAX, Grant, LEEWAY, SERVICE_LIFE_MAX, TOKEN_MAX_BYTES, sign_first};
pub use verifier::{Verifier, seconds};
pub use word::{Of, Word};

/// What a route asks of who calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing, ever.
    Public,
    /// The right `page read`, of a signed-in person or of a token. A browser in which nobody is signed in is led to do so.
    Session,
    /// Any token that is good here: what is asked for stands in the request, and its handler asks for each part of it.
    Credential,
    /// A right.
    Right(Word),
}

impl Access {
    /// A right by its words, such as `state read`.
    ///
    /// # Panics
    /// Where it is not in the vocabulary: a route is declared when its service is made, so that no service starts with such a one.
    pub fn right(words: &str) -> Self {
        match Word::parse(words) {
            Ok(word) => Access::Right(word),
            Err(error) => panic!("a route asks for {words:?}: {error}"),
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Access::Public => f.write_str("public"),
            Access::Session => f.write_str("session"),
            Access::Credential => f.write_str("credential"),
            Access::Right(right) => write!(f, "right: {right}"),
        }
    }
}

/// Who calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The service that calls: as its token says; where the gate is open, as `X-Service-Name` says.
    pub service: Option<String>,
    /// `X-Service-Role`, where the gate is open.
    pub role: Option<String>,
    /// The credential as it came, to be passed on by a relay and never printed.
    pub credential: Option<crate::config::Secret>,
    /// Who it is and what it may do, where that was checked: by its token, or by who put a session's person here before the gate asks.
    pub principal: Option<Arc<Principal>>,
    /// Whose token it is that was shown and refused: whom the last of its links names whose signature is good. That is not who shows it.
    pub refused: Option<String>,
}

impl Caller {
    /// Who it is, for the record: the checked subject, whose token was refused, or as far as they say where nobody is asked.
    pub fn actor(&self) -> Cow<'_, str> {
        match (&self.principal, &self.refused, &self.service) {
            (Some(principal), _, _) => principal.named(),
            (None, Some(whose), _) => Cow::Borrowed(whose),
            (None, None, Some(service)) => Cow::Owned(format!("{SERVICE_SUBJECT}{service}")),
            (None, None, None) => Cow::Borrowed("anonymous"),
        }
    }

    /// A name that tells callers apart: the checked one where there is one.
    pub fn name(&self) -> Option<&str> {
        let checked = self.principal.as_ref().map(|principal| principal.subject.as_str());
        checked.or(self.service.as_deref())
    }
}

#[cfg(test)]
mod tests;
