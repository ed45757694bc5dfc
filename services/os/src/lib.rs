//! Os: the fleet as a file system, and a shell in the browser to walk it.
//!
//! Every file is read from the service it is of, at the moment it is asked for, with the asker's own credential; nothing is kept here.

mod page;
mod path;
mod pretty;
mod routes;
mod shell;
mod tail;
mod tree;

use syscall_sdk::service::Service;

/// What the service declares.
pub fn service() -> Service {
    Service::new("os", env!("CARGO_PKG_VERSION")).routes(routes::routes())
}
