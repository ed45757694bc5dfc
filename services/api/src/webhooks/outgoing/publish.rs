use blackroad_os_contracts::api::{DELIVER_WEBHOOK, DeliverWebhook};
use serde::Serialize;
use syscall_sdk::context::EventContext;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::name::TopicFilter;
use syscall_sdk::wire::{Json, Timestamp};

use super::shelf::Shelf;

/// What an endpoint is sent.
#[derive(Serialize)]
struct Message<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: Timestamp,
    source: &'a str,
    data: Option<&'a Json>,
}

/// Makes a delivery for each subscription that wants the event, in the commit that notes it as taken.
pub(super) async fn publish(context: EventContext, _: Json) -> Result<()> {
    let event = context.event();
    let mut body = None;
    let mut batch = context.batch();
    for kept in Shelf::of(&context)?.all().await? {
        let subscription = kept.subscription;
        let wants =
            |pattern: &String| TopicFilter::parse(Some(pattern)).is_ok_and(|filter| filter.matches(&event.event));
        if subscription.disabled_at.is_some() || !subscription.events.iter().any(wants) {
            continue;
        }
        let body = match &body {
            Some(body) => Json::clone(body),
            None => {
                let message = Message {
                    kind: &event.event,
                    timestamp: event.timestamp,
                    source: &event.source,
                    data: event.data.as_ref(),
                };
                let made = Json::of(&message)
                    .map_err(|error| Error::internal("a webhook has no JSON form").with_source(error))?;
                body.insert(made).clone()
            }
        };
        let delivery = DeliverWebhook {
            subscription: subscription.id,
            // No dot: Standard Webhooks separates by them.
            message: format!("msg_{}", event.id.replace('.', "-")),
            body,
        };
        batch = batch.enqueue(&DELIVER_WEBHOOK, &delivery);
    }
    batch.commit().await.map(drop)
}
