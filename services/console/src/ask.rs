//! Questions to a service, each with a short patience: a page waits for nobody long.

use std::time::Duration;

use serde::de::DeserializeOwned;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Kind, Result};
use syscall_sdk::rpc::CallOptions;
use syscall_sdk::wire::SystemHealth;

/// Longest wait for one answer: long enough for a slow service, short enough that the page still comes in its time.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// How the console asks: in the name of its reader, so that a page shows nobody what they may not read.
pub(crate) fn options(context: &Context) -> CallOptions {
    CallOptions {
        timeout: Some(PATIENCE),
        ..context.on_behalf()
    }
}

/// How the console asks for what it shows to everybody alike who may see its pages: figures, and who calls whom.
pub(crate) fn own_options(context: &Context) -> CallOptions {
    CallOptions {
        timeout: Some(PATIENCE),
        ..context.call_options()
    }
}

/// As [`get`], for what is shared among all who look.
pub(crate) async fn get_shared<T: DeserializeOwned>(context: &Context, service: &str, path: &str) -> Result<T> {
    context.rpc().get_json(service, path, &own_options(context)).await
}

/// A path of a service, as JSON.
pub(crate) async fn get<T: DeserializeOwned>(context: &Context, service: &str, path: &str) -> Result<T> {
    context.rpc().get_json(service, path, &options(context)).await
}

/// How a service is. One that is degraded or unhealthy answers 503 with the same body, and is an answer too.
pub(crate) async fn health(context: &Context, service: &str) -> Result<SystemHealth> {
    let reply = context
        .rpc()
        .get(service, "/v1/sys/health", &own_options(context))
        .await?;
    serde_json::from_slice(&reply.body).map_err(|error| {
        Error::new(
            Kind::BadGateway,
            format!("{service} answered {} and no health", reply.status),
        )
        .with_source(error)
    })
}

/// A text within a query: everything but letters, digits and `-._~` is written in hexadecimal.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_means_something_in_a_query_is_encoded() {
        assert_eq!(super::encode("user:* & ä"), "user%3A%2A%20%26%20%C3%A4");
    }
}
