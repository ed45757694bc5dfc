//! The token endpoint (RFC 6749, section 3.2): a code, a refresh token or a client's own secret for an access token.

use axum::extract::Form;
use axum::extract::rejection::FormRejection;
use axum::http::StatusCode;
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use syscall_sdk::context::Context;

use super::client_auth::{Said, authenticated};
use super::clients::Found;
use super::codes::{self, Shown, is_pkce};
use super::error::{Refusal, answer};
use super::families;
use super::scope;
use super::tokens::{self, Grant, IdClaims};
use crate::audit::{self, Decision};
use crate::users;

/// What a client sends. A parameter that comes twice is refused when this is read.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    grant_type: Option<String>,
    code: Option<String>,
    redirect_uri: Option<String>,
    code_verifier: Option<String>,
    refresh_token: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

pub(super) async fn token(
    context: Context,
    headers: HeaderMap,
    form: Result<Form<Request>, FormRejection>,
) -> Result<Response, Refusal> {
    let Form(form) = form.map_err(|error| Refusal::request(error.body_text()))?;
    let said = Said {
        id: form.client_id.as_deref(),
        secret: form.client_secret.as_deref(),
    };
    let client = authenticated(&context, &headers, said).await?;
    let body = match form.grant_type.as_deref() {
        Some("authorization_code") => by_code(&context, &client, &form).await?,
        Some("refresh_token") => by_refresh(&context, &client, &form).await?,
        Some("client_credentials") => by_credentials(&context, &client).await?,
        Some(_) => {
            return Err(Refusal::Wrong(
                "unsupported_grant_type",
                "there are authorization_code, refresh_token and client_credentials".to_owned(),
            ));
        }
        None => return Err(Refusal::request("grant_type is missing")),
    };
    let target = format!("client/{}", client.client.id);
    audit::note(&context, Decision::allowed("token.issue", &target).by(&target)).await?;
    Ok(answer(StatusCode::OK, &body))
}

async fn by_code(context: &Context, client: &Found, form: &Request) -> Result<Value, Refusal> {
    let (Some(code), Some(redirect_uri), Some(verifier)) = (&form.code, &form.redirect_uri, &form.code_verifier) else {
        return Err(Refusal::request("code, redirect_uri and code_verifier are needed"));
    };
    if !is_pkce(verifier) {
        return Err(Refusal::request(
            "code_verifier is 43 to 128 letters, digits, - . _ and ~",
        ));
    }
    let shown = Shown {
        code,
        client_id: &client.client.id,
        redirect_uri,
        verifier,
    };
    let (consent, issued) = codes::redeem(context, shown).await?.ok_or_else(Refusal::grant)?;
    let user = users::by_id(context, &consent.user_id)
        .await?
        .ok_or_else(Refusal::grant)?;
    let first_party = client.client.first_party;
    let granted = scope::grantable(context, &user.id, &consent.scope).await?;
    let family = issued.as_ref().map(|issued| issued.family.id.clone());
    let grant = Grant {
        subject: &user.id,
        client: &client.client.id,
        scope: &granted,
        rights: scope::rights(context, &user.id, &consent.scope, first_party).await?,
        family,
    };
    let mut body = bearer(&tokens::access(context, grant).await?, &granted);
    if let Some(issued) = issued {
        body["refresh_token"] = issued.token.into();
    }
    if scope::has(&consent.scope, "openid") {
        let now = context.clock().now().timestamp();
        let claims = IdClaims {
            iss: consent.issuer.clone(),
            sub: &user.id,
            sid: &consent.session_id,
            aud: &client.client.id,
            exp: now + tokens::life(),
            iat: now,
            auth_time: consent.signed_in_at,
            amr: &consent.methods,
            nonce: consent.nonce.as_deref(),
            email: scope::has(&consent.scope, "email").then_some(user.email.as_str()),
            email_verified: scope::has(&consent.scope, "email").then_some(true),
            name: scope::has(&consent.scope, "profile").then_some(user.name.as_str()),
        };
        body["id_token"] = tokens::id(context, &claims).await?.into();
    }
    Ok(body)
}

async fn by_refresh(context: &Context, client: &Found, form: &Request) -> Result<Value, Refusal> {
    let token = form
        .refresh_token
        .as_deref()
        .ok_or_else(|| Refusal::request("refresh_token is missing"))?;
    let rotated = families::rotate(context, token, &client.client.id).await?;
    let (family, kept, next) = rotated.ok_or_else(Refusal::grant)?;
    // What the user bears now, not what they bore when they signed in.
    let scope = scope::grantable(context, &family.user_id, &kept.scope).await?;
    let grant = Grant {
        subject: &family.user_id,
        client: &client.client.id,
        scope: &scope,
        rights: scope::rights(context, &family.user_id, &kept.scope, client.client.first_party).await?,
        family: Some(family.id.clone()),
    };
    let mut body = bearer(&tokens::access(context, grant).await?, &scope);
    body["refresh_token"] = next.into();
    Ok(body)
}

async fn by_credentials(context: &Context, client: &Found) -> Result<Value, Refusal> {
    let client = &client.client;
    if !client.confidential {
        return Err(Refusal::Wrong(
            "unauthorized_client",
            "a client that keeps no secret cannot speak for itself".to_owned(),
        ));
    }
    let grant = Grant {
        subject: &client.id,
        client: &client.id,
        scope: "",
        rights: client.rights.clone(),
        family: None,
    };
    Ok(bearer(&tokens::access(context, grant).await?, ""))
}

fn bearer(token: &str, scope: &str) -> Value {
    json!({ "access_token": token, "token_type": "Bearer", "expires_in": tokens::life(), "scope": scope })
}
