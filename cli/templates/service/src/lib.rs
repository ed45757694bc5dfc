//! Sample: items that are kept, counted and shown.
//!
//! An item lives in a namespace of the service's own, which no syscall reaches; it is kept in one commit with its event.

mod items;
mod page;
mod routes;

use sample_contracts::sample;
use syscall_sdk::service::Service;

/// What the service declares.
pub fn service() -> Service {
    Service::new("sample-key", env!("CARGO_PKG_VERSION"))
        .method(sample::ADD_ITEM, items::add)
        .task(sample::COUNT_ITEMS, items::count)
        .cron(sample::COUNT_ITEMS, "0 6 * * *", &())
        .routes(routes::routes())
}
