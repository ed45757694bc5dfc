//! What a process is asked over HTTP.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

/// Longer than any answer takes that is not lost.
const PATIENCE: Duration = Duration::from_secs(20);

/// One process, as seen from outside.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    port: u16,
}

/// What came back.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Acknowledged, with the revision of what was written where it has one.
    Done(Value, u64),
    /// Refused, or not known to have happened.
    Refused(u16, Value),
    /// Nothing: the process is no more.
    Gone,
}

impl Client {
    pub(crate) fn of(port: u16) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build();
        Client {
            http: http.unwrap(),
            port,
        }
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let mut request = self
            .http
            .request(method, format!("http://127.0.0.1:{}{path}", self.port));
        if let Some(body) = body {
            request = request.json(body);
        }
        let Ok(response) = request.send().await else {
            return Answer::Gone;
        };
        let status = response.status();
        let tag = response.headers().get("etag").and_then(|tag| tag.to_str().ok());
        let revision = tag
            .and_then(|tag| tag.trim_matches('"').parse().ok())
            .unwrap_or_default();
        let Ok(body) = response.json().await else {
            return Answer::Gone;
        };
        if status.is_success() {
            Answer::Done(body, revision)
        } else {
            Answer::Refused(status.as_u16(), body)
        }
    }

    /// Reads what must be readable; a database that is away comes back.
    pub(crate) async fn get(&self, path: &str) -> Option<Value> {
        for _ in 0..400 {
            match self.send(Method::GET, path, None).await {
                Answer::Done(body, _) => return Some(body),
                Answer::Refused(404, _) => return None,
                Answer::Refused(..) => tokio::time::sleep(Duration::from_millis(50)).await,
                Answer::Gone => panic!("a process that nobody killed is gone: {path}"),
            }
        }
        panic!("{path} could not be read");
    }
}
