use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method as Verb, StatusCode};
use http_body_util::BodyExt;
use serde::Serialize;
use tokio::time::Instant;
use tracing::Instrument;

use super::answer::{error_of, is_of_contract};
use super::dress::own;
use super::options::{CallOptions, ClientOptions};
use super::peer::Peer;
use super::pool::Pool;
use super::send::Want;
use super::target::Target;
use super::versions::{Version, Versions};
use super::view::show;
use super::ways::Ways;
use crate::contract::{Method, Payload};
use crate::error::{Error, Kind, Result};
use crate::policy::{Dice, HOP_MARGIN, RPC_DEFAULT_TIMEOUT, RPC_MAX_TIMEOUT};
use crate::registry::{Registry, ServiceRecord};
use crate::resolve::Discovery;
use crate::telemetry;
use crate::transport::{Body, Request, Response};
use crate::wire::{Json, RpcResponse};

/// Room for the headers of a call, so that the map never grows.
const HEADERS: usize = 16;

/// Calls other services. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) options: ClientOptions,
    /// What says who calls, made once.
    pub(super) own: HeaderMap,
    /// The services of the registry, each as this process knows it.
    peers: HashMap<String, Versions>,
    pub(super) pool: Pool,
    /// For whom this process calls where it calls for nobody.
    pub(super) sticky: u64,
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
        let dice = options.seed.map_or_else(Dice::seeded, Dice::new);
        let pool = Pool::new(Arc::clone(&options.dial), dice.clone(), options.scope.clone());
        let own = own(&options)?;
        let peer = |record: &ServiceRecord, version: Option<String>, url: &str| {
            let (key, one) = (&record.key, version.is_none());
            let target = Target::of(record, version, url)?;
            let (resolver, scope) = (Arc::clone(&options.resolver), options.scope.clone());
            let discovery = Discovery::new(&target.host, target.port, resolver, scope, dice.clone());
            // The public ways lead to the service, and nobody knows to which version of it.
            let roads = options
                .outside
                .as_ref()
                .filter(|_| one)
                .map(|outside| outside.roads(&options.registry, key));
            let ways = Ways::new(roads.unwrap_or_default());
            Ok::<_, Error>(Arc::new(Peer::new(
                target,
                discovery,
                ways,
                &options.metrics,
                dice.clone(),
            )))
        };
        let versions = |record: &ServiceRecord| {
            let said = options.registry.versions(&record.key)?;
            let version = |name: Option<String>, weight: u32, url: &str| {
                Ok::<_, Error>(Version::new(name.clone(), weight, peer(record, name, url)?))
            };
            let versions = if said.is_empty() {
                vec![version(None, 1, &options.registry.internal_url(&record.key)?)?]
            } else {
                let each = said
                    .iter()
                    .map(|said| version(Some(said.name.clone()), said.weight, &said.internal));
                each.collect::<Result<Vec<_>>>()?
            };
            Versions::new(versions).ok_or_else(|| Error::internal(format!("{} has no version", record.key)))
        };
        let peers = options
            .registry
            .services()
            .map(|service| Ok((service.key.clone(), versions(service)?)))
            .collect::<Result<HashMap<_, _>>>()?;
        let each = peers.values().flat_map(Versions::iter);
        show(
            &options.metrics,
            each.map(|version| Arc::clone(&version.peer)).collect(),
        );
        // Of its own: what is drawn for picks and waits follows from the seed alone.
        let sticky = options.seed.unwrap_or_else(|| Dice::seeded().roll());
        Ok(Client(Arc::new(Inner {
            options,
            own,
            peers,
            pool,
            sticky,
        })))
    }

    /// Calls with another credential from now on, or with none.
    ///
    /// # Errors
    /// As [`crate::auth::Minter::hold`]; then all is as it was.
    pub fn hold(&self, credential: Option<crate::auth::Credential>) -> Result<()> {
        let minter = self.0.options.minter.as_ref();
        minter.map_or(Ok(()), |minter| minter.hold(credential))
    }

    /// Calls a method by its contract.
    ///
    /// # Errors
    /// What the callee answered, with its code and details; or what kept the call from it. Dropping the future cancels the call.
    pub async fn call<P: Payload, R: Payload>(
        &self,
        method: &Method<P, R>,
        params: &P,
        mut options: CallOptions,
    ) -> Result<R> {
        let params = Json::of(params).map_err(|error| {
            Error::invalid(format!("the params of {} have no JSON form", method.name)).with_source(error)
        })?;
        options.idempotent |= method.idempotent;
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
            otel.name = %format_args!("call {service}.{method}"), span.kind = "client", rpc.service = service, rpc.method = method,
            rpc.tried = tracing::field::Empty
        );
        let outcome = async {
            let reply = self.ask(service, method, params, options).await?;
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
    /// What kept the call from the callee; what the callee answered is no error here. `BAD_GATEWAY` where what answered does not speak the
    /// contract: neither a result nor an error with its code.
    pub async fn call_for_reply(
        &self,
        service: &str,
        method: &str,
        params: Option<&Json>,
        options: CallOptions,
    ) -> Result<Reply> {
        let reply = self.ask(service, method, params, options).await?;
        if is_of_contract(reply.status, &reply.body) {
            return Ok(reply);
        }
        Err(Error::new(
            Kind::BadGateway,
            format!(
                "what answered {service}.{method} with {} is no service of the fleet: it gave neither a result nor an error's code; \
                 see where the name leads with blackroad resolve {service}",
                reply.status
            ),
        ))
    }

    /// One call and its answer, whatever that is.
    async fn ask(&self, service: &str, method: &str, params: Option<&Json>, options: CallOptions) -> Result<Reply> {
        let deadline = deadline(&options, RPC_MAX_TIMEOUT);
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
        let response = self
            .send(service, request, &options, deadline, Want::Method(method))
            .await?;
        reply(response).await
    }

    /// Sends any request to a service and gives the answer as it comes, its body still streaming.
    ///
    /// # Errors
    /// What kept the request from the callee.
    pub async fn request(&self, service: &str, request: Request, options: &CallOptions) -> Result<Response> {
        let deadline = deadline(options, Duration::MAX);
        self.send(service, request, options, deadline, Want::Head).await
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
        let deadline = deadline(options, Duration::MAX);
        let response = self.send(service, request, options, deadline, Want::Whole).await?;
        reply(response).await
    }

    /// The fleet that this client knows.
    pub fn registry(&self) -> &Registry {
        &self.0.options.registry
    }

    /// The name under which this process calls.
    pub(super) fn own_name(&self) -> &str {
        &self.0.options.name
    }

    /// Whether a service is mounted in this process.
    pub(super) fn is_here(&self, key: &str) -> bool {
        self.0.options.switchboard.get(key).is_some()
    }

    pub(super) fn versions(&self, service: &str) -> Result<&Versions> {
        let key = &self.0.options.registry.get(service)?.key;
        self.0
            .peers
            .get(key)
            .ok_or_else(|| Error::not_found(format!("{key} has no address")))
    }
}

/// Until when a call may take: what it is allowed, and never more than what is left of its caller's time.
fn deadline(options: &CallOptions, most: Duration) -> Instant {
    let deadline = Instant::now() + options.timeout.unwrap_or(RPC_DEFAULT_TIMEOUT).min(most);
    match options.deadline {
        // The callee gives up before its caller does.
        Some(callers) => deadline.min(callers.checked_sub(HOP_MARGIN).unwrap_or(callers)),
        None => deadline,
    }
}

/// An answer that was read already, as what it is.
async fn reply(response: Response) -> Result<Reply> {
    let (parts, body) = response.into_parts();
    let body = body
        .collect()
        .await
        .map_err(|error| Error::new(Kind::BadGateway, "the answer broke off").with_source(error))?;
    Ok(Reply {
        status: parts.status,
        headers: parts.headers,
        body: body.to_bytes(),
    })
}
