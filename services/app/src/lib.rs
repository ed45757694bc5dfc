//! The OS shell: one place to work.

use syscall_sdk::service::Service;

/// What the service declares.
pub fn service() -> Service {
    Service::new("app", env!("CARGO_PKG_VERSION"))
}
