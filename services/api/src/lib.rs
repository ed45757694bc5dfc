//! Api: the one public gateway.
//!
//! `POST /v1/{service}/{method}` is RPC for who speaks plain HTTP: the params are checked against the method's own schema, and the
//! caller's deadline goes along. A token of the fleet's own goes along as well; of an API key or a person's access token the gateway says for
//! whom it calls, with a token for that one call. Webhooks of providers come in beside it, and those of
//! the fleet's own events go out.

mod catalog;
mod document;
mod gateway;
mod outside;
mod page;
mod routes;
mod settings;
mod stream;
mod webhooks;

use std::sync::Arc;

use syscall_sdk::service::Service;

/// What the gateway declares.
pub fn service() -> Service {
    let catalog = Arc::new(catalog::Catalog::default());
    let service = Service::new("api", env!("CARGO_PKG_VERSION"))
        .own_events(&["webhook", "webhook-subscription"])
        .identify(outside::Outside::default())
        .routes(routes::routes(catalog))
        .routes(webhooks::incoming::routes());
    webhooks::outgoing::send(service)
}
