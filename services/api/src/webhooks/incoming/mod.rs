//! `POST /webhooks/{provider}`: proven by its signature over the raw body, taken once however often it is sent, and emitted as
//! `webhook:{provider}:{type}` in the same commit as the note that it came.
//!
//! | scheme | signed | when | what names a delivery |
//! |---|---|---|---|
//! | `github` | the body | no | `X-GitHub-Delivery`, and the body itself |
//! | `stripe` | time and body | `t` of `Stripe-Signature` | `id` of the body |
//! | `slack` | time and body | `X-Slack-Request-Timestamp` | `event_id` of the body, else the body |
//! | `standard` | id, time and body | `webhook-timestamp` | `webhook-id` |
//! | `hmac` | the body | no | a header, and the body itself |
//!
//! What is not signed proves nothing: where a delivery's name stands in a header alone, the body's own digest counts as its name too, or
//! whoever saw one delivery could send it again under another name.

mod body;
mod receive;
mod scheme;
mod settings;
#[cfg(test)]
mod tests;

use syscall_sdk::auth::Access;
use syscall_sdk::service::{Route, Routes};
use syscall_sdk::wire::Json;

/// The one route: its credential is the signature.
pub(crate) fn routes() -> Routes {
    Routes::new().with(
        Route::post("/webhooks/{provider}", Access::Public, receive::receive)
            .says("Takes a provider's webhook: proven by its signature, at most 1 MiB, emitted once however often it is sent.")
            .takes::<Json>()
            .gives::<receive::Taken>(202, "Taken, and emitted as webhook:{provider}:{type}.")
            .gives::<receive::Taken>(200, "It came before, or asked for nothing but an answer.")
            .fails(&[
                (400, "The body is neither JSON nor a form, or says nowhere what it is."),
                (401, "The signature, its time or its headers do not prove it."),
                (404, "This provider is not configured."),
                (413, "The body is larger than 1 MiB."),
                (503, "The provider's configuration cannot be used."),
            ]),
    )
}
