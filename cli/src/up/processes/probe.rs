//! Asking a process how it is, over its socket.

use std::path::PathBuf;
use std::time::Duration;

use http::StatusCode;
use http::header::{HOST, HeaderValue};
use http_body_util::{BodyExt as _, Limited};
use syscall_sdk::lifecycle::Scope;
use syscall_sdk::resolve::Endpoint;
use syscall_sdk::rpc::Forwarder;
use syscall_sdk::transport::{Body, Request};
use syscall_sdk::wire::{Health, HealthStatus};
use tokio::time::timeout;

/// Longest wait for an answer: the contract gives a probe a hundred milliseconds, a busy laptop more.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer to a probe.
const ANSWER_MAX_BYTES: usize = 16 * 1024;

/// Asks one process.
pub(super) struct Prober {
    forwarder: Forwarder,
    endpoint: Endpoint,
    host: HeaderValue,
    timeout: Duration,
}

impl Prober {
    /// A prober of the process on this socket; an answer that is not there when the next question is due will not come.
    pub(super) fn new(scope: &Scope, key: &str, socket: PathBuf, interval: Duration) -> Self {
        Prober {
            forwarder: Forwarder::new(scope.clone()),
            endpoint: Endpoint::Unix(socket),
            host: HeaderValue::from_str(&format!("{key}.localhost")).unwrap_or(HeaderValue::from_static("localhost")),
            timeout: TIMEOUT.min(interval),
        }
    }

    /// How the process is; `None` where it does not answer.
    pub(super) async fn health(&self) -> Option<HealthStatus> {
        let (status, body) = self.get("/health").await?;
        let said = serde_json::from_slice::<Health>(&body).map(|health| health.status);
        Some(if status.is_success() {
            said.unwrap_or(HealthStatus::Unhealthy)
        } else {
            HealthStatus::Unhealthy
        })
    }

    /// Whether the process takes requests.
    pub(super) async fn is_ready(&self) -> bool {
        matches!(self.get("/readyz").await, Some((StatusCode::OK, _)))
    }

    async fn get(&self, path: &'static str) -> Option<(StatusCode, Vec<u8>)> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = http::Uri::from_static(path);
        request.headers_mut().insert(HOST, self.host.clone());
        let answer = async {
            let response = self.forwarder.forward(&self.endpoint, request).await.ok()?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_MAX_BYTES)
                .collect()
                .await
                .ok()?;
            Some((status, body.to_bytes().to_vec()))
        };
        timeout(self.timeout, answer).await.ok()?
    }
}
