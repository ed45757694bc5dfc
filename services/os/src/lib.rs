//! The fleet as a file system and a shell.

use syscall_sdk::service::Service;

/// What the service declares.
pub fn service() -> Service {
    Service::new("os", env!("CARGO_PKG_VERSION"))
}
