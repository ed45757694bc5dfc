//! The one public gateway.

use syscall_sdk::service::Service;

/// What the service declares.
pub fn service() -> Service {
    Service::new("api", env!("CARGO_PKG_VERSION"))
}
