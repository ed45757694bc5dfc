//! What every page of core's has around it.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_SECURITY_POLICY, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Kind};
use syscall_sdk::http::Html as Page;
use syscall_sdk::http::pages::frame;
use syscall_sdk::pages::{Failure, Html, error_state};

/// A page that nobody frames: a click on it is a click of who sees it whole.
pub(crate) async fn page(context: &Context, title: &str, path: &str, content: impl Into<Html>) -> Response {
    page_leading_to(context, title, path, content, None).await
}

/// A page whose form may lead, by a redirect, to another origin: browsers hold a form to its page's policy all the way.
pub(crate) async fn page_leading_to(
    context: &Context,
    title: &str,
    path: &str,
    content: impl Into<Html>,
    origin: Option<String>,
) -> Response {
    let content = content.into();
    let page = frame(context, title).await.path(path).render(content);
    let mut response = Page(page).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy(origin.as_deref()));
    headers.insert(
        HeaderName::from_static("x-frame-options"),
        HeaderValue::from_static("DENY"),
    );
    response
}

fn policy(form_target: Option<&str>) -> HeaderValue {
    let base = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                frame-ancestors 'none'; base-uri 'none'; object-src 'none'; form-action 'self'";
    let text = match form_target {
        // An origin has neither spaces nor semicolons, so it adds itself and no more.
        Some(origin) => format!("{base} {origin}"),
        None => base.to_owned(),
    };
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// Leads to another page, which is then asked for with GET.
pub(crate) fn see_other(to: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(to) = HeaderValue::try_from(to) {
        response.headers_mut().insert(LOCATION, to);
    }
    response
}

/// The answer with cookies.
pub(crate) fn with_cookies(mut response: Response, cookies: impl IntoIterator<Item = HeaderValue>) -> Response {
    let headers: &mut HeaderMap = response.headers_mut();
    cookies.into_iter().for_each(|cookie| {
        headers.append(SET_COOKIE, cookie);
    });
    response
}

/// The answer with another status.
pub(crate) fn with_status(mut response: Response, status: StatusCode) -> Response {
    *response.status_mut() = status;
    response
}

/// A page, or a page that says why there is none.
pub(crate) async fn shown(context: &Context, page: Result<Response, Error>) -> Response {
    let error = match page {
        Ok(page) => return page,
        Err(error) => error,
    };
    let (status, whose) = match error.kind() {
        Kind::Invalid => (StatusCode::BAD_REQUEST, error.message()),
        Kind::Forbidden => (StatusCode::FORBIDDEN, error.message()),
        Kind::NotFound => (StatusCode::NOT_FOUND, error.message()),
        Kind::Conflict => (StatusCode::CONFLICT, error.message()),
        Kind::Overloaded | Kind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, error.message()),
        _ => {
            tracing::error!(error = %error.chain(), "a page failed");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                "A fault of core's; its log has the rest.",
            )
        }
    };
    let state = error_state(Failure {
        what: "This did not work.",
        whose,
        next: "Go back and try again.",
        retry: Some("/account"),
        trace: None,
    });
    let content = Html::trusted(format!(
        r#"<div class="page-head"><div><h1>Not done</h1></div></div>{state}"#
    ));
    let mut response = with_status(self::page(context, "Not done", "/account", content).await, status);
    if let Some(wait) = error.retry_after() {
        let seconds = HeaderValue::from(wait.as_secs() + 1);
        response.headers_mut().insert(http::header::RETRY_AFTER, seconds);
    }
    response
}
