//! The one list of what a service with pages answers about signing in.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;

use super::attempt::Attempt;
use super::cookie::Cookie;
use super::{form, page, provider, session, way, with_query};
use crate::auth::{Access, opaque};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::http::extract::{Body, Query};
use crate::service::{Route, Routes};

/// How long a sign-in may be on its way: a person looks for a password and for a second factor.
const ATTEMPT_LIFE: Duration = Duration::from_secs(30 * 60);

pub(in crate::http) fn routes() -> Routes {
    let led = "To the sign-in page, or to where the person wants to go.";
    Routes::new()
        .with(
            Route::get("/auth/login", Access::Public, login)
                .says("Leads to the fleet's sign-in page and back.")
                .query("to", "string", "The path to which the person goes then.")
                .gives_media(303, led, "")
                .gives_media(401, "Within a frame nobody can sign in.", "text/html"),
        )
        .with(
            Route::get("/auth/callback", Access::Public, callback)
                .says("Where the sign-in page sends people back.")
                .query("code", "string", "What is exchanged for who they are.")
                .query("state", "string", "What this service gave along.")
                .query("iss", "string", "Who sends them (RFC 9207).")
                .query("error", "string", "Why there is no code.")
                .page()
                .gives_media(303, led, "")
                .gives_media(400, "This browser began no such sign-in.", "text/html")
                .gives_media(401, "Nobody has signed in.", "text/html")
                .gives_media(403, "The code or the id token was not good.", "text/html")
                .gives_media(503, "The sign-in service could not be asked.", "text/html"),
        )
        .with(
            Route::post("/auth/logout", Access::Public, logout)
                .says("Signs out, here and at the sign-in service.")
                .gives_media(
                    303,
                    "To the sign-in service, which ends its session and leads back.",
                    "",
                )
                .gives_media(403, "No page of this service sent it.", "text/html"),
        )
        .with(
            Route::get("/auth/out", Access::Public, out)
                .says("What is shown after signing out.")
                .page(),
        )
}

#[derive(Debug, Deserialize)]
struct Wanted {
    to: Option<String>,
}

async fn login(context: Context, headers: HeaderMap, Query(Wanted { to }): Query<Wanted>) -> Response {
    let to = way::of(to.as_deref());
    if context.kernel().gate.is_open() {
        return see_other(&to);
    }
    match begin(&context, &headers, &to) {
        Ok(response) => response,
        Err(error) => page::refusal(&context, &error, &to).await,
    }
}

fn begin(context: &Context, headers: &HeaderMap, to: &str) -> Result<Response> {
    let kernel = context.kernel();
    // Kept where there is one: the attempts of a browser's other pages go on.
    let known = Cookie::Attempt
        .read(kernel, headers)
        .filter(|secret| opaque::is_secret(secret));
    let browser = known.map_or_else(opaque::secret, Ok)?;
    let attempt = Attempt::new(&browser, to)?;
    let mut response = see_other(&provider::authorize_url(context, &attempt, page::is_framed(headers)));
    let cookie = Cookie::Attempt.set(kernel, &browser, ATTEMPT_LIFE);
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}

/// Leads a browser in which nobody is signed in to where one does, and then to the path that it asked for.
pub(in crate::http) fn lead_to_sign_in(to: &str) -> Response {
    see_other(&with_query("/auth/login", &[("to", &way::of(Some(to)))]))
}

#[derive(Debug, Deserialize)]
struct Returned {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

async fn callback(context: Context, headers: HeaderMap, Query(returned): Query<Returned>) -> Response {
    let browser = Cookie::Attempt.read(context.kernel(), &headers);
    let begun = browser
        .zip(returned.state.as_deref())
        .and_then(|(browser, state)| Attempt::returned(&browser, state));
    let Some(attempt) = begun else {
        if page::is_framed(&headers) {
            return page::in_a_tab(&context, "/").await;
        }
        let error = Error::invalid(
            "this sign-in was begun in another browser, or longer than half an hour ago; nobody was signed in by it",
        );
        return page::refusal(&context, &error.with_code("SIGN_IN_UNKNOWN"), "/").await;
    };
    match Box::pin(finish(&context, &headers, &returned, &attempt)).await {
        Ok(response) => response,
        Err(_) if page::is_framed(&headers) => page::in_a_tab(&context, &attempt.to).await,
        Err(error) => page::refusal(&context, &error, &attempt.to).await,
    }
}

async fn finish(context: &Context, headers: &HeaderMap, returned: &Returned, attempt: &Attempt) -> Result<Response> {
    // Another provider could have been made to send its code here (RFC 9207).
    if returned.iss.as_deref() != Some(provider::issuer(context).as_str()) {
        return Err(refused("another provider than this fleet's sent this browser here"));
    }
    let code = match (&returned.code, &returned.error) {
        (Some(code), None) => code,
        (_, Some(error)) if error == "access_denied" => return Err(refused("signing in was declined")),
        (_, Some(error)) if error == "login_required" => return Err(refused("nobody is signed in")),
        _ => return Err(refused("the sign-in service sent no code; its log has the rest")),
    };
    let (id_token, read) = Box::pin(provider::exchange(context, code, attempt)).await?;
    let begun = session::begin(context, headers, id_token, read).await?;
    let mut response = see_other(&attempt.to);
    let cookie = Cookie::Session.set(context.kernel(), &begun.token, begun.life);
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}

async fn logout(context: Context, headers: HeaderMap, Body(body): Body) -> Response {
    match Box::pin(end(&context, &headers, &body)).await {
        Ok(response) => response,
        Err(error) => page::refusal(&context, &error, "/").await,
    }
}

async fn end(context: &Context, headers: &HeaderMap, body: &[u8]) -> Result<Response> {
    let kernel = context.kernel();
    let mut response = match session::token_of(context, headers) {
        None => see_other("/auth/out"),
        Some(secret) => {
            form::check_origin(kernel, headers)?;
            form::check_token(form::in_form(body).map(str::as_bytes), &form::token(&secret))?;
            match session::end(context, headers).await? {
                // Here it is over, whatever becomes of the rest.
                Some(id_token) => see_other(&provider::end_session_url(context, &id_token)),
                None => see_other("/auth/out"),
            }
        }
    };
    let cleared = [Cookie::Session, Cookie::Attempt].map(|cookie| cookie.clear(kernel));
    for cookie in cleared {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

async fn out(context: Context) -> Response {
    page::out(&context).await
}

fn refused(why: &str) -> Error {
    Error::new(Kind::Forbidden, why).with_code("SIGN_IN_REFUSED")
}

/// Leads to another page; nobody keeps that it did.
fn see_other(to: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(to) = HeaderValue::try_from(to) {
        headers.insert(LOCATION, to);
    }
    response
}
