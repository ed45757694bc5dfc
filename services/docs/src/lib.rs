//! The documentation site, with search.

use syscall_sdk::service::Service;

/// What the service declares.
pub fn service() -> Service {
    Service::new("docs", env!("CARGO_PKG_VERSION"))
}
