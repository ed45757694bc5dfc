//! The apex domain.

use syscall_sdk::service::Service;

/// What the service declares.
pub fn service() -> Service {
    Service::new("root", env!("CARGO_PKG_VERSION"))
}
