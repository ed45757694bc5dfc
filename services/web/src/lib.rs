//! Web: the public site, and the status page with what it has seen of the fleet.
//!
//! A task of its own asks every service how it is and counts the answers by the hour; the status page shows those counts and nothing else,
//! so that an hour in which nobody asked is shown as a gap and never as good. Which processes came and went is the operator's to know;
//! web subscribes to what it tells.

mod home;
mod probe;
mod processes;
mod record;
mod routes;
mod status;

use blackroad_os_contracts::operator;
use syscall_sdk::service::Service;

/// What web declares.
pub fn service() -> Service {
    Service::new("web", env!("CARGO_PKG_VERSION"))
        .routes(routes::routes())
        .background("probe", probe::run)
        .on(operator::JOINED, processes::note)
        .on(operator::LEFT, processes::note)
        .on(operator::LOST, processes::note)
}
