//! Api: the one public gateway.
//!
//! `POST /v1/{service}/{method}` is RPC for who speaks plain HTTP: the params are checked against the method's own schema, and the
//! caller's deadline and credential go along.

mod catalog;
mod document;
mod gateway;
mod page;
mod routes;

use std::sync::Arc;

use syscall_sdk::service::Service;

/// What the gateway declares.
pub fn service() -> Service {
    let catalog = Arc::new(catalog::Catalog::default());
    Service::new("api", env!("CARGO_PKG_VERSION")).routes(routes::routes(catalog))
}
