use axum::response::Response;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap};
use http::{HeaderValue, StatusCode};

use crate::error::Error;
use crate::http::failure;

/// Refuses a body that is compressed: a kilobyte may be a gigabyte then, and bodies are small here anyway (RFC 9110, section 12.5.3, says
/// how a client learns of it).
pub(super) fn refuse_encoding(headers: &HeaderMap) -> Option<Response> {
    let plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if headers.get_all(CONTENT_ENCODING).iter().all(plain) {
        return None;
    }
    let error =
        Error::invalid("bodies are taken as they are; send it without Content-Encoding").with_code("CONTENT_ENCODING");
    let mut response = failure(&error);
    *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    response
        .headers_mut()
        .insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Some(response)
}
