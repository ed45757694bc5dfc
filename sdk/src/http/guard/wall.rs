//! What is said to who sent no request.

use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::headers::refuse;
use crate::error::Error;
use crate::transport::Refusal;

/// The answer in the place of a request that a connection's wall turned away.
pub fn turn_away(refusal: Refusal) -> Response {
    let error = Error::invalid(refusal.to_string()).with_code(refusal.code());
    // Nothing of its head is believed, not even its id.
    let mut response = refuse(&HeaderMap::new(), &error);
    *response.status_mut() = match refusal {
        Refusal::TargetTooLong => StatusCode::URI_TOO_LONG,
        Refusal::TooManyFields | Refusal::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        Refusal::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        Refusal::Late => StatusCode::REQUEST_TIMEOUT,
        Refusal::Malformed
        | Refusal::LineEnd
        | Refusal::Host
        | Refusal::OtherHost
        | Refusal::Framing
        | Refusal::Body
        | Refusal::Target
        | Refusal::Credential
        | Refusal::Connect => StatusCode::BAD_REQUEST,
    };
    response
}
