//! Web: the public site, and the status page with what it has seen of the fleet.
//!
//! A task of its own asks every service how it is and counts the answers by the hour; the status page shows those counts and nothing else,
//! so that an hour in which nobody asked is shown as a gap and never as good.

mod home;
mod probe;
mod record;
mod routes;
mod status;

use syscall_sdk::service::Service;

/// What web declares.
pub fn service() -> Service {
    Service::new("web", env!("CARGO_PKG_VERSION"))
        .routes(routes::routes())
        .background("probe", probe::run)
}
