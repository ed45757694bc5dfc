//! What a service asks the identity provider, over the private network and with its own token: no secret is shared between the two.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Uri};
use serde::Deserialize;

use super::with_query;
use crate::auth::{Expected, IdToken, read_id_token, seconds};
use crate::context::Context;
use crate::contract::person::{CHECK_SESSION, PROVIDER};
use crate::error::{Error, Kind, Result};
use crate::http::pages::service_url;
use crate::rpc::CallOptions;
use crate::transport::{Body, Request};
use crate::wire::{CheckSession, SignedIn};

use super::attempt::Attempt;

/// Longest wait for one answer: a person waits, and two of them fit into the time of a request.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where browsers are sent back with a code.
pub(super) fn callback_url(context: &Context) -> String {
    format!("{}auth/callback", own_url(context))
}

/// Where browsers are sent back after they were signed out.
pub(super) fn out_url(context: &Context) -> String {
    format!("{}auth/out", own_url(context))
}

fn own_url(context: &Context) -> String {
    service_url(context, &context.kernel().record.key)
}

/// The name under which the provider signs: its public URL.
pub(super) fn issuer(context: &Context) -> String {
    service_url(context, PROVIDER).trim_end_matches('/').to_owned()
}

/// Where a browser asks the provider for a code. `quiet` shows nobody a page: for a window within another page, which the provider's do not
/// let themselves be shown in.
pub(super) fn authorize_url(context: &Context, attempt: &Attempt, quiet: bool) -> String {
    let callback = callback_url(context);
    let challenge = attempt.challenge();
    let mut pairs = vec![
        ("response_type", "code"),
        ("client_id", context.kernel().record.key.as_str()),
        ("redirect_uri", callback.as_str()),
        ("scope", "openid profile email"),
        ("state", attempt.state.as_str()),
        ("nonce", attempt.nonce.as_str()),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    if quiet {
        pairs.push(("prompt", "none"));
    }
    with_query(&format!("{}oauth/authorize", service_url(context, PROVIDER)), &pairs)
}

/// Where a browser asks the provider to end its session as well (OpenID Connect RP-Initiated Logout).
pub(super) fn end_session_url(context: &Context, id_token: &str) -> String {
    let out = out_url(context);
    let pairs = [
        ("client_id", context.kernel().record.key.as_str()),
        ("id_token_hint", id_token),
        ("post_logout_redirect_uri", out.as_str()),
    ];
    with_query(&format!("{}oauth/logout", service_url(context, PROVIDER)), &pairs)
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
}

/// Exchanges a code: the id token as it came, and what it says once it was checked.
///
/// # Errors
/// `SIGN_IN_REFUSED` where the code is good for nothing, `ID_TOKEN_INVALID`, or what kept the question from the provider.
pub(super) async fn exchange(context: &Context, code: &str, attempt: &Attempt) -> Result<(String, IdToken)> {
    let callback = callback_url(context);
    let pairs = [
        ("grant_type", "authorization_code"),
        ("client_id", context.kernel().record.key.as_str()),
        ("code", code),
        ("redirect_uri", callback.as_str()),
        ("code_verifier", attempt.verifier.as_str()),
    ];
    let form = with_query("", &pairs);
    let mut request = Request::new(Body::from(form.trim_start_matches('?').to_owned()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from_static("/oauth/token");
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(CONTENT_TYPE, kind);
    let options = options(context);
    // Asked for each time: sign-ins are rare, and so no key is believed that was withdrawn.
    let (reply, keys) = tokio::join!(
        context.rpc().exchange(PROVIDER, request, &options),
        context.rpc().get(PROVIDER, "/.well-known/jwks.json", &options)
    );
    let (reply, keys) = (reply?, keys?);
    if !reply.status.is_success() {
        return Err(refused(&reply.body, reply.status.is_server_error()));
    }
    let tokens: Tokens = serde_json::from_slice(&reply.body).map_err(|error| {
        Error::new(Kind::BadGateway, format!("{PROVIDER} answered a code with no id token")).with_source(error)
    })?;
    let expected = Expected {
        issuer: &issuer(context),
        audience: &context.kernel().record.key,
        nonce: &attempt.nonce,
        now: seconds(context.clock()),
    };
    let read = read_id_token(&tokens.id_token, &keys.body, expected)?;
    Ok((tokens.id_token, read))
}

fn refused(body: &Bytes, is_fault: bool) -> Error {
    if is_fault {
        return Error::unavailable(format!("{PROVIDER} could not answer; try again in a moment"));
    }
    let said = serde_json::from_slice::<Refused>(body).map_or_else(|_| "no reason".to_owned(), |refused| refused.error);
    Error::new(
        Kind::Forbidden,
        format!("{PROVIDER} did not take the code of this sign-in ({said}): it was used before, or is too old"),
    )
    .with_code("SIGN_IN_REFUSED")
}

/// Who a session's person is and what they may do now; `None` where it is over.
///
/// # Errors
/// What kept the question from the provider.
pub(super) async fn check(context: &Context, user: &str, session: &str, used: bool) -> Result<Option<SignedIn>> {
    let asked = CheckSession {
        user_id: user.to_owned(),
        id: session.to_owned(),
        used,
    };
    let checked = context.rpc().call(&CHECK_SESSION, &asked, options(context)).await?;
    Ok(checked.person)
}

fn options(context: &Context) -> CallOptions {
    CallOptions {
        timeout: Some(PATIENCE),
        ..context.call_options()
    }
}
