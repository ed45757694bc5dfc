//! Root: the apex domain. Where the fleet begins for whoever knows its name alone.
//!
//! A page with every service, the registry as JSON, the files that a domain is asked for, and the way from `www` to the apex. The front
//! door brings here what no service is named by.

mod apex;
mod files;
mod landing;
mod routes;

use syscall_sdk::service::Service;

/// What root declares.
pub fn service() -> Service {
    Service::new("root", env!("CARGO_PKG_VERSION")).routes(routes::routes())
}
