//! How a peer's answer is read back into an error.

use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::classify::retry_after;
use super::header;
use crate::error::{Error, Kind, Origin};
use crate::wire::Json;

/// What a status means to a caller: the client's reading of the contract's table.
pub fn kind_of(status: StatusCode) -> Kind {
    match status.as_u16() {
        400 => Kind::Invalid,
        401 => Kind::Unauthenticated,
        403 => Kind::Forbidden,
        404 => Kind::NotFound,
        405 => Kind::MethodNotAllowed,
        409 => Kind::Conflict,
        412 => Kind::PreconditionFailed,
        413 => Kind::TooLarge,
        421 => Kind::Misdirected,
        422 => Kind::Unprocessable,
        429 => Kind::RateLimited,
        502 => Kind::BadGateway,
        503 => Kind::Unavailable,
        504 => Kind::DeadlineExceeded,
        other if other < 500 => Kind::Invalid,
        _ => Kind::Internal,
    }
}

#[derive(Deserialize)]
struct Body {
    error: Detail,
}

#[derive(Deserialize)]
struct Detail {
    code: String,
    message: String,
    details: Option<Json>,
}

/// Whether a body is an answer of the contract: one with a result, or with an error that has a code and a message. Anything else came from
/// something between, such as an edge, or from a program that is no service of the fleet, and is not passed on as if it were the callee's.
pub(super) fn is_of_contract(status: StatusCode, body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Answered {
        #[serde(rename = "result")]
        _result: IgnoredAny,
    }
    #[derive(Deserialize)]
    struct Refused {
        #[serde(rename = "error")]
        _error: Why,
    }
    #[derive(Deserialize)]
    struct Why {
        #[serde(rename = "code")]
        _code: IgnoredAny,
        #[serde(rename = "message")]
        _message: IgnoredAny,
    }
    if status.is_success() {
        serde_json::from_slice::<Answered>(body).is_ok()
    } else {
        serde_json::from_slice::<Refused>(body).is_ok()
    }
}

/// The error that a peer answered; its body where it has the contract's shape, else what the status says.
pub(crate) fn error_of(service: &str, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    let from_handler = headers
        .get(header::ORIGIN)
        .is_some_and(|origin| origin == Origin::Handler.as_str());
    let mut error = match serde_json::from_slice::<Body>(body) {
        Ok(Body { error }) => {
            let kind = match (kind_of(status), error.code.as_str()) {
                (Kind::Unavailable, "OVERLOADED") => Kind::Overloaded,
                (kind, _) => kind,
            };
            let read = Error::new(kind, error.message).with_code(error.code);
            match error.details {
                Some(details) => read.with_details(details.value()),
                None => read,
            }
        }
        Err(_) => Error::new(
            kind_of(status),
            format!("{service} answered {status} without saying why"),
        ),
    };
    if let Some(wait) = retry_after(headers) {
        error = error.with_retry_after(wait);
    }
    // What is refused there is on the record there.
    error = error.off_record();
    if from_handler {
        error.with_origin(Origin::Handler)
    } else {
        error
    }
}
