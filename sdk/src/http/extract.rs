//! What comes in, read with the contract's leniency and refused in the contract's shape.

use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use bytes::Bytes;
use http::header::EXPECT;
use http::request::Parts;
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::respond::Failure;
use crate::context::{Context, RequestInfo};
use crate::error::{Error, Kind, Result};
use crate::policy::{BODY_MAX_BYTES, REQUEST_TIMEOUT};
use crate::wire::{TooMuch, check_bounds};

/// How much of a body that is too large is still read: enough for what is too large by mistake, too little to keep a service busy.
const PASSED_OVER_MAX_BYTES: usize = 8 * BODY_MAX_BYTES;

/// A JSON body of whatever content type.
#[derive(Clone, Copy, Debug)]
pub struct Payload<T>(pub T);

/// A body as it came, at most 1 MiB.
#[derive(Clone, Debug)]
pub struct Body(pub Bytes);

/// A query string. Unknown parameters are passed over; blank ones are as absent.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

/// The one parameter of a path.
#[derive(Clone, Debug)]
pub struct Path(pub String);

impl<T: DeserializeOwned> FromRequest<Context> for Payload<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, context: &Context) -> Result<Self, Failure> {
        let Body(bytes) = Body::from_request(request, context).await?;
        Ok(Payload(parse(&bytes)?))
    }
}

impl FromRequest<Context> for Body {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &Context) -> Result<Self, Failure> {
        let too_large = || {
            Failure(Error::new(
                Kind::TooLarge,
                format!("a body is at most {BODY_MAX_BYTES} bytes; put larger things elsewhere and send their URL"),
            ))
        };
        let waits = request.headers().contains_key(EXPECT);
        if waits && request.body().size_hint().lower() > BODY_MAX_BYTES as u64 {
            // The sender asks before it sends; it has the answer before the first byte.
            return Err(too_large());
        }
        let mut body = request.into_body();
        let read = timeout(REQUEST_TIMEOUT, Limited::new(&mut body, BODY_MAX_BYTES).collect());
        match read.await {
            Err(_) => Err(Failure(Error::new(
                Kind::DeadlineExceeded,
                format!(
                    "the body was not all there after {} ms; send it at once, or send less",
                    REQUEST_TIMEOUT.as_millis()
                ),
            ))),
            Ok(Ok(read)) => Ok(Body(read.to_bytes())),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                pass_over(body).await;
                Err(too_large())
            }
            Ok(Err(error)) => {
                let why = root_cause(&*error);
                Err(Error::invalid(format!("the body broke off: {why}"))
                    .with_source(error)
                    .into())
            }
        }
    }
}

/// Reads on for a while and keeps nothing: a connection that is closed while its peer still writes loses the answer on the way.
async fn pass_over(mut body: axum::body::Body) {
    let mut left = PASSED_OVER_MAX_BYTES;
    while left > 0
        && let Some(Ok(frame)) = body.frame().await
    {
        left = left.saturating_sub(frame.data_ref().map_or(1, Bytes::len));
    }
}

/// Reads a JSON body that is an object, and says where it is wrong.
///
/// # Errors
/// `INVALID_JSON` where it is none, `INVALID_BODY` where it is of another shape, `JSON_TOO_LARGE` where it is too deep or has too much in it.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    // serde would take a list for a struct, field by field in their order, which is nobody's contract.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(Error::invalid("the body is a list; send a JSON object").with_code("INVALID_BODY"));
    }
    parse_any(bytes)
}

/// Reads a JSON body that may be any value, and says where it is wrong.
///
/// # Errors
/// As [`parse`].
pub(super) fn parse_any<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::invalid("the body is empty; send a JSON object").with_code("INVALID_JSON"));
    }
    // Before anything is built of it: a text of a mebibyte can be a tree of many.
    check_bounds(bytes).map_err(|much| {
        let kind = match much {
            TooMuch::Depth => Kind::Invalid,
            TooMuch::Keys | TooMuch::Values | TooMuch::Key => Kind::TooLarge,
        };
        Error::new(kind, format!("the body {much}; send a flatter or smaller one")).with_code("JSON_TOO_LARGE")
    })?;
    serde_json::from_slice(bytes).map_err(|error| {
        let what = if error.is_data() { "does not fit" } else { "is no JSON" };
        let code = if error.is_data() {
            "INVALID_BODY"
        } else {
            "INVALID_JSON"
        };
        Error::invalid(format!("the body {what}: {error}")).with_code(code)
    })
}

impl<T: DeserializeOwned> FromRequestParts<Context> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Context) -> Result<Self, Failure> {
        // `a=` is as absent: forms send their blank fields too.
        let query: String = parts
            .uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.ends_with('='))
            .collect::<Vec<_>>()
            .join("&");
        let uri: http::Uri = format!("/?{query}").parse().map_err(|error: http::uri::InvalidUri| {
            Error::invalid("the query string is malformed")
                .with_code("INVALID_QUERY")
                .with_source(error)
        })?;
        axum::extract::Query::<T>::try_from_uri(&uri)
            .map(|query| Query(query.0))
            .map_err(|error| {
                Error::invalid(format!("the query does not fit: {}", root_cause(&error)))
                    .with_code("INVALID_QUERY")
                    .into()
            })
    }
}

impl FromRequestParts<Context> for Path {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, context: &Context) -> Result<Self, Failure> {
        let [first] = in_path(parts, context).await?;
        Ok(Path(first))
    }
}

/// The first parameters of the path, as many as are asked for.
pub(super) async fn in_path<const N: usize>(parts: &mut Parts, context: &Context) -> Result<[String; N], Failure> {
    let wrong = || Error::invalid("the path is not valid UTF-8").with_code("INVALID_PATH");
    let params = RawPathParams::from_request_parts(parts, context)
        .await
        .map_err(|_| wrong())?;
    let found: Vec<String> = params.iter().take(N).map(|(_, value)| value.to_owned()).collect();
    found.try_into().map_err(|_| wrong().into())
}

impl FromRequestParts<Context> for Context {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, context: &Context) -> Result<Self, Self::Rejection> {
        Ok(match parts.extensions.get::<std::sync::Arc<RequestInfo>>() {
            Some(request) => context.within(std::sync::Arc::clone(request)),
            None => context.clone(),
        })
    }
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
