//! The public site and the status page.

use syscall_sdk::service::Service;

/// What the service declares.
pub fn service() -> Service {
    Service::new("web", env!("CARGO_PKG_VERSION"))
}
