//! What a life reaches outside of its process: peers, the public network, the collector; and what it says of its platform.

use std::sync::Arc;
use std::time::Duration;

use super::DrainBudget;
use super::boot::Plan;
use crate::config::Environment;
use crate::context::Kernel;
use crate::error::{Error, Result};
use crate::lifecycle::Scope;
use crate::policy::Reach;
use crate::resolve::{Dns, Endpoint, Resolver, Table};
use crate::rpc::{Outside, abroad, is_at_home, public_client};
use crate::telemetry::{Exporter, Otlp};
use crate::transport::Bound;

/// Longest wait for an answer of the public network, where a caller says nothing else.
const HTTP_TIMEOUT: Duration = Duration::from_secs(30);

/// Where the peers are: their sockets in a fleet of processes, else what the private network's names say.
pub(super) fn resolver(plan: &Plan) -> Result<Arc<dyn Resolver>> {
    if let Some(directory) = &plan.settings.sockets {
        let table = plan.registry.services().fold(Table::default(), |table, service| {
            let host = format!("{}.railway.internal", service.name);
            let socket = Endpoint::Unix(directory.join(format!("{}.sock", service.key)));
            // On one machine there is one version of each, whatever the registry has elsewhere.
            let versions = service.version.iter().filter_map(|version| version.host());
            versions.fold(table.with(host, socket.clone()), |table, host| {
                table.with(host, socket.clone())
            })
        });
        return Ok(Arc::new(table));
    }
    match Dns::from_system() {
        Ok(dns) => Ok(Arc::new(dns)),
        // A laptop without a name server still runs its own fleet: calls within the process need no name.
        Err(_) if plan.settings.environment == Environment::Development => Ok(Arc::new(Table::default())),
        Err(error) => Err(error),
    }
}

/// The public ways that calls to peers may take, where they may take any.
pub(super) fn ways(plan: &Plan) -> Result<Option<Outside>> {
    let settings = &plan.settings;
    if settings.fallback.is_empty() {
        return Ok(None);
    }
    Ok(Some(Outside {
        http: http_client(settings.environment)?,
        ways: settings.fallback.clone(),
        environment: settings.environment,
        reach: abroad(settings.environment),
    }))
}

/// Where calls on the private network may lead. This machine is part of it where the fleet listens there: in development and tests, and where the
/// environment says so of a service.
pub(super) fn inside(plan: &Plan) -> Reach {
    let environment = plan.settings.environment;
    let here = plan.registry.services().any(|service| {
        let url = plan.registry.internal_url(&service.key).unwrap_or_default();
        let said = |reach: Reach| url.parse().is_ok_and(|url| reach.check_url(&url).is_ok());
        !said(Reach::PRIVATE) && said(Reach::PRIVATE.or_loopback())
    });
    if here || is_at_home(environment) {
        Reach::PRIVATE.or_loopback()
    } else {
        Reach::PRIVATE
    }
}

/// The client of the public network, for the service's own requests and for the public ways.
pub(super) fn http_client(environment: Environment) -> Result<reqwest::Client> {
    public_client(environment)
        .timeout(HTTP_TIMEOUT)
        .build()
        .map_err(|error| Error::internal("the client of the public network cannot be made").with_source(error))
}

/// Where lines, spans and figures are exported to, if anywhere.
pub(super) async fn exporter(plan: &Plan, version: &str, instance: &str) -> Result<Option<Exporter>> {
    let Some(endpoint) = plan.settings.otlp_endpoint.clone() else {
        return Ok(None);
    };
    let otlp = Otlp {
        endpoint,
        service: plan.record.name.clone(),
        version: version.to_owned(),
        environment: plan.settings.environment.to_string(),
        instance: plan
            .settings
            .platform
            .replica_id
            .clone()
            .unwrap_or_else(|| instance.to_owned()),
    };
    crate::transport::install_tls();
    let scope = Scope::new("exporter", tracing::Span::none());
    scope
        .blocking("start-exporter", move || Exporter::start(&otlp))
        .await?
        .map(Some)
}

/// Says in one line where the service listens, and by which names others find it there.
pub(super) fn tell_where(kernel: &Kernel, bound: &[Bound]) {
    let bound: Vec<String> = bound.iter().map(Bound::to_string).collect();
    let environment = kernel.settings.environment;
    let key = &kernel.record.key;
    // The record came out of this registry, so the service is known to it.
    let internal = kernel.registry.internal_url(key).unwrap_or_default();
    let public = kernel.registry.public_url(key, environment).unwrap_or_default();
    kernel.scope.span().in_scope(|| {
        tracing::info!(
            "listening on {}; peers call {internal}, people {public}",
            bound.join(" and ")
        );
    });
}

/// Says at boot what the platform's settings would break later.
pub(super) fn warn_of_the_platform(kernel: &Kernel) {
    let platform = &kernel.settings.platform;
    if !platform.railway {
        return;
    }
    let needed = DrainBudget::default().total.as_secs();
    match platform.draining_seconds {
        Some(given) if given >= needed => {}
        given => tracing::warn!(
            given_seconds = given.unwrap_or(0),
            needed_seconds = needed,
            "RAILWAY_DEPLOYMENT_DRAINING_SECONDS is shorter than a drain takes, so the platform will kill requests in flight; set it to 10 or more"
        ),
    }
    if kernel.settings.port.is_some_and(|port| port != kernel.record.port) {
        tracing::warn!(
            port = kernel.settings.port.unwrap_or_default(),
            registered = kernel.record.port,
            "PORT differs from the registry's, so the internal URLs that peers use are wrong; set PORT to the registry's"
        );
    }
}
