//! The id token of a person who has signed in: read and checked as OpenID Connect Core asks (section 3.1.3.7).

use std::collections::HashSet;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use super::opaque::same;
use super::token::LEEWAY;
use crate::error::{Error, Kind, Result};

/// `typ` of an id token: an access token has another, so that neither is taken for the other.
const TYPE: &str = "JWT";
/// Longest id token, in bytes: core's have less than one kilobyte.
const ID_TOKEN_MAX_BYTES: usize = 8 * 1024;

/// What an id token has to say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Who has signed the person in.
    pub issuer: &'a str,
    /// For whom: the client that asked.
    pub audience: &'a str,
    /// What the client gave along, so that a token of another sign-in is not taken for one of this.
    pub nonce: &'a str,
    /// Now, in seconds since the epoch.
    pub now: u64,
}

/// What is used of an id token.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct IdToken {
    /// The person.
    pub sub: String,
    /// Their session at the provider (OpenID Connect Back-Channel Logout, section 2.1).
    pub sid: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    exp: u64,
    iat: u64,
    #[serde(default)]
    nbf: u64,
    nonce: String,
    #[serde(flatten)]
    token: IdToken,
}

/// Reads an id token by the provider's keys, a JWK set as it was published. The algorithm is ours, whatever the token says of it.
///
/// # Errors
/// `ID_TOKEN_INVALID`, with which of the checks failed and nothing of the token.
pub fn read_id_token(token: &str, keys: &[u8], expected: Expected<'_>) -> Result<IdToken> {
    if token.len() > ID_TOKEN_MAX_BYTES {
        return Err(wrong("is too long"));
    }
    let keys: JwkSet =
        serde_json::from_slice(keys).map_err(|error| wrong("has no keys to go by").with_source(error))?;
    let header = jsonwebtoken::decode_header(token).map_err(|error| wrong("is no JWT").with_source(error))?;
    if header.typ.as_deref() != Some(TYPE) {
        return Err(wrong("is of another type"));
    }
    // RFC 7515, section 4.1.11.
    if header.crit.is_some() {
        return Err(wrong("asks for an extension that is not understood here"));
    }
    let key = header.kid.and_then(|kid| keys.find(&kid).cloned());
    let key = key.ok_or_else(|| wrong("names a key that the provider does not publish"))?;
    let key = DecodingKey::from_jwk(&key).map_err(|error| wrong("names a key of another kind").with_source(error))?;
    let mut rules = Validation::new(Algorithm::EdDSA);
    // Compared below, against the service's own name and clock.
    rules.required_spec_claims = HashSet::new();
    rules.validate_exp = false;
    rules.validate_aud = false;
    let read = jsonwebtoken::decode::<Claims>(token, &key, &rules);
    let claims = read
        .map_err(|error| wrong("was signed by another, or is of another shape").with_source(error))?
        .claims;
    let leeway = LEEWAY.as_secs();
    if claims.iss != expected.issuer {
        return Err(wrong("is another provider's"));
    }
    if claims.aud != expected.audience {
        return Err(wrong("is for another client"));
    }
    if !same(&claims.nonce, expected.nonce) {
        return Err(wrong("belongs to another sign-in"));
    }
    if claims.exp.saturating_add(leeway) <= expected.now
        || claims.iat.max(claims.nbf) > expected.now.saturating_add(leeway)
    {
        return Err(wrong("is over, or not yet good; look at the clocks of both machines"));
    }
    Ok(claims.token)
}

fn wrong(why: &str) -> Error {
    Error::new(Kind::Forbidden, format!("the id token {why}")).with_code("ID_TOKEN_INVALID")
}
