//! Signing in by way of another OpenID provider: code, PKCE, state bound to the browser, nonce, pinned algorithms.

pub(crate) mod access;
mod accounts;
mod id_token;
mod provider;

use std::time::Duration;

use axum::response::Response;
use http::HeaderMap;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use syscall_sdk::auth::Access;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Kind, Result};
use syscall_sdk::http::Query;
use syscall_sdk::service::{Route, Routes};
use syscall_sdk::store::Condition;

use crate::oauth::issuer;
use crate::pages::{Cookie, passed, see_other, shown, way_back_of, with_cookies};
use crate::token;
use accounts::NAMESPACE;
use provider::{Metadata, Provider};

/// How long someone may take at the provider.
const LIFE: Duration = Duration::from_secs(10 * 60);

/// A sign-in on its way.
#[derive(Debug, Serialize, Deserialize)]
struct Journey {
    nonce: String,
    verifier: String,
    way_back: String,
    /// The hash of the cookie of the browser that began it.
    browser: String,
}

#[derive(Debug, Deserialize)]
struct Begin {
    #[serde(rename = "return")]
    way_back: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Back {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
}

/// The provider's name for the sign-in page, where one is configured.
pub(crate) fn name(context: &Context) -> Option<String> {
    Provider::of(context).map(|provider| provider.name())
}

pub(crate) fn routes() -> Routes {
    Routes::new()
        .with(
            Route::get("/login/outside", Access::Public, begin)
                .says("Leads to the other provider by which people may sign in.")
                .query("return", "string", "The path to which they go then.")
                .gives_media(303, "To the provider.", "")
                .gives_media(404, "No other provider is configured.", "text/html"),
        )
        .with(
            Route::get("/login/outside/callback", Access::Public, back)
                .says("Where the other provider sends people back to.")
                .query("code", "string", "The provider's code.")
                .query("state", "string", "As it was given.")
                .query("iss", "string", "Which provider says so (RFC 9207).")
                .gives_media(303, "On, signed in.", "")
                .gives_media(404, "No other provider is configured.", "text/html")
                .gives_media(
                    403,
                    "Nobody here has that account, or the sign-in began elsewhere.",
                    "text/html",
                ),
        )
}

async fn begin(context: Context, Query(asked): Query<Begin>) -> Response {
    let page = async {
        let provider = Provider::of(&context).ok_or_else(unknown)?;
        let metadata = provider.metadata(&context).await?;
        let (state, browser) = (token::secret()?, token::secret()?);
        let journey = Journey {
            nonce: token::secret()?,
            verifier: token::secret()?,
            way_back: way_back_of(asked.way_back.as_deref()),
            browser: token::hashed(&browser),
        };
        let journeys = context.namespace(NAMESPACE)?;
        let commit = context.batch();
        commit
            .put_for(&journeys, &key(&state), &journey, Condition::Absent, LIFE)
            .commit()
            .await?;
        let to = leading_to(&context, &provider, &metadata, &journey, &state)?;
        Ok(with_cookies(
            see_other(&to),
            [Cookie::Outside.set(&context, &browser, LIFE)],
        ))
    };
    shown(&context, Box::pin(page).await).await
}

async fn back(context: Context, headers: HeaderMap, Query(said): Query<Back>) -> Response {
    let page = async {
        let provider = Provider::of(&context).ok_or_else(unknown)?;
        let journey = taken(&context, &headers, &said)
            .await?
            .ok_or_else(|| refused("This sign-in is over, or began in another browser."))?;
        if said
            .iss
            .as_deref()
            .is_some_and(|iss| iss.trim_end_matches('/') != provider.issuer)
        {
            return Err(refused("Another provider than the one that was asked has answered."));
        }
        let code = said.code.ok_or_else(|| refused("The provider did not sign you in."))?;
        let metadata = provider.metadata(&context).await?;
        let callback = callback(&context);
        let token = provider
            .exchange(&context, &metadata, &code, &journey.verifier, &callback)
            .await?;
        let keys = provider.keys(&context, &metadata).await?;
        let claims = id_token::verify(&token, &keys, &provider.issuer, &provider.client_id, &journey.nonce);
        let claims = claims.ok_or_else(|| refused("What the provider says cannot be believed."))?;
        let Some(user) = accounts::of(&context, &provider.issuer, &claims).await? else {
            context.refused("login", "user/unknown", "NO_ACCOUNT");
            return Err(refused(
                "Nobody here has that account. An administrator makes one, with the same e-mail address.",
            ));
        };
        let response = passed(&context, &headers, &user, &["fed"], &journey.way_back).await?;
        Ok(with_cookies(response, [Cookie::Outside.clear(&context)]))
    };
    shown(&context, Box::pin(page).await).await
}

/// The journey that an answer ends, once, in the browser in which it began.
async fn taken(context: &Context, headers: &HeaderMap, said: &Back) -> Result<Option<Journey>> {
    let (Some(state), Some(browser)) = (&said.state, Cookie::Outside.read(context, headers)) else {
        return Ok(None);
    };
    let journeys = context.namespace(NAMESPACE)?;
    let Some(journey) = journeys.get::<Journey>(&key(state)).await? else {
        return Ok(None);
    };
    if !token::same(&journey.browser, &token::hashed(&browser)) {
        return Ok(None);
    }
    // Of two answers at once one is first.
    let first = journeys.delete(&key(state), Condition::Present).await;
    Ok(first.is_ok().then_some(journey))
}

fn leading_to(
    context: &Context,
    provider: &Provider,
    metadata: &Metadata,
    journey: &Journey,
    state: &str,
) -> Result<String> {
    let mut url = Url::parse(&metadata.authorization_endpoint)
        .map_err(|error| provider::failed("the provider names an endpoint that is no URL").with_source(error))?;
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &provider.client_id)
        .append_pair("redirect_uri", &callback(context))
        .append_pair("scope", "openid email profile")
        .append_pair("state", state)
        .append_pair("nonce", &journey.nonce)
        .append_pair("code_challenge", &token::hashed(&journey.verifier))
        .append_pair("code_challenge_method", "S256");
    Ok(url.to_string())
}

fn callback(context: &Context) -> String {
    format!("{}/login/outside/callback", issuer::of(context))
}

fn key(state: &str) -> String {
    format!("journey/{}", token::hashed(state))
}

fn unknown() -> Error {
    Error::new(
        Kind::NotFound,
        "No other provider is configured: OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET name one.",
    )
}

fn refused(why: &str) -> Error {
    Error::new(Kind::Forbidden, why).with_code("OUTSIDE_REFUSED")
}
