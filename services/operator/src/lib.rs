//! Control plane: who is alive, schedules, deploys.

use syscall_sdk::service::Service;

/// What the service declares.
pub fn service() -> Service {
    Service::new("operator", env!("CARGO_PKG_VERSION"))
}
