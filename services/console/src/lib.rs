//! The dashboard: the fleet, live.

use syscall_sdk::service::Service;

/// What the service declares.
pub fn service() -> Service {
    Service::new("console", env!("CARGO_PKG_VERSION"))
}
