//! A fleet to speak to: dials loopback with the right Host, since most resolvers know no `*.localhost`, or the public names.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use reqwest::header::{AUTHORIZATION, HOST, HeaderMap};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use syscall_sdk::auth::{Credential, Minter};
use syscall_sdk::clock::Clock;
use syscall_sdk::config::{Problems, Secret};
use syscall_sdk::host::process_environment;
use syscall_sdk::registry::Registry;
use syscall_sdk::rpc::purpose;
use tokio::time::timeout;

use crate::args::{Env, Target};
use crate::failure::Failure;

/// Longest wait for an answer, a little more than the longest call; streams have none.
const TIMEOUT: Duration = Duration::from_secs(35);
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A fleet.
pub(crate) struct Remote {
    pub(crate) registry: Registry,
    target: Target,
    http: reqwest::Client,
    /// Signs what each request shows.
    minter: Option<Minter>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) service: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Remote {
    /// The fleet that the arguments name.
    pub(crate) fn new(registry: &Registry, target: &Target) -> Result<Self> {
        Ok(Remote {
            registry: overridden(registry, target)?,
            target: target.clone(),
            http: client()?,
            minter: minter(target)?,
        })
    }

    /// A request to a service.
    pub(crate) fn request(&self, method: Method, service: &str, path: &str) -> Result<RequestBuilder> {
        let (base, host) = self.place(service)?;
        let shown = match &self.minter {
            Some(minter) => {
                let path = path.split('?').next().unwrap_or(path);
                minter.header(&self.registry.get(service)?.key, purpose(&method, path))?
            }
            None => None,
        };
        let mut request = self.http.request(method, format!("{base}{path}"));
        if let Some(host) = host {
            request = request.header(HOST, host);
        }
        if let Some(shown) = shown {
            request = request.header(AUTHORIZATION, shown);
        }
        Ok(request)
    }

    /// Where a service is dialled, and the Host to send where that is another.
    pub(crate) fn place(&self, service: &str) -> Result<(String, Option<String>)> {
        let record = self
            .registry
            .get(service)
            .map_err(|error| anyhow!("{error}; there are {}", self.registry.keys().join(", ")))?;
        Ok(match self.target.environment {
            Env::Development => {
                let port = self.target.port;
                let host = format!("{}.localhost:{port}", record.key);
                (format!("http://127.0.0.1:{port}"), Some(host))
            }
            away => (self.registry.public_url(&record.key, away.environment())?, None),
        })
    }

    /// The address that a person would open.
    pub(crate) fn url(&self, service: &str) -> Result<String> {
        let (base, host) = self.place(service)?;
        Ok(host.map_or(base, |host| format!("http://{host}")))
    }

    /// Sends a request and reads the answer, whatever its status.
    pub(crate) async fn send(&self, service: &str, request: RequestBuilder) -> Result<Answer> {
        let response = self.head(service, request).await?;
        self.rest(service, response).await
    }

    /// Gets a path with a query.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        service: &str,
        path: &str,
        query: &[(&str, Option<String>)],
    ) -> Result<T> {
        let request = self.request(Method::GET, service, path)?.query(&given(query));
        self.send(service, request).await?.read()
    }

    /// Posts JSON, of which no digit is lost on the way.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        service: &str,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T> {
        let request = self.request(Method::POST, service, path)?.json(body);
        self.send(service, request).await?.read()
    }

    /// Calls a method.
    pub(crate) async fn call<T: DeserializeOwned>(&self, service: &str, method: &str, params: &Value) -> Result<T> {
        #[derive(serde::Deserialize)]
        struct Body<T> {
            result: T,
        }
        let body = json!({ "method": method, "params": params });
        let answer: Body<T> = self.post(service, "/v1/sys/rpc", &body).await?;
        Ok(answer.result)
    }

    /// Sends a request and gives the answer with its body still to come, whatever its status.
    pub(crate) async fn head(&self, service: &str, request: RequestBuilder) -> Result<reqwest::Response> {
        match timeout(TIMEOUT, request.send()).await {
            Ok(answered) => answered.map_err(|error| self.unreachable(service, error)),
            Err(_) => Err(mute(service)),
        }
    }

    /// Reads what is left of an answer.
    pub(crate) async fn rest(&self, service: &str, response: reqwest::Response) -> Result<Answer> {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = timeout(TIMEOUT, response.text())
            .await
            .map_err(|_| mute(service))?
            .with_context(|| format!("the answer of {service} broke off"))?;
        Ok(Answer {
            service: service.to_owned(),
            status,
            headers,
            body,
        })
    }

    /// Opens a stream, or gives the error that it was refused with.
    pub(crate) async fn open(&self, service: &str, request: RequestBuilder) -> Result<reqwest::Response> {
        let response = request.send().await.map_err(|error| self.unreachable(service, error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.text().await.unwrap_or_default();
        Err(Failure::read(service, status, &headers, &body).into())
    }

    /// Says what to do about a fleet that does not answer.
    fn unreachable(&self, service: &str, error: reqwest::Error) -> anyhow::Error {
        let help = match self.target.environment {
            Env::Development => format!(
                "no fleet answers on port {}; start one with `blackroad up`, or name its port with --port",
                self.target.port
            ),
            _ => {
                format!("{service} does not answer under its public name; is the network up?")
            }
        };
        anyhow::Error::new(error.without_url()).context(Unreachable(help))
    }
}

fn mute(service: &str) -> anyhow::Error {
    let seconds = TIMEOUT.as_secs();
    Unreachable(format!(
        "{service} took the request and did not answer within {seconds} s"
    ))
    .into()
}

/// Nobody answered: neither the service's failure nor the caller's.
#[derive(Debug)]
pub(crate) struct Unreachable(String);

impl std::fmt::Display for Unreachable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreachable {}

impl Answer {
    /// The body in its shape, or the error that it tells.
    pub(crate) fn read<T: DeserializeOwned>(self) -> Result<T> {
        if !self.status.is_success() {
            return Err(Failure::read(&self.service, self.status, &self.headers, &self.body).into());
        }
        self.shape()
    }

    /// Nothing but that it was done, or the error that it tells.
    pub(crate) fn done(self) -> Result<()> {
        if self.status.is_success() {
            return Ok(());
        }
        Err(Failure::read(&self.service, self.status, &self.headers, &self.body).into())
    }

    /// The body in its shape, whatever the status: a sick service's health is an answer.
    pub(crate) fn shape<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.body).with_context(|| {
            format!(
                "{} answered {} with another shape than the contract says; `blackroad conform {}` tells more",
                self.service, self.status, self.service
            )
        })
    }
}

/// The fleet, with the public names that the environment says in the place of the registry's.
fn overridden(registry: &Registry, target: &Target) -> Result<Registry> {
    if target.environment.is_here() {
        return Ok(registry.clone());
    }
    let (variables, _) = process_environment();
    let mut problems = Problems::default();
    let registry = registry.with_overrides(&variables, &mut problems);
    if !problems.is_empty() {
        bail!("{problems}");
    }
    Ok(registry)
}

/// What signs for requests, where there is anything to show.
pub(crate) fn minter(target: &Target) -> Result<Option<Minter>> {
    let Some(token) = &target.token else { return Ok(None) };
    let credential = Credential::parse(&Secret::new(token.trim())).context("--token or BLACKROAD_TOKEN")?;
    Ok(Some(Minter::new(credential, Clock::system())?))
}

/// A client as the whole program uses it: no proxy, no redirects, no retries of its own.
pub(crate) fn client() -> Result<reqwest::Client> {
    syscall_sdk::transport::install_tls();
    Ok(reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .build()?)
}

/// The parameters that were given.
pub(crate) fn given<'a>(query: &'a [(&'a str, Option<String>)]) -> Vec<(&'a str, &'a str)> {
    query
        .iter()
        .filter_map(|(name, value)| Some((*name, value.as_deref()?)))
        .collect()
}
