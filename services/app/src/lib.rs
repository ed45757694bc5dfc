//! App: the OS shell. Every service's page in a window of its own, in one place.
//!
//! The shell adds nothing to what the services are: a window is a frame around a service's own page, which stays what it is at its own
//! address. Without the script the page is a list of links.

mod routes;
mod shell;

use syscall_sdk::service::Service;

/// What app declares.
pub fn service() -> Service {
    Service::new("app", env!("CARGO_PKG_VERSION")).routes(routes::routes())
}
