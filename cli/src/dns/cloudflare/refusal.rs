//! What the API refused: its own words, and what to do next.

use std::fmt;

use reqwest::StatusCode;
use serde::Deserialize;

/// Most messages of one refusal that are told.
const TOLD_MAX: usize = 10;

/// One error of the API's envelope.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(in crate::dns) struct ApiError {
    #[serde(default)]
    pub(in crate::dns) code: i64,
    #[serde(default)]
    pub(in crate::dns) message: String,
    #[serde(default)]
    error_chain: Vec<ApiError>,
}

/// An answer that is no success.
#[derive(Debug)]
pub(in crate::dns) struct Refusal {
    /// What was asked for, in words.
    pub(super) what: String,
    /// Which permission it needs.
    pub(super) permission: &'static str,
    /// Whether something was to be changed.
    pub(super) writes: bool,
    pub(super) status: StatusCode,
    pub(super) errors: Vec<ApiError>,
}

impl Refusal {
    /// Whether the token may not do this, or is none.
    pub(in crate::dns) fn is_forbidden(&self) -> bool {
        matches!(self.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
    }

    /// Whether it is about this one thing, so that others can be asked for: anything but trouble of the API itself.
    pub(in crate::dns) fn is_tolerable(&self) -> bool {
        self.status.is_client_error() && self.status != StatusCode::TOO_MANY_REQUESTS
    }

    pub(in crate::dns) fn is_missing(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }

    /// It in one line, for a note.
    pub(in crate::dns) fn in_short(&self) -> String {
        if self.is_forbidden() {
            format!("the token lacks the permission {}", self.permission)
        } else {
            self.said()
        }
    }

    fn said(&self) -> String {
        let mut told = Vec::new();
        for error in self
            .errors
            .iter()
            .flat_map(|error| std::iter::once(error).chain(&error.error_chain))
        {
            told.push(format!("{} ({})", error.message, error.code));
        }
        told.truncate(TOLD_MAX);
        if told.is_empty() {
            format!(
                "it answered {} and did not say why in its documented shape",
                self.status
            )
        } else {
            told.join("; ")
        }
    }

    fn next(&self) -> Option<String> {
        let mentions = |words: &str| self.errors.iter().any(|error| error.message.contains(words));
        let has = |codes: &[i64]| self.errors.iter().any(|error| codes.contains(&error.code));
        // 6003 and 6111: what was sent cannot be a token at all.
        if self.is_forbidden() || has(&[6003, 6111, 9106, 9109]) {
            return Some(format!(
                "CLOUDFLARE_API_TOKEN is no good token, or may not do this: it needs {} for this zone; dash.cloudflare.com/profile/api-tokens makes one",
                self.permission
            ));
        }
        if has(&[1046, 890_190]) || mentions("Email Routing") {
            return Some("Email Routing keeps these records; leave them to it, or switch it off first".to_owned());
        }
        if has(&[81_053, 81_054, 81_056, 81_057, 81_058]) {
            return Some("the zone has such a record already; plan again, since it changed meanwhile".to_owned());
        }
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            return Some(
                "the limit is 1,200 requests in five minutes for all tokens of a person; come back later".to_owned(),
            );
        }
        if self.status.is_server_error() && self.writes {
            return Some("whether it was done is not known; plan again to see".to_owned());
        }
        None
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Cloudflare refused {}: {} ({})",
            self.what,
            self.said(),
            self.status.as_u16()
        )?;
        match self.next() {
            Some(next) => write!(f, "\n  {next}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}
