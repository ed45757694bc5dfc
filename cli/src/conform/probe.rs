//! The service under test: how it is asked, and what is known of it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::header::{AUTHORIZATION, HOST};
use reqwest::{Method, RequestBuilder, Url};
use serde_json::{Value, json};
use syscall_sdk::auth::{Minter, Purpose};
use syscall_sdk::name::new_id;
use syscall_sdk::registry::{Registry, ServiceRecord};

use super::reply::Reply;
use super::rule::{Verdict, fail, skip};
use crate::args::{Conform, Target};
use crate::remote::{self, Remote};

/// Longest wait for any one answer.
const TIMEOUT: Duration = Duration::from_secs(12);
/// Answers that the audit looks at in the end.
const SEEN_MAX: usize = 2_000;

/// The service under test.
pub(super) struct Probe {
    http: reqwest::Client,
    base: String,
    host: Option<String>,
    /// Signs what each request shows.
    minter: Option<Minter>,
    pub(super) registry: Registry,
    /// Who it says it is; null where it does not.
    pub(super) identity: Value,
    /// Who it should be.
    pub(super) expected: Option<ServiceRecord>,
    /// Names this run in everything that it writes.
    pub(super) run: String,
    pub(super) job: Option<String>,
    pub(super) slow: Option<String>,
    workflow: Option<(String, Option<Value>)>,
    /// Whether rules that take long are checked too.
    pub(super) patient: bool,
    method: Option<(String, Value)>,
    seen: Mutex<Vec<Reply>>,
}

impl Probe {
    /// Finds the service and asks who it is.
    pub(super) async fn new(registry: &Registry, target: &Target, conform: &Conform) -> Result<Self> {
        let (base, host) = place(registry, target, conform)?;
        let registry = registry.clone();
        let by_key = registry.get(&conform.url).ok().cloned();
        let expected = match &conform.service {
            Some(service) => Some(registry.get(service)?.clone()),
            None => by_key,
        };
        let params = match &conform.params {
            Some(params) => crate::input::json(params)?.value(),
            None => json!({}),
        };
        let input = conform
            .input
            .as_deref()
            .map(crate::input::json)
            .transpose()?
            .map(|input| input.value());
        let mut probe = Probe {
            http: remote::client()?,
            base,
            host,
            minter: remote::minter(target)?,
            registry,
            identity: Value::Null,
            expected,
            run: new_id(),
            job: conform.job.clone(),
            slow: conform.slow.clone(),
            workflow: conform.workflow.clone().map(|workflow| (workflow, input)),
            patient: conform.patient,
            method: conform.method.clone().map(|method| (method, params)),
            seen: Mutex::default(),
        };
        // Any answer will do: what is wrong with it is for the rules to say.
        match probe.get("/v1/sys/identity").await {
            Ok(reply) => probe.identity = reply.json,
            Err(super::rule::Stop::Fail(what) | super::rule::Stop::Skip(what)) => {
                bail!("nothing that speaks HTTP answers at {}: {what}", probe.base)
            }
        }
        if probe.method.is_none() {
            probe.method = probe.find_method().await;
        }
        Ok(probe)
    }

    /// Where it listens.
    pub(super) fn base(&self) -> &str {
        self.host.as_deref().unwrap_or(&self.base)
    }

    /// The name that it gives itself.
    pub(super) fn name(&self) -> &str {
        self.identity["service"].as_str().unwrap_or_default()
    }

    /// The registry's record of it, where there is one.
    pub(super) fn record(&self) -> Option<&ServiceRecord> {
        self.expected.as_ref().or_else(|| self.registry.get(self.name()).ok())
    }

    /// Whether it lists a capability.
    pub(super) fn can(&self, capability: &str) -> bool {
        self.identity["capabilities"]
            .as_array()
            .is_some_and(|list| list.iter().any(|one| one == capability))
    }

    /// A method that may be called without harm, and its parameters.
    pub(super) fn method(&self) -> Verdict<(&str, &Value)> {
        match &self.method {
            Some((method, params)) => Ok((method, params)),
            None => skip("no harmless method is known here; name one with --method and --params"),
        }
    }

    /// A job that may be created and cancelled.
    pub(super) fn job(&self) -> Verdict<&str> {
        match &self.job {
            Some(job) => Ok(job),
            None => skip("creating a job may do anything; name a harmless one with --job"),
        }
    }

    /// A workflow that may be started and cancelled, and what it is given.
    pub(super) fn workflow(&self) -> Verdict<(&str, Option<&Value>)> {
        match &self.workflow {
            Some((workflow, input)) => Ok((workflow, input.as_ref())),
            None => skip(
                "starting a workflow may do anything; name a harmless one that waits with --workflow, and its --input",
            ),
        }
    }

    /// A key of this run.
    pub(super) fn key(&self, name: &str) -> String {
        format!("conform/{}/{name}", self.run)
    }

    /// A request to it.
    pub(super) fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(host) = &self.host {
            request = request.header(HOST, host);
        }
        // Of a service that is in no registry nobody knows the key, so only a token for every service is good there.
        let callee = self.record().map_or("", |record| record.key.as_str());
        let shown = self
            .minter
            .as_ref()
            .and_then(|minter| minter.header(callee, Purpose::Anything).ok()?);
        if let Some(shown) = shown {
            request = request.header(AUTHORIZATION, shown);
        }
        request
    }

    /// Sends a request and reads the answer; the audit sees it later.
    pub(super) async fn read(&self, request: RequestBuilder) -> Verdict<Reply> {
        let (http, request) = request.timeout(TIMEOUT).build_split();
        let request = match request {
            Ok(request) => request,
            Err(error) => return fail(format!("the request cannot be sent: {error}")),
        };
        let asked = format!("{} {}", request.method(), path_of(request.url()));
        let response = match http.execute(request).await {
            Ok(response) => response,
            Err(error) => {
                return fail(format!(
                    "{asked} had no answer: {:#}",
                    anyhow::Error::new(error.without_url())
                ));
            }
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let Ok(bytes) = response.bytes().await else {
            return fail(format!("the answer to {asked} broke off"));
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let json = serde_json::from_str(&text).unwrap_or_default();
        let reply = Reply {
            asked,
            status,
            headers,
            text,
            json,
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() < SEEN_MAX {
            seen.push(reply.clone());
        }
        Ok(reply)
    }

    /// Everything that it has answered so far.
    pub(super) fn seen(&self) -> Vec<Reply> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) async fn get(&self, path: &str) -> Verdict<Reply> {
        self.read(self.ask(Method::GET, path)).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Verdict<Reply> {
        self.read(self.ask(Method::POST, path).json(body)).await
    }

    /// Posts bytes as they are.
    pub(super) async fn post_raw(&self, path: &str, body: impl Into<reqwest::Body>) -> Verdict<Reply> {
        self.read(self.ask(Method::POST, path).body(body)).await
    }

    pub(super) async fn call(&self, body: &Value) -> Verdict<Reply> {
        self.post("/v1/sys/rpc", body).await
    }

    /// Of the methods that it lists, one that may be called twice and needs nothing.
    async fn find_method(&self) -> Option<(String, Value)> {
        let reply = self.get("/v1/sys/rpc").await.ok()?;
        let harmless = |method: &&Value| {
            let required = method["params"]["required"].as_array().map_or(0, Vec::len);
            method["idempotent"] == true && required == 0 && method["params"]["type"] == "object"
        };
        let method = reply.json["methods"].as_array()?.iter().find(harmless)?;
        Some((method["name"].as_str()?.to_owned(), json!({})))
    }
}

/// Where to dial, and the Host to send. Most resolvers know no `*.localhost`, so those are dialled on loopback.
fn place(registry: &Registry, target: &Target, conform: &Conform) -> Result<(String, Option<String>)> {
    if !conform.url.contains("://") {
        let (base, host) = Remote::new(registry, target)?.place(&conform.url).with_context(|| {
            format!(
                "{:?} is neither a URL, such as http://127.0.0.1:8080, nor a service of the registry",
                conform.url
            )
        })?;
        return Ok((base, conform.host.clone().or(host)));
    }
    let url: Url = conform
        .url
        .parse()
        .with_context(|| format!("{:?} is no URL", conform.url))?;
    let name = url.host_str().unwrap_or_default().to_owned();
    let port = url.port_or_known_default().unwrap_or(80);
    if name.ends_with(".localhost") {
        let host = conform.host.clone().unwrap_or_else(|| format!("{name}:{port}"));
        return Ok((format!("http://127.0.0.1:{port}"), Some(host)));
    }
    Ok((url.as_str().trim_end_matches('/').to_owned(), conform.host.clone()))
}

fn path_of(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}
