//! Refusals in the shape that OAuth clients read (RFC 6749, section 5.2).

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue};
use serde_json::json;
use syscall_sdk::error::Error;
use syscall_sdk::http::failure;

/// Why a client gets no token.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The request is wrong, or what it shows is good for nothing.
    Wrong(&'static str, String),
    /// The client did not show who it is.
    Client(String),
    /// Something of ours.
    Ours(Error),
}

impl Refusal {
    /// A parameter is missing, doubled or malformed.
    pub(super) fn request(why: impl Into<String>) -> Self {
        Refusal::Wrong("invalid_request", why.into())
    }

    /// The code or refresh token is good for nothing; which of the reasons it is tells nobody.
    pub(super) fn grant() -> Self {
        Refusal::Wrong(
            "invalid_grant",
            "the code or token is unknown, over, spent, or another client's".to_owned(),
        )
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal::Ours(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, why) = match self {
            Refusal::Wrong(code, why) => (StatusCode::BAD_REQUEST, code, why),
            Refusal::Client(why) => (StatusCode::UNAUTHORIZED, "invalid_client", why),
            Refusal::Ours(error) => return failure(&error),
        };
        let mut response = answer(status, &json!({ "error": code, "error_description": why }));
        if status == StatusCode::UNAUTHORIZED {
            let basic = HeaderValue::from_static("Basic realm=\"core\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, basic);
        }
        response
    }
}

/// JSON that nobody keeps.
pub(super) fn answer(status: StatusCode, body: &serde_json::Value) -> Response {
    let mut response = syscall_sdk::http::json(status, body);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("pragma"), HeaderValue::from_static("no-cache"));
    response
}
