//! Api: the one public gateway.
//!
//! `POST /v1/{service}/{method}` is RPC for who speaks plain HTTP: the params are checked against the method's own schema, and the
//! caller's deadline and credential go along. Webhooks of providers come in beside it, and those of
//! the fleet's own events go out.

mod catalog;
mod document;
mod gateway;
mod page;
mod routes;
mod webhooks;

use std::sync::Arc;

use syscall_sdk::service::Service;

/// What the gateway declares.
pub fn service() -> Service {
    let catalog = Arc::new(catalog::Catalog::default());
    let service = Service::new("api", env!("CARGO_PKG_VERSION"))
        .routes(routes::routes(catalog))
        .routes(webhooks::incoming::routes());
    webhooks::outgoing::send(service)
}
