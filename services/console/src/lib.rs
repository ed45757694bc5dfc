//! Console: the fleet, live. What every service says of itself, on one page; and each service in full, with what can be done about it.
//!
//! The console keeps nothing: it asks the services over the same syscalls that anyone may use, and says beside every view how to ask by
//! hand. What it asks for while somebody looks is shared among all who look.

mod actions;
mod ask;
mod audit;
mod board;
mod calls;
mod live;
mod overview;
mod parts;
mod routes;
mod service;
mod tail;
mod trace;
mod traces;
mod view;

use syscall_sdk::service::Service;

/// What console declares.
pub fn service() -> Service {
    Service::new("console", env!("CARGO_PKG_VERSION")).routes(routes::routes())
}
