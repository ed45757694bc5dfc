//! What a client needs to know to begin: the endpoints (OpenID Connect Discovery, RFC 8414) and the keys (RFC 7517).

use axum::http::StatusCode;
use axum::response::Response;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use serde_json::{Value, json};
use syscall_sdk::context::Context;
use syscall_sdk::http::{Failure, json as as_json};

use super::issuer;
use super::scope::STANDARD;
use super::signing;

pub(super) async fn configuration(context: Context) -> Response {
    let issuer = issuer::of(&context);
    let at = |path: &str| format!("{issuer}{path}");
    kept(&json!({
        "issuer": issuer,
        "authorization_endpoint": at("/oauth/authorize"),
        "token_endpoint": at("/oauth/token"),
        "jwks_uri": at("/.well-known/jwks.json"),
        "end_session_endpoint": at("/oauth/logout"),
        "revocation_endpoint": at("/oauth/revoke"),
        "introspection_endpoint": at("/oauth/introspect"),
        "scopes_supported": STANDARD,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        // Left out, the second would be read as supported (OpenID Connect Discovery 1.0, section 3).
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "claims_supported": ["iss", "sub", "sid", "aud", "exp", "iat", "auth_time", "amr", "nonce", "email", "email_verified", "name"],
    }))
}

pub(super) async fn keys(context: Context) -> Result<Response, Failure> {
    Ok(kept(&signing::published(&context).await?))
}

/// Kept by its reader for as long as an access token lives: half of what a key is known before it signs.
fn kept(body: &Value) -> Response {
    let mut response = as_json(StatusCode::OK, body);
    let age = format!("public, max-age={}", signing::TOKEN_LIFE.as_secs());
    if let Ok(age) = HeaderValue::try_from(age) {
        response.headers_mut().insert(CACHE_CONTROL, age);
    }
    response
}
