//! The audit trail: one chain of what every service puts on the record.
//!
//! Services record with the effect that they speak of, as events; core is subscribed to all of them from the first that they keep,
//! and appends each in the commit that notes it as taken, so that a record is in the chain once. Nothing of it is ever dropped, and
//! nothing but this appends to it. `head` holds where the chain ends, `entry/{sequence}` the entries.

mod append;
mod head;
mod read;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use blackroad_os_contracts::audit::{RECORDS, TELL_HEAD};
use syscall_sdk::service::{Routes, Service, Subscribe};

/// The namespace of the chain, which no syscall reaches.
const NAMESPACE: &str = "audit";
const HEAD: &str = "head";
const ENTRIES: &str = "entry/";

/// A subscription to every service's records, the routes to read the chain by, and the job that tells where it ends.
pub(crate) fn keep(service: Service) -> Service {
    let turn = append::Turn::default();
    let service = RECORDS.into_iter().fold(service, |service, topic| {
        let turn = Arc::clone(&turn);
        let source = topic.service;
        service.on_with(topic, Subscribe::default().from_start(), move |context, record| {
            append::append(Arc::clone(&turn), context, source, record)
        })
    });
    service.task(TELL_HEAD, head::tell).cron(TELL_HEAD, "0 * * * *", &())
}

/// The routes to read the chain by; none writes it.
pub(crate) fn routes() -> Routes {
    read::routes()
}

/// Where an entry is kept: so that the order of keys is that of the chain.
fn key(sequence: u64) -> String {
    format!("{ENTRIES}{sequence:020}")
}
