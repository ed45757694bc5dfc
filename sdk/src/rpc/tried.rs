use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::target::Target;
use crate::error::{Error, Kind};
use crate::resolve::Endpoint;

/// The attempts of one call that came to nothing.
pub(super) struct Tried {
    begun: Instant,
    allowed: Duration,
    endpoints: Vec<Endpoint>,
    attempts: Vec<Attempt>,
}

struct Attempt {
    took: Duration,
    why: String,
}

impl Tried {
    pub(super) fn new(deadline: Instant) -> Self {
        let begun = Instant::now();
        Tried {
            begun,
            allowed: deadline.saturating_duration_since(begun),
            endpoints: Vec::new(),
            attempts: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, endpoint: Endpoint, took: Duration, why: String) {
        tracing::debug!(endpoint = %endpoint, why, "an attempt came to nothing");
        self.endpoints.push(endpoint);
        self.attempts.push(Attempt { took, why });
    }

    pub(super) fn len(&self) -> usize {
        self.attempts.len()
    }

    /// Where they went.
    pub(super) fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Puts them on the trace of the call.
    pub(super) fn tell(&self) {
        if !self.attempts.is_empty() {
            tracing::Span::current().record("rpc.tried", self.sentence());
        }
    }

    /// The error of the call: what kept it from being answered at last, and every attempt.
    pub(super) fn into_error(self, target: &Target, last: Error) -> Error {
        self.tell();
        if self.attempts.is_empty() {
            return last;
        }
        let attempts: Vec<_> = self
            .endpoints
            .iter()
            .zip(&self.attempts)
            .map(|(endpoint, attempt)| {
                json!({ "endpoint": endpoint.to_string(), "ms": attempt.took.as_millis() as u64, "why": attempt.why })
            })
            .collect();
        let late = last.kind() == Kind::DeadlineExceeded;
        let message = if late {
            format!(
                "{} did not answer within {} ms: {}",
                target.key,
                self.allowed.as_millis(),
                self.sentence()
            )
        } else {
            format!(
                "{} cannot be reached as {}:{}: {}",
                target.key,
                target.host,
                target.port,
                self.sentence()
            )
        };
        let code = match last.code() {
            "CONNECT_FAILED" | "NO_ENDPOINTS" | "DNS_FAILED" => "SERVICE_UNREACHABLE".to_owned(),
            code => code.to_owned(),
        };
        let error = Error::new(last.kind(), message).with_code(code).with_details(json!({
            "service": target.key,
            "host": target.host,
            "port": target.port,
            "tried": attempts,
            "ms": self.begun.elapsed().as_millis() as u64,
        }));
        match last.retry_after() {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        }
    }

    fn sentence(&self) -> String {
        let each = self.endpoints.iter().zip(&self.attempts).enumerate();
        let each = each.map(|(n, (endpoint, attempt))| {
            format!(
                "attempt {} at {endpoint} ({} ms): {}",
                n + 1,
                attempt.took.as_millis(),
                attempt.why
            )
        });
        each.collect::<Vec<_>>().join("; ")
    }
}
