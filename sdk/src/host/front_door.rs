//! Which service a request is for, by its Host.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::header::HOST;

use crate::error::{Error, Result};
use crate::http::refuse;
use crate::lifecycle::Scope;
use crate::registry::{Registry, host_name};
use crate::resolve::Endpoint;
use crate::rpc::Forwarder;
use crate::transport::{Bind, Handler, Request, Response, Switchboard};

/// Where to listen, and for whom.
#[derive(Clone, Debug)]
pub struct Door {
    /// The addresses.
    pub binds: Vec<Bind>,
    /// Who answers where the Host names nobody: an address, `localhost`, an unknown name.
    pub otherwise: String,
    /// Whether the Host chooses among the fleet, or `otherwise` answers everything.
    pub by_host: bool,
    /// Services that run in other processes.
    pub elsewhere: Arc<BTreeMap<String, Endpoint>>,
}

impl Door {
    /// The door of one service, whatever the Host says.
    pub fn of_service(key: &str, binds: Vec<Bind>) -> Self {
        Door {
            binds,
            otherwise: key.to_owned(),
            by_host: false,
            elsewhere: Arc::default(),
        }
    }

    /// The door of a fleet: the Host chooses, and `otherwise` answers where it names nobody.
    pub fn of_fleet(otherwise: &str, binds: Vec<Bind>) -> Self {
        Door {
            binds,
            otherwise: otherwise.to_owned(),
            by_host: true,
            elsewhere: Arc::default(),
        }
    }

    /// Services that run in other processes, and where.
    #[must_use]
    pub fn elsewhere(mut self, endpoints: BTreeMap<String, Endpoint>) -> Self {
        self.elsewhere = Arc::new(endpoints);
        self
    }
}

/// The handler behind a door: to a service in this process, or on to another.
pub fn front_door(door: &Door, registry: &Registry, switchboard: &Switchboard, scope: &Scope) -> Handler {
    let (door, registry, switchboard) = (door.clone(), registry.clone(), switchboard.clone());
    let forwarder = Forwarder::new(scope.clone());
    Handler::new(move |request| {
        let key = match choose(&door, &registry, &request) {
            Ok(key) => key,
            Err(error) => return Box::pin(async move { refuse(request.headers(), &error) }),
        };
        if let Some(handler) = switchboard.get(&key) {
            return handler.answer(request);
        }
        let (endpoint, forwarder) = (door.elsewhere.get(&key).cloned(), forwarder.clone());
        Box::pin(async move { elsewhere(&key, endpoint, &forwarder, request).await })
    })
}

fn choose(door: &Door, registry: &Registry, request: &Request) -> Result<String> {
    if !door.by_host {
        return Ok(door.otherwise.clone());
    }
    let host = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    if let Some(service) = registry.by_host(host) {
        return Ok(service.key.clone());
    }
    match host_name(host).strip_suffix(".localhost") {
        // The apex and its www belong to whoever answers for the apex.
        Some(label) if label != "www" => Err(Error::not_found(format!(
            "Unknown service: {label}; this fleet has {}",
            registry.keys().join(", ")
        ))
        .with_code("UNKNOWN_SERVICE")),
        _ => Ok(door.otherwise.clone()),
    }
}

async fn elsewhere(key: &str, endpoint: Option<Endpoint>, forwarder: &Forwarder, request: Request) -> Response {
    let Some(endpoint) = endpoint else {
        let error = Error::unavailable(format!("{key} does not run here"))
            .with_code("SERVICE_NOT_RUNNING")
            .unprocessed();
        return refuse(request.headers(), &error);
    };
    let headers = request.headers().clone();
    match forwarder.forward(&endpoint, request).await {
        Ok(response) => response,
        // Whoever asks knows the service by its key, not by its socket.
        Err(error) if error.code() == "CONNECT_FAILED" => refuse(&headers, &down(key).with_source(error)),
        Err(error) => refuse(&headers, &error),
    }
}

fn down(key: &str) -> Error {
    Error::unavailable(format!("{key} takes no connection; it is being started, or has died"))
        .with_code("SERVICE_DOWN")
        .with_retry_after(Duration::from_secs(1))
        .unprocessed()
}
