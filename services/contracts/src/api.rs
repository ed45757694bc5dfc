//! Api: what comes in as webhooks, and who is sent webhooks of what happens in the fleet.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use syscall_sdk::contract::{Method, Task, Topic};
use syscall_sdk::wire::{Json, Timestamp};
use utoipa::ToSchema;

/// A webhook that came and was genuine: the data of the events `webhook:{provider}:{type}`.
///
/// Whoever acts on one declares its topic: `Topic::<ReceivedWebhook>::new("api", "webhook:github:pull_request")`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReceivedWebhook {
    /// The provider, as in the path that it was sent to.
    pub provider: String,
    /// What happened, in the provider's word; it is the end of the event's name.
    #[serde(rename = "type")]
    pub kind: String,
    /// The provider's name of this delivery; the same however often it was sent.
    pub id: String,
    /// The body, as JSON; of a form, its fields as texts.
    pub payload: Json,
}

/// Sends webhooks of what happens in the fleet to a URL. The secret is told once.
pub const CREATE_WEBHOOK: Method<CreateWebhook, WebhookWithSecret> = Method::new(
    "api",
    "createWebhookSubscription",
    "Sends webhooks of events to a URL, signed with a secret that is told once.",
);
/// Who is sent webhooks.
pub const LIST_WEBHOOKS: Method<ListWebhooks, Webhooks> =
    Method::new("api", "listWebhookSubscriptions", "Who is sent webhooks, by creation.").idempotent();
/// Ends a subscription; what waits to be delivered to it is dropped. `WEBHOOK_SUBSCRIPTION_NOT_FOUND`.
pub const DELETE_WEBHOOK: Method<OneWebhook, OneWebhook> =
    Method::new("api", "deleteWebhookSubscription", "Ends a webhook subscription.");
/// Makes another secret; for a day deliveries bear both signatures. `WEBHOOK_SUBSCRIPTION_NOT_FOUND`.
pub const ROTATE_WEBHOOK: Method<OneWebhook, WebhookWithSecret> = Method::new(
    "api",
    "rotateWebhookSecret",
    "Makes another secret for a webhook subscription; for a day deliveries are signed with both.",
);
/// Sends to an endpoint again that failed for too long. `WEBHOOK_SUBSCRIPTION_NOT_FOUND`.
pub const ENABLE_WEBHOOK: Method<OneWebhook, Webhook> = Method::new(
    "api",
    "enableWebhookSubscription",
    "Sends webhooks again to an endpoint that was given up.",
)
.idempotent();
/// Deliveries that were given up, newest first.
pub const LIST_DEAD_WEBHOOKS: Method<ListDeadWebhooks, DeadWebhooks> = Method::new(
    "api",
    "listDeadWebhooks",
    "Webhook deliveries that were given up, newest first.",
)
.idempotent();
/// Delivers again what was given up, with fresh attempts. `JOB_NOT_FOUND` where there is no such delivery.
pub const REDELIVER_WEBHOOK: Method<RedeliverWebhook, RedeliverWebhook> = Method::new(
    "api",
    "redeliverWebhook",
    "Delivers a webhook again that was given up, with fresh attempts.",
);
/// Delivers one event to one endpoint. Ten attempts over some three days, as Standard Webhooks advises.
pub const DELIVER_WEBHOOK: Task<DeliverWebhook, DeliveredWebhook> = Task::new("api", "deliver-webhook")
    .attempts(10)
    .timeout(Duration::from_secs(20));
/// An endpoint failed for too long and is sent nothing until it is enabled; in the same commit.
pub const WEBHOOK_DISABLED: Topic<Webhook> = Topic::new("api", "webhook-subscription:disabled");

/// See [`CREATE_WEBHOOK`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreateWebhook {
    /// Where to: `https://`, without a user or a password in it.
    pub url: String,
    /// Which events: names, or with a trailing `*` every name that starts so; 1 to 20.
    pub events: Vec<String>,
    /// What it is for, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Who is sent webhooks of what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// The id.
    pub id: String,
    /// Where to.
    pub url: String,
    /// Which events.
    pub events: Vec<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when every delivery has failed; absent where the latest came through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// When it was given up; absent while it is sent to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Timestamp>,
}

/// A subscription with its secret, which is not told again.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct WebhookWithSecret {
    /// The subscription.
    pub subscription: Webhook,
    /// `whsec_` and base64, as libraries of Standard Webhooks take it.
    pub secret: String,
}

impl fmt::Debug for WebhookWithSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookWithSecret")
            .field("subscription", &self.subscription)
            .finish_non_exhaustive()
    }
}

/// [`LIST_WEBHOOKS`] takes nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ListWebhooks {}

/// What [`LIST_WEBHOOKS`] gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Webhooks {
    /// By creation.
    pub subscriptions: Vec<Webhook>,
    /// The events that can be sent: each is a name, or with a trailing `*` a beginning of names.
    pub events: Vec<String>,
}

/// One subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OneWebhook {
    /// Its id.
    pub id: String,
}

/// See [`LIST_DEAD_WEBHOOKS`].
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ListDeadWebhooks {
    /// At most so many; 50 unless said, 500 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Go on from this cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// What [`LIST_DEAD_WEBHOOKS`] gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeadWebhooks {
    /// Newest first.
    pub deliveries: Vec<DeadWebhook>,
    /// Ask for this with `cursor` to go on; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A delivery that was given up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadWebhook {
    /// Its name here: the job's id.
    pub delivery: String,
    /// The subscription.
    pub subscription: String,
    /// What its receiver knows it by: `webhook-id`.
    pub message: String,
    /// Why it was given up.
    pub error: String,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub died_at: Option<Timestamp>,
}

/// See [`REDELIVER_WEBHOOK`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RedeliverWebhook {
    /// The delivery.
    pub delivery: String,
}

/// See [`DELIVER_WEBHOOK`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeliverWebhook {
    /// The subscription.
    pub subscription: String,
    /// The same however often it is sent: `webhook-id`.
    pub message: String,
    /// The body, sent byte for byte as it stands here.
    pub body: Json,
}

/// What delivering came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeliveredWebhook {
    /// What the endpoint answered; absent where the subscription had ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}
