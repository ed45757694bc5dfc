//! A fleet to speak to: dials loopback with the right Host, since most resolvers know no `*.localhost`, or the public names.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use reqwest::header::{HOST, HeaderMap};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use syscall_sdk::config::Environment;
use syscall_sdk::registry::Registry;

use crate::args::{Env, Target};

/// Longest wait for an answer; streams have none.
const TIMEOUT: Duration = Duration::from_secs(35);

/// A fleet.
pub(crate) struct Remote {
    pub(crate) registry: Registry,
    target: Target,
    http: reqwest::Client,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Remote {
    /// The fleet that the arguments name.
    pub(crate) fn new(target: &Target) -> Result<Self> {
        syscall_sdk::transport::install_tls();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Remote {
            registry: Registry::builtin(),
            target: target.clone(),
            http,
        })
    }

    /// A request to a service.
    pub(crate) fn request(&self, method: Method, service: &str, path: &str) -> Result<RequestBuilder> {
        let record = self
            .registry
            .get(service)
            .map_err(|error| anyhow!("{error}; there are {}", self.registry.keys().join(", ")))?;
        match self.target.environment {
            Env::Development => {
                let port = self.target.port;
                let request = self.http.request(method, format!("http://127.0.0.1:{port}{path}"));
                Ok(request.header(HOST, format!("{}.localhost:{port}", record.key)))
            }
            Env::Production => {
                let base = self.registry.public_url(&record.key, Environment::Production)?;
                Ok(self.http.request(method, format!("{base}{path}")))
            }
        }
    }

    /// Sends a request and reads the answer, whatever its status.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Answer> {
        let response = request
            .timeout(TIMEOUT)
            .send()
            .await
            .map_err(|error| self.unreachable(error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.text().await.context("the answer broke off")?;
        Ok(Answer { status, headers, body })
    }

    /// Gets a path as JSON.
    pub(crate) async fn get(&self, service: &str, path: &str) -> Result<Value> {
        self.send(self.request(Method::GET, service, path)?).await?.json()
    }

    /// Posts JSON and reads JSON.
    pub(crate) async fn post(&self, service: &str, path: &str, body: &Value) -> Result<Value> {
        self.send(self.request(Method::POST, service, path)?.json(body))
            .await?
            .json()
    }

    /// Says what to do about a fleet that does not answer.
    pub(crate) fn unreachable(&self, error: reqwest::Error) -> anyhow::Error {
        let help = match self.target.environment {
            Env::Development => format!(
                "no fleet answers on port {}; start one with `blackroad up`, or name its port with --port",
                self.target.port
            ),
            Env::Production => "the fleet's public names do not answer; is the network up?".to_owned(),
        };
        anyhow::Error::new(error).context(help)
    }
}

impl Answer {
    /// The body as JSON, or the error that it tells.
    pub(crate) fn json(self) -> Result<Value> {
        let value: Value = serde_json::from_str(&self.body).unwrap_or(Value::Null);
        if self.status.is_success() {
            return Ok(value);
        }
        match (value["error"]["code"].as_str(), value["error"]["message"].as_str()) {
            (Some(code), Some(message)) => bail!("{code}: {message}"),
            _ => bail!(
                "the service answered {} and no error in the contract's shape",
                self.status
            ),
        }
    }
}
