use blackroad_os_contracts::api::{Webhook, WebhookWithSecret};
use serde::{Deserialize, Serialize};
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::name::Prefix;
use syscall_sdk::state::State;
use syscall_sdk::store::{Condition, Seq};
use syscall_sdk::wire::Timestamp;

use crate::webhooks::signature;

/// Subscriptions with their secrets; no syscall reaches it.
const NAMESPACE: &str = "webhook-subscriptions";
const IDS: &str = "id/";
/// Random bytes of a secret, as many as the hash is long.
const SECRET_BYTES: usize = 32;

/// A subscription as it is kept. It has no `Debug`, since its secrets must not be printed.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) subscription: Webhook,
    secret: String,
    /// The secret before, and until when it still signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<(String, Timestamp)>,
}

impl Kept {
    /// A subscription with a secret of its own.
    pub(super) fn new(subscription: Webhook) -> Result<Self> {
        Ok(Kept {
            subscription,
            secret: secret()?,
            before: None,
        })
    }

    /// The same with another secret; the one that it has signs too, until a moment.
    pub(super) fn rotated(self, until: Timestamp) -> Result<Self> {
        Ok(Kept {
            before: Some((self.secret, until)),
            secret: secret()?,
            subscription: self.subscription,
        })
    }

    pub(super) fn told(self) -> WebhookWithSecret {
        WebhookWithSecret {
            subscription: self.subscription,
            secret: self.secret,
        }
    }

    /// `webhook-signature`: one for each secret that is live.
    pub(super) fn sign(&self, parts: &[&[u8]], now: Timestamp) -> Result<String> {
        let before = self.before.as_ref().filter(|(_, until)| now < *until);
        let live = [&self.secret].into_iter().chain(before.map(|(secret, _)| secret));
        let signatures: Result<Vec<String>> = live
            .map(|secret| {
                let bytes = signature::decoded(secret)
                    .ok_or_else(|| Error::internal("the secret of a webhook subscription cannot be read"))?;
                Ok(signature::versioned(&signature::sign(&signature::key(&bytes), parts)))
            })
            .collect();
        Ok(signatures?.join(" "))
    }
}

/// Where subscriptions are kept.
pub(super) struct Shelf(pub(super) State);

impl Shelf {
    pub(super) fn of(context: &Context) -> Result<Self> {
        context.namespace(NAMESPACE).map(Shelf)
    }

    /// A subscription, and the condition under which it may be replaced.
    pub(super) async fn find(&self, id: &str) -> Result<(Kept, Condition)> {
        let missing = || {
            Error::not_found(format!("there is no webhook subscription {id:?}"))
                .with_code("WEBHOOK_SUBSCRIPTION_NOT_FOUND")
        };
        let key = key(id);
        if syscall_sdk::name::Key::new(&key).is_err() {
            return Err(missing());
        }
        let entry = self.0.entry(&key).await?.ok_or_else(missing)?;
        let revision: Seq = entry.revision;
        let kept = entry
            .value
            .to()
            .map_err(|error| Error::internal("a webhook subscription cannot be read").with_source(error))?;
        Ok((kept, Condition::Revision(revision)))
    }

    /// All of them, by creation.
    pub(super) async fn all(&self) -> Result<Vec<Kept>> {
        let all = self.0.list(&Prefix::new(IDS)?).await?;
        Ok(all.into_iter().map(|(_, kept)| kept).collect())
    }
}

/// The key of a subscription.
pub(super) fn key(id: &str) -> String {
    format!("{IDS}{id}")
}

fn secret() -> Result<String> {
    use base64::Engine as _;
    let mut bytes = [0; SECRET_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::unavailable("the system gives no random bytes; try again"))?;
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    Ok(format!("{}{text}", signature::SECRET_PREFIX))
}
