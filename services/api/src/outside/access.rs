//! Core's access tokens (RFC 9068): checked here, by the keys that core publishes.

use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;
use syscall_sdk::auth::{LEEWAY, PERSON_SUBJECT, Principal, seconds};
use syscall_sdk::context::Context;
use syscall_sdk::error::Result;
use syscall_sdk::http::pages::service_url;

use super::principal;
use super::signers::Signers;

/// The type of an access token: neither an id token nor a token of the fleet's own is taken for one.
const ACCESS: &str = "at+jwt";
/// For whom it must be.
const AUDIENCE: &str = "api";
/// The first part of the subject of a program that speaks for itself.
const CLIENT_SUBJECT: &str = "client:";

/// What it says, as far as the gateway asks.
#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
    iat: u64,
    #[serde(default)]
    nbf: u64,
    jti: String,
    client_id: String,
    #[serde(default)]
    cap: Vec<String>,
}

/// Whether a text is to be an access token, by what it says of itself.
pub(super) fn is_one(shown: &str) -> bool {
    // Two dots: what has none is not worth decoding.
    shown.bytes().filter(|byte| *byte == b'.').count() == 2
        && jsonwebtoken::decode_header(shown).is_ok_and(|header| header.typ.as_deref() == Some(ACCESS))
}

/// Whose token it is; `None` where it is not good here.
///
/// # Errors
/// `IDENTITY_UNAVAILABLE` where core's keys are not known and cannot be asked for.
pub(super) async fn look(context: &Context, signers: &Signers, shown: &str) -> Result<Option<Principal>> {
    let Ok(header) = jsonwebtoken::decode_header(shown) else {
        return Ok(None);
    };
    // What is marked as critical must be understood (RFC 7515, section 4.1.11), and of extensions nothing is.
    let fits = header.typ.as_deref() == Some(ACCESS) && header.crit.is_none();
    let Some(kid) = header.kid.filter(|_| fits) else {
        return Ok(None);
    };
    let Some(key) = signers.find(context, &kid).await? else {
        return Ok(None);
    };
    // One algorithm, ours, whatever the token says of it.
    let mut rules = Validation::new(Algorithm::EdDSA);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    rules.set_issuer(&[service_url(context, "core").trim_end_matches('/')]);
    rules.set_audience(&[AUDIENCE]);
    // Compared with the service's own clock below.
    rules.validate_exp = false;
    let Ok(read) = jsonwebtoken::decode::<Claims>(shown, &key, &rules) else {
        return Ok(None);
    };
    let (claims, now) = (read.claims, seconds(context.clock()));
    if claims.exp <= now || claims.iat.max(claims.nbf) > now + LEEWAY.as_secs() || claims.sub.is_empty() {
        return Ok(None);
    }
    let kind = if claims.sub == claims.client_id {
        CLIENT_SUBJECT
    } else {
        PERSON_SUBJECT
    };
    let subject = format!("{kind}{}", claims.sub);
    Ok(Some(principal(subject, &claims.cap, claims.exp, claims.jti)))
}
