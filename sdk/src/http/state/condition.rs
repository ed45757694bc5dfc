//! What must hold of a key: by its version in the body, or by its ETag in a header (RFC 9110, section 13).

use http::HeaderValue;
use http::header::{HeaderMap, IF_MATCH, IF_NONE_MATCH};

use crate::error::{Error, Kind, Result};
use crate::state::State;
use crate::store::Condition;

/// The condition that a request states, and whether it states it in a header.
pub(super) async fn condition(
    state: &State,
    headers: &HeaderMap,
    key: &str,
    version: Option<u64>,
) -> Result<(Condition, bool)> {
    let by_header = headers.get(IF_MATCH).is_some() || headers.get(IF_NONE_MATCH).is_some();
    if by_header && version.is_some() {
        return Err(Error::invalid("give expectedVersion or a conditional header, not both"));
    }
    if let Some(value) = headers.get(IF_NONE_MATCH) {
        return if tags(value).eq(["*"]) {
            Ok((Condition::Absent, true))
        } else {
            Err(Error::invalid(
                "If-None-Match on a write is *: only where the key is absent",
            ))
        };
    }
    let Some(value) = headers.get(IF_MATCH) else {
        return Ok((expected(version), false));
    };
    if tags(value).any(|tag| tag == "*") {
        return Ok((Condition::Present, true));
    }
    let wanted: Vec<u64> = tags(value)
        .filter_map(|tag| tag.trim_matches('"').parse().ok())
        .collect();
    // Of several tags at most one can be the current one; which one it is now is settled by the commit itself.
    let current = if wanted.len() > 1 {
        state.entry(key).await?.map(|entry| entry.revision)
    } else {
        None
    };
    let chosen = wanted
        .iter()
        .copied()
        .find(|tag| Some(*tag) == current)
        .or(wanted.first().copied());
    Ok((Condition::Revision(chosen.unwrap_or(0)), true))
}

pub(in crate::http) fn expected(version: Option<u64>) -> Condition {
    match version {
        None => Condition::Any,
        Some(0) => Condition::Absent,
        Some(version) => Condition::Version(version),
    }
}

pub(super) fn as_precondition(error: Error, by_header: bool) -> Error {
    if by_header && error.code() == "VERSION_CONFLICT" {
        let details = error.details().cloned().unwrap_or_default();
        return Error::new(
            Kind::PreconditionFailed,
            "the key is not as If-Match or If-None-Match says",
        )
        .with_details(details);
    }
    error
}

/// The tags that a field lists, as they are written.
pub(super) fn tags(value: &HeaderValue) -> impl Iterator<Item = &str> {
    value.to_str().unwrap_or_default().split(',').map(str::trim)
}

/// The tag of a key as it is at a revision.
pub(super) fn etag(revision: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{revision}\"")).expect("digits in quotes are a header value")
}
