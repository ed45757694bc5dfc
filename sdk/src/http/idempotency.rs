//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): the first answer is stored and repeated.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{HeaderValue, StatusCode};

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::rpc::header;
use crate::store::{Answer, Remember, Remembered};

/// How long an answer is repeated: a day covers every client that retries by itself.
const KEPT: Duration = Duration::from_secs(24 * 3_600);
/// Longest key, in bytes.
const KEY_MAX_BYTES: usize = 255;

/// A request that bears a key.
#[derive(Clone, Debug)]
pub(super) struct Keyed {
    scope: String,
    key: String,
    fingerprint: String,
}

/// What the key says about a request.
pub(super) enum Known {
    /// It was answered.
    Answered(Response),
    /// It was taken on by a life of the process that is over, and nobody knows how far it came.
    Unknown,
}

impl Keyed {
    /// The key of a request, where it bears one, with what it asks for: another request under the same key is refused.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where the key is malformed.
    pub(super) fn read(headers: &HeaderMap, family: &str, context: &Context, asked: &[u8]) -> Result<Option<Self>> {
        let Some(key) = key(headers)? else {
            return Ok(None);
        };
        let caller = context.request().caller.name().unwrap_or_default();
        Ok(Some(Keyed {
            scope: format!("{family} {caller}"),
            key: key.to_owned(),
            fingerprint: fingerprint(asked),
        }))
    }

    /// The operation that remembers this request and its answer; without an answer it says that the request runs.
    pub(super) fn remember(&self, context: &Context, answer: Option<Answer>, replace: bool) -> Remember {
        Remember {
            scope: self.scope.clone(),
            key: self.key.clone(),
            fingerprint: self.fingerprint.clone(),
            owner: context.kernel().incarnation.clone(),
            answer,
            replace,
            expires_at: context.clock().now() + KEPT,
        }
    }

    /// The operation that forgets this request.
    pub(super) fn forget(&self) -> crate::store::Op {
        crate::store::Op::Forget {
            scope: self.scope.clone(),
            key: self.key.clone(),
        }
    }

    /// What a remembered request means for this one.
    ///
    /// # Errors
    /// 422 where another body came under this key; 409 while the first one runs, here or in another replica that lives; what keeps the
    /// store from being read.
    pub(super) async fn compare(&self, context: &Context, remembered: Remembered) -> Result<Known> {
        if remembered.fingerprint != self.fingerprint {
            return Err(Error::new(
                Kind::Unprocessable,
                "another body was sent under this Idempotency-Key; use a new key for a new request",
            )
            .with_code("IDEMPOTENCY_KEY_REUSED"));
        }
        if let Some(answer) = remembered.answer {
            return Ok(Known::Answered(repeat(answer)));
        }
        let store = &context.kernel().store;
        if remembered.owner == context.kernel().incarnation || store.lives(&remembered.owner).await? {
            return Err(Error::conflict(
                "the first request under this Idempotency-Key is still running; ask again when it has had its time",
            )
            .with_code("REQUEST_IN_PROGRESS")
            .with_retry_after(Duration::from_secs(1)));
        }
        // It may have answered as the last thing that it did.
        let now = store.remembered(&self.scope, &self.key).await?;
        let answer = now.and_then(|now| now.answer);
        Ok(answer.map_or(Known::Unknown, |answer| Known::Answered(repeat(answer))))
    }
}

/// The key that a request bears.
///
/// # Errors
/// `INVALID_ARGUMENT` where the key is malformed.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<&str>> {
    let Some(value) = headers.get(header::IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    // The draft writes the key as a quoted string; most clients send it bare.
    let key = value.to_str().unwrap_or_default().trim_matches('"');
    if (1..=KEY_MAX_BYTES).contains(&key.len()) {
        Ok(Some(key))
    } else {
        Err(Error::invalid(format!(
            "Idempotency-Key is 1 to {KEY_MAX_BYTES} visible characters"
        )))
    }
}

/// An answer the first time: in the very text in which it is remembered.
pub(super) fn first(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (status, headers, Bytes::from(answer.body)).into_response()
}

fn repeat(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (
            http::HeaderName::from_static(header::IDEMPOTENCY_REPLAYED),
            HeaderValue::from_static("true"),
        ),
    ];
    (status, headers, Bytes::from(answer.body)).into_response()
}

fn fingerprint(body: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
