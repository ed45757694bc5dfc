//! What a service answered instead of what was asked: which code, whose failure, what to do next.

use std::fmt;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;

/// A refusal of a service.
#[derive(Debug)]
pub(crate) struct Failure {
    service: String,
    pub(crate) status: StatusCode,
    code: Option<String>,
    message: String,
    from_handler: bool,
    retry_after: Option<u64>,
    request_id: Option<String>,
}

impl Failure {
    /// Reads an answer that is no success.
    pub(crate) fn read(service: &str, status: StatusCode, headers: &HeaderMap, body: &str) -> Self {
        let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
        let value: Value = serde_json::from_str(body).unwrap_or_default();
        let error = &value["error"];
        Failure {
            service: service.to_owned(),
            status,
            code: error["code"].as_str().map(str::to_owned),
            message: error["message"].as_str().map_or_else(
                || "it did not say why in the contract's shape".to_owned(),
                str::to_owned,
            ),
            from_handler: text("x-syscall-origin").is_some_and(|origin| origin == "handler"),
            retry_after: text(RETRY_AFTER.as_str()).and_then(|seconds| seconds.parse().ok()),
            request_id: text("x-request-id"),
        }
    }

    /// Whose failure it is, as a person would say it.
    fn whose(&self) -> String {
        let service = &self.service;
        match self.status.as_u16() {
            _ if self.from_handler => format!("{service}'s handler says no"),
            502..=504 => format!("{service} cannot answer now"),
            500.. => format!("{service} failed"),
            _ => format!("{service} refused the request"),
        }
    }

    fn next(&self) -> Option<String> {
        let service = &self.service;
        let known = match self.code.as_deref().unwrap_or_default() {
            "METHOD_NOT_FOUND" => Some(format!("`blackroad call {service}` lists its methods")),
            "JOB_NOT_FOUND" => Some(format!("`blackroad jobs {service}` lists its jobs")),
            "KEY_NOT_FOUND" => Some(format!("`blackroad state ls {service}` lists its keys")),
            "TRACE_NOT_FOUND" => Some(format!("`blackroad traces {service}` lists the latest")),
            "VERSION_CONFLICT" => Some("read it again, and expect the version it has now".to_owned()),
            "SERVICE_NOT_RUNNING" => Some("it was left out by --only".to_owned()),
            "UNAUTHENTICATED" => Some("show a credential with --token or BLACKROAD_TOKEN".to_owned()),
            "TOKEN_EXPIRED" | "TOKEN_INVALID" | "TOKEN_REVOKED" | "TOKEN_AUDIENCE" => {
                Some("`blackroad token inspect` shows what the token in BLACKROAD_TOKEN says".to_owned())
            }
            _ => None,
        };
        known.or_else(|| {
            if let Some(seconds) = self.retry_after {
                return Some(format!("try again in {seconds} s"));
            }
            let id = self.request_id.as_deref()?;
            (self.status.as_u16() == 500 && !self.from_handler)
                .then(|| format!("`blackroad logs {service} --level error` has the rest; the request is {id}"))
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.whose(), self.message)?;
        match &self.code {
            Some(code) => write!(f, " ({code}, {})", self.status.as_u16())?,
            None => write!(f, " ({})", self.status)?,
        }
        match self.next() {
            Some(next) => write!(f, "\n  {next}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> String {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        Failure::read("core", StatusCode::from_u16(status).unwrap(), &headers, body).to_string()
    }

    #[test]
    fn a_failure_says_whose_it_is_and_what_to_do_next() {
        let body = r#"{"error":{"code":"USER_NOT_FOUND","message":"user 7 does not exist"}}"#;
        assert_eq!(
            told(404, &[("x-syscall-origin", "handler")], body),
            "core's handler says no: user 7 does not exist (USER_NOT_FOUND, 404)"
        );
        let body = r#"{"error":{"code":"METHOD_NOT_FOUND","message":"core has no method \"x\""}}"#;
        assert_eq!(
            told(404, &[], body),
            "core refused the request: core has no method \"x\" (METHOD_NOT_FOUND, 404)\n  `blackroad call core` lists its methods"
        );
        assert_eq!(
            told(503, &[("retry-after", "2")], "gone"),
            "core cannot answer now: it did not say why in the contract's shape (503 Service Unavailable)\n  try again in 2 s"
        );
    }
}
