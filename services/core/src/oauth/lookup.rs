//! Introspection (RFC 7662) and revocation (RFC 7009): whether a token is good, and an end to it.

use std::time::Duration;

use axum::extract::Form;
use axum::extract::rejection::FormRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use syscall_sdk::context::Context;
use syscall_sdk::error::Result as Outcome;
use syscall_sdk::name::Key;
use syscall_sdk::store::Condition;

use super::client_auth::{Said, authenticated};
use super::error::{Refusal, answer};
use super::families::{self, Family};
use super::tokens::{self, AccessClaims};
use crate::audit::{self, Decision};

const NAMESPACE: &str = "revoked";

/// What a client sends.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    token: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Revoked {}

pub(super) async fn introspect(
    context: Context,
    headers: HeaderMap,
    form: Result<Form<Request>, FormRejection>,
) -> Result<Response, Refusal> {
    let (client, token) = asked(&context, &headers, form).await?;
    // Who keeps no secret is anybody, and would learn of any token that they found.
    if !client.confidential {
        return Err(Refusal::Client(
            "only a client that keeps a secret may look tokens up".to_owned(),
        ));
    }
    let body = match families::of_token(&context, &token).await? {
        // Another client has no business with a refresh token.
        Some((family, kept)) if kept.client_id == client.id => json!({
            "active": true, "client_id": kept.client_id, "sub": family.user_id, "scope": kept.scope,
            "exp": kept.expires_at.0.timestamp(), "iss": super::issuer::of(&context),
        }),
        Some(_) => json!({ "active": false }),
        None => access(&context, &token).await?,
    };
    Ok(answer(StatusCode::OK, &body))
}

pub(super) async fn revoke(
    context: Context,
    headers: HeaderMap,
    form: Result<Form<Request>, FormRejection>,
) -> Result<Response, Refusal> {
    let (client, token) = asked(&context, &headers, form).await?;
    if let Some((family, kept)) = families::of_token(&context, &token).await? {
        if kept.client_id == client.id {
            families::revoke(&context, &family, "revoked").await?;
        }
    } else if let Some(claims) = tokens::read(&context, &token).await?
        && claims.client_id == client.id
    {
        forbid(&context, &claims).await?;
    }
    // A token that is good for nothing is as revoked as can be (RFC 7009, section 2.2).
    Ok(StatusCode::OK.into_response())
}

/// The client that asks, and the token of which it asks.
async fn asked(
    context: &Context,
    headers: &HeaderMap,
    form: Result<Form<Request>, FormRejection>,
) -> Result<(blackroad_os_contracts::core::Client, String), Refusal> {
    let Form(form) = form.map_err(|error| Refusal::request(error.body_text()))?;
    let said = Said {
        id: form.client_id.as_deref(),
        secret: form.client_secret.as_deref(),
    };
    let found = authenticated(context, headers, said).await?;
    let token = form.token.ok_or_else(|| Refusal::request("token is missing"))?;
    Ok((found.client, token))
}

async fn access(context: &Context, token: &str) -> Outcome<Value> {
    let Some(claims) = tokens::read(context, token).await? else {
        return Ok(json!({ "active": false }));
    };
    if is_forbidden(context, &claims).await? {
        return Ok(json!({ "active": false }));
    }
    Ok(json!({
        "active": true, "iss": claims.iss, "sub": claims.sub, "aud": claims.aud, "exp": claims.exp, "iat": claims.iat,
        "jti": claims.jti, "client_id": claims.client_id, "scope": claims.scope, "cap": claims.cap, "token_type": "Bearer",
    }))
}

/// Whether a token was revoked, or the family that it came with is no more.
async fn is_forbidden(context: &Context, claims: &AccessClaims) -> Outcome<bool> {
    let revoked = context.namespace(NAMESPACE)?;
    if Key::new(&claims.jti).is_ok() && revoked.entry(&claims.jti).await?.is_some() {
        return Ok(true);
    }
    let Some(id) = &claims.family else { return Ok(false) };
    let family = Family {
        user_id: claims.sub.clone(),
        id: id.clone(),
    };
    families::is_there(context, &family).await.map(|there| !there)
}

/// Revokes an access token for the rest of its life.
async fn forbid(context: &Context, claims: &AccessClaims) -> Outcome<()> {
    let revoked = context.namespace(NAMESPACE)?;
    let left = u64::try_from(claims.exp - context.clock().now().timestamp()).unwrap_or_default();
    let left = Duration::from_secs(left.max(1));
    let commit = context
        .batch()
        .put_for(&revoked, &claims.jti, &Revoked {}, Condition::Any, left);
    let decision = Decision::allowed("token.revoke", format!("token/{}", claims.jti));
    audit::commit(commit, decision.by(format!("client/{}", claims.client_id))).await
}
