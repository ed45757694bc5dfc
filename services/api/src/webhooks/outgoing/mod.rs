//! Webhooks of what happens in the fleet, as Standard Webhooks has them: signed, sent again for three days, given up with a word.
//!
//! An event makes one job for each subscription that wants it, in the commit that notes the event as taken; the job sends the same bytes
//! under the same id until the endpoint takes them. What can be sent is [`FAMILIES`]: a source pushes the names that its subscribers
//! declare, and these are declared in code.

mod deliver;
mod dial;
mod manage;
mod publish;
mod shelf;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use blackroad_os_contracts::api;
use syscall_sdk::contract::Topic;
use syscall_sdk::service::Service;
use syscall_sdk::wire::Json;

/// The events that can be sent, by source: whole families, so that a new event of one is sent without a change here.
const FAMILIES: [Topic<Json>; 3] = [
    Topic::new("core", "user:*"),
    Topic::new("operator", "mesh:*"),
    Topic::new("api", "webhook-subscription:*"),
];

/// The methods to subscribe by, the subscriptions to the fleet's events, and the job that delivers.
pub(crate) fn send(service: Service) -> Service {
    let dialler = Arc::<dial::Dialler>::default();
    let service = FAMILIES
        .into_iter()
        .fold(service, |service, family| service.on(family, publish::publish));
    service
        .method(api::CREATE_WEBHOOK, manage::create)
        .method(api::LIST_WEBHOOKS, manage::list)
        .method(api::DELETE_WEBHOOK, manage::delete)
        .method(api::ROTATE_WEBHOOK, manage::rotate)
        .method(api::ENABLE_WEBHOOK, manage::enable)
        .method(api::LIST_DEAD_WEBHOOKS, manage::list_dead)
        .method(api::REDELIVER_WEBHOOK, manage::redeliver)
        .task(api::DELIVER_WEBHOOK, move |context, params| {
            deliver::deliver(Arc::clone(&dialler), context, params)
        })
}
