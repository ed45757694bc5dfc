//! What a browser is shown where it is not let in.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::with_query;
use crate::context::Context;
use crate::contract::person::PROVIDER;
use crate::error::{Error, Kind};
use crate::http::pages::{frame, service_url};
use crate::http::respond::Html as Page;
use crate::pages::{Failure, Html, Tone, error_state, notice};

/// Whether a person follows a link, or sends a form without a script; a script of a page asks for JSON first.
pub(in crate::http) fn is_navigation(request: &Request) -> bool {
    let path = request.uri().path();
    let accepts = request.headers().get(ACCEPT).map(HeaderValue::as_bytes);
    !path.starts_with("/v1/")
        && !path.starts_with("/_")
        && accepts.is_some_and(|accept| accept.starts_with(b"text/html"))
}

/// Whether the page is to stand in a frame of another.
pub(super) fn is_framed(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-dest")
        .is_some_and(|dest| dest == "iframe" || dest == "frame")
}

/// Why a person is not let in, as a page.
pub(in crate::http) async fn refusal(context: &Context, error: &Error, to: &str) -> Response {
    let person = context.person();
    let (title, status) = match error.kind() {
        Kind::Unauthenticated => ("Not signed in", StatusCode::UNAUTHORIZED),
        Kind::Forbidden => ("Not allowed", StatusCode::FORBIDDEN),
        Kind::Invalid => ("Not done", StatusCode::BAD_REQUEST),
        Kind::TooLarge => ("Not done", StatusCode::PAYLOAD_TOO_LARGE),
        Kind::Unavailable | Kind::Overloaded => ("Not now", StatusCode::SERVICE_UNAVAILABLE),
        Kind::BadGateway => ("Not now", StatusCode::BAD_GATEWAY),
        Kind::DeadlineExceeded => ("Not now", StatusCode::GATEWAY_TIMEOUT),
        _ => {
            tracing::error!(error = %error.chain(), "a person could not be let in");
            ("Not done", StatusCode::INTERNAL_SERVER_ERROR)
        }
    };
    let right = error
        .details()
        .and_then(|details| details["right"].as_str().map(str::to_owned));
    let is_of_signing_in = error.code().starts_with("SIGN_IN_") || error.code() == "ID_TOKEN_INVALID";
    let title = if is_of_signing_in { "Not signed in" } else { title };
    let (what, whose, next) = match (error.kind(), person, right) {
        _ if is_of_signing_in => (
            "Nobody was signed in.".to_owned(),
            sentence(error.message()),
            "Sign in again; it takes a moment where you have just done so.",
        ),
        (Kind::Forbidden, Some(person), Some(right)) => (
            format!("You are signed in as {}, who may not see this.", person.name),
            format!("It needs the right `{right}`, which none of your roles gives."),
            "Ask an administrator for a role that has it; it holds within a minute.",
        ),
        (Kind::Unauthenticated, ..) => (
            "You are not signed in.".to_owned(),
            "The session is over, or was ended. Nothing was changed.".to_owned(),
            "Sign in, and do it again.",
        ),
        (Kind::Internal, ..) => (
            "This did not work.".to_owned(),
            "A fault of this service's; its log has the rest.".to_owned(),
            "Try again in a moment.",
        ),
        _ => (
            "This did not work.".to_owned(),
            sentence(error.message()),
            "Try again; nothing was changed.",
        ),
    };
    let state = error_state(Failure {
        what: &what,
        whose: &whose,
        next,
        retry: person.is_some().then_some(to),
        trace: None,
    });
    let tools = match person {
        None => sign_in_link(to, "_self"),
        Some(_) => Html::trusted(String::new()),
    };
    let mut response = shown(context, title, state, tools, status).await;
    if let Some(wait) = error.retry_after() {
        let seconds = HeaderValue::from(wait.as_secs() + 1);
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

/// The words of an error as a sentence.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    format!("{}{}.", first.collect::<String>(), letters.as_str())
}

/// In a frame nobody can sign in: the sign-in page lets itself be framed by nobody.
pub(super) async fn in_a_tab(context: &Context, to: &str) -> Response {
    let said = notice(
        Tone::Info,
        &Html::text(
            "You are not signed in here, and sign-in pages are not shown in a window of another page. Sign in in a tab of its own.",
        ),
    );
    shown(
        context,
        "Not signed in",
        said,
        sign_in_link(to, "_blank"),
        StatusCode::UNAUTHORIZED,
    )
    .await
}

/// After one has signed out.
pub(super) async fn out(context: &Context) -> Response {
    let said = Html::trusted(format!(
        "<p>You are signed out here and at <a href=\"{}\">{PROVIDER}</a>. Pages of other services notice within a minute.</p>",
        Html::text(service_url(context, PROVIDER))
    ));
    shown(context, "Signed out", said, sign_in_link("/", "_self"), StatusCode::OK).await
}

fn sign_in_link(to: &str, target: &str) -> Html {
    let href = with_query("/auth/login", &[("to", to)]);
    Html::trusted(format!(
        "<p><a class=\"button is-first\" href=\"{}\" target=\"{target}\">Sign in</a></p>",
        Html::text(href)
    ))
}

async fn shown(context: &Context, title: &str, said: Html, tools: Html, status: StatusCode) -> Response {
    let content = Html::trusted(format!(
        "<div class=\"page-head\"><div><h1>{title}</h1></div></div><div class=\"stack\">{said}{tools}</div>"
    ));
    let page = frame(context, title).await.render(content);
    (status, Page(page)).into_response()
}
