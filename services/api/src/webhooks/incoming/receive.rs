use std::time::Duration;

use axum::response::Response;
use blackroad_os_contracts::api::ReceivedWebhook;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Kind, Result};
use syscall_sdk::http::{Body, Failure, Path, json};
use syscall_sdk::store::Condition;
use utoipa::ToSchema;

use super::body::{Delivery, read};
use super::settings;

/// What was taken; no syscall reaches it.
const NAMESPACE: &str = "webhooks";
/// How long a delivery is known by its names. Providers send again for three days at most, and by hand for as long as they show it, which is
/// up to a month; past it, a scheme that tells the time refuses what is old, and one that does not would take it as new.
const KNOWN_FOR: Duration = Duration::from_secs(32 * 86_400);

/// What is answered.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Taken {
    /// Whether it was emitted now.
    accepted: bool,
    /// What a provider that checks the address wants to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    challenge: Option<String>,
}

pub(super) async fn receive(
    context: Context,
    Path(name): Path,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Failure> {
    let Some(provider) = settings::of(&context, &name)? else {
        return Err(Error::not_found(format!("webhooks of {name:?} are not taken here"))
            .with_code("WEBHOOK_UNKNOWN")
            .into());
    };
    let now = context.clock().now();
    if provider.scheme.verify(&provider.keys, &headers, &body, now).is_err() {
        return Err(unproven(&context, &name).into());
    }
    let mut delivery = read(&provider.scheme, &headers, &body).await?;
    let challenge = delivery.challenge.take();
    let accepted = challenge.is_none() && take(&context, &name, delivery).await?;
    let status = if accepted { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok(json(status, &Taken { accepted, challenge }))
}

/// Emits it and notes its names, in one commit; `false` where it is known by one of them.
async fn take(context: &Context, provider: &str, delivery: Delivery) -> Result<bool> {
    let known = context.namespace(NAMESPACE)?;
    let topic = format!("webhook:{provider}:{}", delivery.kind);
    let received = ReceivedWebhook {
        provider: provider.to_owned(),
        kind: delivery.kind,
        id: delivery.id,
        payload: delivery.payload,
    };
    let commit = delivery.names.iter().fold(context.batch(), |commit, name| {
        let key = format!("known/{provider}/{name}");
        commit.put_for(&known, &key, &received.id, Condition::Absent, KNOWN_FOR)
    });
    match commit.emit_named(&topic, &received).commit().await {
        Ok(_) => Ok(true),
        Err(error) if error.code() == "VERSION_CONFLICT" => Ok(false),
        Err(error) => Err(error),
    }
}

/// One answer for all causes, which tells nobody how far they came.
fn unproven(context: &Context, name: &str) -> Error {
    let error = Error::new(
        Kind::Unauthenticated,
        format!("nothing proves that {name} sent this now; sign the raw body with the secret that is configured here"),
    )
    .with_code("WEBHOOK_UNPROVEN");
    let request = context.request();
    let target = format!("webhook {name}");
    context
        .kernel()
        .denied(&request.caller, request.client, &target, error.code());
    error
}
