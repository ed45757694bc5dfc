use std::time::Duration;

use super::Subscriptions;
use crate::contract::delivery;
use crate::error::{Error, Kind, Result};
use crate::policy::{Backoff, jitter};
use crate::registry::Registry;
use crate::rpc::{CallOptions, Client};
use crate::wire::{Json, Renew, Subscribe, Subscribed};

/// Between tries to reach a source. For ever: a subscriber that gives up is well and misses everything.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_millis(250), Duration::from_secs(30));
/// Tries to tell one service of a new log; over two minutes of them. Who was not there for so long subscribes when it comes up.
const RENEW_ATTEMPTS: u32 = 10;

impl Subscriptions {
    /// Subscribes to a source until it has heard, and again whenever it says that it knows of nothing.
    pub async fn keep_registered(&self, key: &str, rpc: &Client, source: &str) {
        let mut failure = 0;
        loop {
            match self.register(key, rpc, source).await {
                Ok(_) => {
                    failure = 0;
                    tracing::info!(source, "subscribed: the source pushes its events from now on");
                    self.inbox.note_registered(source, true);
                    self.inbox.note_refused(source, None);
                    self.inbox.asked_to_renew(source).await;
                    continue;
                }
                // Waiting does not mend it: whatever is subscribed to is missed until a person acts.
                Err(error) if is_refusal(&error) => {
                    if self.inbox.note_refused(source, Some(error.message())) {
                        tracing::error!(source, error = %error.chain(), "the source of a subscription refuses it, so that its events do not come; give this service the right that is missing");
                    }
                }
                // The source may come up later; once is worth a line, again is not.
                Err(error) if failure == 0 => {
                    tracing::info!(source, error = %error.chain(), "the source of a subscription cannot be reached yet; trying again in the background");
                }
                Err(_) => {}
            }
            failure += 1;
            tokio::select! {
                () = tokio::time::sleep(BACKOFF.wait(failure, jitter())) => {}
                () = self.inbox.asked_to_renew(source) => {}
            }
        }
    }

    async fn register(&self, key: &str, rpc: &Client, source: &str) -> Result<Subscribed> {
        let subscribe = Subscribe {
            subscriber: key.to_owned(),
            subscriptions: self.inbox.wanted(source).await?,
        };
        if source == key {
            return self.outbox.subscribe(subscribe).await;
        }
        let params = Json::of(&subscribe)
            .map_err(|error| Error::internal("a subscription has no JSON form").with_source(error))?;
        let result = rpc
            .call_by_name(source, delivery::SUBSCRIBE, Some(&params), CallOptions::default())
            .await?;
        result.to().map_err(|error| {
            Error::new(
                Kind::BadGateway,
                format!("{source} answered a subscription with another shape"),
            )
            .with_source(error)
        })
    }

    /// Where this service's log begins now, tells whoever may take its events: a store that was lost took the subscriptions along, and who had
    /// some knows it only by being told.
    pub async fn tell_of_a_new_log(&self, key: &str, registry: &Registry, rpc: &Client) {
        let renew = Renew { source: key.to_owned() };
        let Ok(params) = Json::of(&renew) else { return };
        let mut left: Vec<String> = registry.listeners(key).map(str::to_owned).collect();
        for failure in 1..=RENEW_ATTEMPTS {
            let mut unheard = Vec::new();
            for service in left {
                let told = rpc
                    .call_by_name(&service, delivery::RENEW, Some(&params), CallOptions::default())
                    .await;
                // Who answers that it knows no such method has no subscriptions.
                if told.is_err_and(|error| error.kind().retryable()) {
                    unheard.push(service);
                }
            }
            left = unheard;
            if left.is_empty() {
                return;
            }
            tokio::time::sleep(BACKOFF.wait(failure, jitter())).await;
        }
    }
}

/// Whether a source was reached and lets this service have nothing.
fn is_refusal(error: &Error) -> bool {
    matches!(error.kind(), Kind::Forbidden | Kind::Unauthenticated)
}
