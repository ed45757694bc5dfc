//! The tokens that core signs: access tokens (RFC 9068), and id tokens (OpenID Connect Core, section 2).

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::name::new_id;

use super::issuer;
use super::signing::{self, TOKEN_LIFE};

/// For whom access tokens are: the gateway, which turns one into the smallest capability for each call.
pub(super) const AUDIENCE: &str = "api";
/// The type of an access token, so that an id token is never taken for one (RFC 9068, section 2.1).
const ACCESS: &str = "at+jwt";
/// The type of an id token.
const ID: &str = "JWT";

/// What an access token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct AccessClaims {
    pub(super) iss: String,
    pub(super) sub: String,
    pub(super) aud: String,
    pub(super) exp: i64,
    pub(super) iat: i64,
    pub(super) jti: String,
    pub(super) client_id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) scope: String,
    /// What its bearer may do.
    #[serde(default)]
    pub(super) cap: Vec<String>,
    /// The family of refresh tokens that it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) family: Option<String>,
}

/// What an id token says.
#[derive(Clone, Debug, Serialize)]
pub(super) struct IdClaims<'a> {
    pub(super) iss: String,
    pub(super) sub: &'a str,
    /// The session (OpenID Connect Back-Channel Logout, section 2.1).
    pub(super) sid: &'a str,
    pub(super) aud: &'a str,
    pub(super) exp: i64,
    pub(super) iat: i64,
    pub(super) auth_time: i64,
    pub(super) amr: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<&'a str>,
    /// That the address is theirs: who made the user answers for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
}

/// In whose name, through whom and for what an access token is.
pub(super) struct Grant<'a> {
    pub(super) subject: &'a str,
    pub(super) client: &'a str,
    pub(super) scope: &'a str,
    pub(super) rights: Vec<String>,
    pub(super) family: Option<String>,
}

/// Signs an access token.
///
/// # Errors
/// Where there is no key.
pub(super) async fn access(context: &Context, grant: Grant<'_>) -> Result<String> {
    let now = context.clock().now().timestamp();
    let claims = AccessClaims {
        iss: issuer::of(context),
        sub: grant.subject.to_owned(),
        aud: AUDIENCE.to_owned(),
        exp: now + life(),
        iat: now,
        jti: new_id(),
        client_id: grant.client.to_owned(),
        scope: grant.scope.to_owned(),
        cap: grant.rights,
        family: grant.family,
    };
    sign(context, ACCESS, &claims).await
}

/// Signs an id token.
///
/// # Errors
/// Where there is no key.
pub(super) async fn id(context: &Context, claims: &IdClaims<'_>) -> Result<String> {
    sign(context, ID, claims).await
}

/// How long a token lives, in seconds.
pub(super) fn life() -> i64 {
    TOKEN_LIFE.as_secs().cast_signed()
}

/// What an access token of core's says, where it is one and is not over.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn read(context: &Context, token: &str) -> Result<Option<AccessClaims>> {
    let Ok(header) = jsonwebtoken::decode_header(token) else {
        return Ok(None);
    };
    let is_access = header.typ.as_deref() == Some(ACCESS) && header.alg == Algorithm::EdDSA;
    let key = match header.kid {
        Some(kid) if is_access => signing::find(context, &kid).await?,
        _ => None,
    };
    let Some(key) = key else { return Ok(None) };
    let key = DecodingKey::from_ed_components(&key.public).map_err(broken)?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&[issuer::of(context)]);
    validation.set_audience(&[AUDIENCE]);
    // Compared with the service's own clock below, to the second.
    validation.validate_exp = false;
    let claims = jsonwebtoken::decode::<AccessClaims>(token, &key, &validation).ok();
    Ok(claims
        .map(|token| token.claims)
        .filter(|claims| context.clock().now().timestamp() < claims.exp))
}

/// Of an id token of core's: for which client, whose, and which session. That it is over is no matter: it is shown when somebody signs out.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Hint {
    pub(super) aud: String,
    pub(super) sub: String,
    #[serde(default)]
    pub(super) sid: String,
}

/// What an id token of core's says, where it is one.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn read_hint(context: &Context, token: &str) -> Result<Option<Hint>> {
    let Ok(header) = jsonwebtoken::decode_header(token) else {
        return Ok(None);
    };
    let is_id = header.typ.as_deref() == Some(ID);
    let key = match header.kid {
        Some(kid) if is_id => signing::find(context, &kid).await?,
        _ => None,
    };
    let Some(key) = key else { return Ok(None) };
    let key = DecodingKey::from_ed_components(&key.public).map_err(broken)?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_required_spec_claims(&["iss", "aud", "sub"]);
    validation.set_issuer(&[issuer::of(context)]);
    validation.validate_aud = false;
    validation.validate_exp = false;
    Ok(jsonwebtoken::decode::<Hint>(token, &key, &validation)
        .ok()
        .map(|read| read.claims))
}

async fn sign<T: Serialize>(context: &Context, kind: &str, claims: &T) -> Result<String> {
    let key = signing::current(context).await?;
    let header = Header {
        typ: Some(kind.to_owned()),
        kid: Some(key.kid.clone()),
        ..Header::new(Algorithm::EdDSA)
    };
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(&key.secret()?)).map_err(broken)
}

fn broken(error: jsonwebtoken::errors::Error) -> Error {
    Error::internal("a token could not be signed or read").with_source(error)
}
