//! The one place that turns an error into a status and a body, and the shapes of what goes right.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bytes::{BufMut, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::error::{Error, Kind, Origin};
use crate::rpc::header;
use crate::wire::{ErrorBody, ErrorDetail, Json};

/// The status of a kind. Chosen by who must act on it: 4xx the caller, 5xx us.
const fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Misdirected => StatusCode::MISDIRECTED_REQUEST,
        Kind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Kind::Overloaded | Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::BadGateway => StatusCode::BAD_GATEWAY,
        Kind::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The status of an error. Of a handler's own errors the contract tells four kinds apart; whatever else went wrong in it is a 500.
fn status_of(error: &Error) -> StatusCode {
    match (error.origin(), error.kind()) {
        (Origin::Handler, kind @ (Kind::Invalid | Kind::Forbidden | Kind::NotFound | Kind::Conflict)) => status(kind),
        (Origin::Handler, _) => StatusCode::INTERNAL_SERVER_ERROR,
        (Origin::Kernel, kind) => status(kind),
    }
}

/// Why a syscall or a route did not do what it was asked; made from any [`Error`] by `?`.
#[derive(Debug)]
pub struct Failure(pub Error);

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        failure(&self.0)
    }
}

/// On an answer, as an extension: it was given before any work, by this service and not by a peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused;

/// On an answer, as an extension: it was given because who asked may not, as the handler found.
#[derive(Clone, Debug)]
pub(super) struct Forbidden {
    /// The code of the refusal.
    pub(super) code: String,
    /// What was refused, where that is known better than by the route: the right that is missing, or the method that was called.
    pub(super) target: Option<String>,
}

impl Forbidden {
    fn of(error: &Error) -> Option<Self> {
        let right = || Some(error.details()?.get("right")?.as_str()?.to_owned());
        (error.kind() == Kind::Forbidden && !error.is_off_record()).then(|| Forbidden {
            code: error.code().to_owned(),
            target: right(),
        })
    }
}

/// What is said of an error, public text alone, and its status. What a 500 hides is logged here, once.
pub(super) fn body_of(error: &Error) -> (StatusCode, ErrorBody) {
    let status = status_of(error);
    let internal = error.kind() == Kind::Internal && error.origin() == Origin::Kernel;
    // A refusal is counted; a line for each would be work that the refusal is to spare.
    if status.is_server_error() && !error.is_unprocessed() {
        tracing::error!(error = %error.chain(), status = status.as_u16(), "a request failed");
    }
    let detail = ErrorDetail {
        code: error.code().to_owned(),
        message: if internal {
            "an internal error; the service's log has the rest under this request's trace".to_owned()
        } else {
            error.message().to_owned()
        },
        details: error.details().map(|details| Json::from(details.clone())),
    };
    (status, ErrorBody { error: detail })
}

/// The answer to an error.
pub fn failure(error: &Error) -> Response {
    let (status, body) = body_of(error);
    let mut refused = false;
    let mut response = json(status, &body);
    let headers = response.headers_mut();
    headers.insert(header::ORIGIN, HeaderValue::from_static(error.origin().as_str()));
    if error.is_unprocessed() && error.origin() == Origin::Kernel {
        headers.insert(header::UNPROCESSED, HeaderValue::from_static("1"));
        refused = true;
    }
    let wait = match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Some(error.retry_after().unwrap_or(Duration::from_secs(1)))
        }
        _ => error.retry_after(),
    };
    if let Some(wait) = wait {
        // Rounded up: a client that waits as told must not come too early.
        let seconds = wait.as_millis().div_ceil(1_000).max(1) as u64;
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        // RFC 6750, section 3.1: an error where a token was shown, nothing where none was.
        let challenge = if error.code().starts_with("TOKEN_") {
            "Bearer error=\"invalid_token\""
        } else {
            "Bearer"
        };
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    if refused {
        response.extensions_mut().insert(Refused);
    }
    if let Some(forbidden) = Forbidden::of(error) {
        response.extensions_mut().insert(forbidden);
    }
    response
}

/// The answer to an error of a method, by whose name a refusal goes on the record.
pub(super) fn failure_of(service: &str, method: &str, error: &Error) -> Response {
    let mut response = failure(error);
    if let Some(forbidden) = response.extensions_mut().get_mut::<Forbidden>() {
        forbidden
            .target
            .get_or_insert_with(|| format!("rpc {service} {method}"));
    }
    response
}

/// A JSON answer.
pub fn json<T: Serialize + ?Sized>(status: StatusCode, body: &T) -> Response {
    // Most answers fit, and one that does not grows.
    let mut text = BytesMut::with_capacity(512).writer();
    match serde_json::to_writer(&mut text, body) {
        Ok(()) => {
            let headers = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
            (status, headers, text.into_inner().freeze()).into_response()
        }
        Err(error) => failure(&Error::internal("an answer has no JSON form").with_source(error)),
    }
}

/// A page.
#[derive(Debug)]
pub struct Html(pub String);

impl IntoResponse for Html {
    fn into_response(self) -> Response {
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
            // A page shows what is now.
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        (headers, self.0).into_response()
    }
}
