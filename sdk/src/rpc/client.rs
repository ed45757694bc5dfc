use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method as Verb, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::answer::error_of;
use super::pool::Pool;
use super::target::Target;
use super::{ANSWER_MAX_BYTES, header};
use crate::auth::Caller;
use crate::config::Secret;
use crate::contract::{Method, Payload};
use crate::error::{Error, Kind, Result};
use crate::lifecycle::Scope;
use crate::policy::{HOP_MARGIN, HOPS_MAX, RPC_DEFAULT_TIMEOUT, RPC_MAX_TIMEOUT};
use crate::registry::Registry;
use crate::resolve::Resolver;
use crate::telemetry::{self, current_trace};
use crate::transport::{Body, Request, Response, Switchboard};
use crate::wire::{Json, RpcResponse};

/// Room for the headers of a call, so that the map never grows.
const HEADERS: usize = 16;

/// Calls other services. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: ClientOptions,
    /// What says who calls, made once.
    own: HeaderMap,
    /// Where the services of the registry are asked for, worked out once.
    targets: HashMap<String, Target>,
    pool: Pool,
}

/// What a client needs.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Who calls, by registry name.
    pub name: String,
    /// Who calls, by role.
    pub role: String,
    /// The caller's own credential.
    pub token: Option<Secret>,
    /// The fleet.
    pub registry: Registry,
    /// Where its processes are.
    pub resolver: Arc<dyn Resolver>,
    /// Which of them are this process.
    pub switchboard: Switchboard,
    /// Owns the connections.
    pub scope: Scope,
}

/// How one call is made.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    /// The most that it may take; 10 s unless said, at most 30 s.
    pub timeout: Option<Duration>,
    /// The caller's own deadline: the call gets no more than what is left of it.
    pub deadline: Option<Instant>,
    /// How many calls deep the caller is.
    pub hops: u8,
    /// Names the call, so that it is done once.
    pub idempotency_key: Option<String>,
    /// The request in which it is made.
    pub request_id: Option<HeaderValue>,
    /// What other tracing systems say of the trace.
    pub trace_state: Option<HeaderValue>,
    /// On whose behalf a relay calls: its credential goes along, never the relay's own.
    pub relay_for: Option<Caller>,
}

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

#[derive(Serialize)]
struct Call<'a> {
    method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<&'a Json>,
    timeout: u64,
}

impl Client {
    /// A client.
    ///
    /// # Errors
    /// Where its name, role or token cannot be sent as a header, or the registry has an internal URL that is none.
    pub fn new(options: ClientOptions) -> Result<Self> {
        let pool = Pool::new(options.scope.clone());
        let mut own = HeaderMap::new();
        set(&mut own, header::SERVICE_NAME, options.name.clone())?;
        set(&mut own, header::SERVICE_ROLE, options.role.clone())?;
        if let Some(token) = &options.token {
            set(&mut own, AUTHORIZATION.as_str(), format!("Bearer {}", token.reveal()))?;
        }
        let targets = options
            .registry
            .services()
            .map(|service| Ok((service.key.clone(), Target::of(&options.registry, &service.key)?)))
            .collect::<Result<_>>()?;
        Ok(Client(Arc::new(Inner {
            options,
            own,
            targets,
            pool,
        })))
    }

    /// Calls a method by its contract.
    ///
    /// # Errors
    /// What the callee answered, with its code and details; or what kept the call from it. Dropping the future cancels the call.
    pub async fn call<P: Payload, R: Payload>(
        &self,
        method: &Method<P, R>,
        params: &P,
        options: CallOptions,
    ) -> Result<R> {
        let params = Json::of(params).map_err(|error| {
            Error::invalid(format!("the params of {} have no JSON form", method.name)).with_source(error)
        })?;
        let result = self
            .call_by_name(method.service, method.name, Some(&params), options)
            .await?;
        result.to().map_err(|error| {
            Error::new(
                Kind::BadGateway,
                format!(
                    "{}.{} answered another shape than its contract says",
                    method.service, method.name
                ),
            )
            .with_source(error)
        })
    }

    /// Calls a method by name.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn call_by_name(
        &self,
        service: &str,
        method: &str,
        params: Option<&Json>,
        options: CallOptions,
    ) -> Result<Json> {
        let span = tracing::info_span!(
            target: "syscall", "call",
            otel.name = %format_args!("call {service}.{method}"), span.kind = "client", rpc.service = service, rpc.method = method
        );
        let outcome = async {
            let reply = self.call_for_reply(service, method, params, options).await?;
            if !reply.status.is_success() {
                return Err(error_of(service, reply.status, &reply.headers, &reply.body));
            }
            serde_json::from_slice::<RpcResponse>(&reply.body)
                .map(|response| response.result)
                .map_err(|error| {
                    Error::new(Kind::BadGateway, format!("{service} answered {method} with no result"))
                        .with_source(error)
                })
        }
        .instrument(span.clone())
        .await;
        if let Err(error) = &outcome {
            telemetry::mark_error(&span, error.code());
        }
        outcome
    }

    /// Calls a method by name and gives the answer as it came, for a relay.
    ///
    /// # Errors
    /// What kept the call from the callee; what the callee answered is no error here.
    pub async fn call_for_reply(
        &self,
        service: &str,
        method: &str,
        params: Option<&Json>,
        options: CallOptions,
    ) -> Result<Reply> {
        let allowed = options.timeout.unwrap_or(RPC_DEFAULT_TIMEOUT).min(RPC_MAX_TIMEOUT);
        let mut deadline = Instant::now() + allowed;
        if let Some(callers) = options.deadline {
            deadline = deadline.min(callers.checked_sub(HOP_MARGIN).unwrap_or(callers));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let call = Call {
            method,
            params,
            timeout: u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1),
        };
        let body = serde_json::to_vec(&call)
            .map_err(|error| Error::invalid("the call has no JSON form").with_source(error))?;
        let mut request = Request::new(Body::from(body));
        *request.headers_mut() = HeaderMap::with_capacity(HEADERS);
        *request.method_mut() = Verb::POST;
        *request.uri_mut() = http::Uri::from_static("/v1/sys/rpc");
        request
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let read = async {
            let response = self.send(service, request, &options, deadline).await?;
            collect(response).await
        };
        match timeout_at(deadline, read).await {
            Ok(reply) => reply,
            Err(_) => Err(Error::new(
                Kind::DeadlineExceeded,
                format!("{service}.{method} did not answer within {} ms", left.as_millis()),
            )),
        }
    }

    /// Sends any request to a service and gives the answer as it comes, its body still streaming.
    ///
    /// # Errors
    /// What kept the request from the callee.
    pub async fn request(&self, service: &str, request: Request, options: &CallOptions) -> Result<Response> {
        let deadline = Instant::now() + options.timeout.unwrap_or(RPC_DEFAULT_TIMEOUT);
        let late = |_| Error::new(Kind::DeadlineExceeded, format!("{service} did not answer in time"));
        timeout_at(deadline, self.send(service, request, options, deadline))
            .await
            .map_err(late)?
    }

    /// Gets a path of a service and reads the answer whole.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub async fn get(&self, service: &str, path_and_query: &str, options: &CallOptions) -> Result<Reply> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = path_and_query.parse().map_err(|error: http::uri::InvalidUri| {
            Error::invalid(format!("{path_and_query:?} is no path")).with_source(error)
        })?;
        self.exchange(service, request, options).await
    }

    /// Sends any request to a service and reads the answer whole.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub async fn exchange(&self, service: &str, request: Request, options: &CallOptions) -> Result<Reply> {
        let deadline = Instant::now() + options.timeout.unwrap_or(RPC_DEFAULT_TIMEOUT);
        let path = request.uri().path().to_owned();
        let late = |_| {
            Error::new(
                Kind::DeadlineExceeded,
                format!("{service} did not answer {path} in time"),
            )
        };
        let read = async { collect(self.send(service, request, options, deadline).await?).await };
        timeout_at(deadline, read).await.map_err(late)?
    }

    /// The fleet that this client knows.
    pub fn registry(&self) -> &Registry {
        &self.0.options.registry
    }

    async fn send(
        &self,
        service: &str,
        mut request: Request,
        options: &CallOptions,
        deadline: Instant,
    ) -> Result<Response> {
        let key = &self.0.options.registry.get(service)?.key;
        let target = self
            .0
            .targets
            .get(key)
            .ok_or_else(|| Error::not_found(format!("{key} has no address")))?;
        if options.hops >= HOPS_MAX {
            return Err(Error::new(
                Kind::Unprocessable,
                format!(
                    "the call to {} is {HOPS_MAX} calls deep: services are calling each other in a ring",
                    target.key
                ),
            )
            .with_code("TOO_MANY_HOPS"));
        }
        self.dress(&mut request, target, options, deadline)?;
        if let Some(handler) = self.0.options.switchboard.get(&target.key) {
            return Ok(handler.answer(request).await);
        }
        self.send_over_network(target, request).await
    }

    /// Tries one endpoint after the other for as long as none of them has taken the request.
    async fn send_over_network(&self, target: &Target, request: Request) -> Result<Response> {
        let endpoints = self.0.options.resolver.resolve(&target.host, target.port).await?;
        let mut tried = Vec::new();
        let (parts, body) = request.into_parts();
        let body = body
            .collect()
            .await
            .map_err(|error| Error::invalid("the request's body broke off").with_source(error))?
            .to_bytes();
        for endpoint in &endpoints {
            let request = Request::from_parts(parts.clone(), Body::from(body.clone()));
            match self.0.pool.send(endpoint, request).await {
                Ok(response) => return Ok(response),
                // Only what was never sent goes elsewhere.
                Err(error) if error.code() == "CONNECT_FAILED" => tried.push(error.chain()),
                Err(error) => return Err(error),
            }
        }
        Err(Error::unavailable(format!(
            "{} cannot be reached as {}:{}: {}",
            target.key,
            target.host,
            target.port,
            if tried.is_empty() {
                "the name has no address".to_owned()
            } else {
                tried.join("; ")
            }
        ))
        .with_code("SERVICE_UNREACHABLE")
        .with_details(serde_json::json!({ "service": target.key, "host": target.host, "tried": tried })))
    }

    fn dress(&self, request: &mut Request, target: &Target, options: &CallOptions, deadline: Instant) -> Result<()> {
        let headers = request.headers_mut();
        headers.insert(HOST, target.authority.clone());
        match &options.relay_for {
            None => headers.extend(self.0.own.iter().map(|(name, value)| (name.clone(), value.clone()))),
            Some(caller) => {
                let credential = caller
                    .credential
                    .as_ref()
                    .map(|credential| credential.reveal().to_owned());
                for (name, value) in [
                    (header::SERVICE_NAME, caller.service.clone()),
                    (header::SERVICE_ROLE, caller.role.clone()),
                    (AUTHORIZATION.as_str(), credential),
                ] {
                    if let Some(value) = value {
                        set(headers, name, value)?;
                    }
                }
            }
        }
        if let Some(trace) = current_trace() {
            set(headers, header::TRACEPARENT, trace.to_string())?;
            if let Some(state) = &options.trace_state {
                headers.insert(header::TRACESTATE, state.clone());
            }
        }
        if let Some(id) = &options.request_id {
            headers.insert(header::REQUEST_ID, id.clone());
        }
        if let Some(key) = &options.idempotency_key {
            set(headers, header::IDEMPOTENCY_KEY, key.clone())?;
        }
        let left = deadline.saturating_duration_since(Instant::now()).as_millis();
        headers.insert(
            header::TIMEOUT,
            HeaderValue::from(u64::try_from(left).unwrap_or(u64::MAX)),
        );
        headers.insert(header::HOPS, HeaderValue::from(u16::from(options.hops) + 1));
        Ok(())
    }
}

fn set(headers: &mut HeaderMap, name: &'static str, value: String) -> Result<()> {
    let value = HeaderValue::try_from(value)
        .map_err(|error| Error::invalid(format!("{name} cannot be sent as a header")).with_source(error))?;
    headers.insert(name, value);
    Ok(())
}

async fn collect(response: Response) -> Result<Reply> {
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, ANSWER_MAX_BYTES).collect().await.map_err(|error| {
        Error::new(Kind::BadGateway, "the answer broke off or was larger than 16 MiB").with_source(error)
    })?;
    Ok(Reply {
        status: parts.status,
        headers: parts.headers,
        body: body.to_bytes(),
    })
}
