use std::sync::Arc;
use std::time::Duration;

use blackroad_os_contracts::api::{DeliverWebhook, DeliveredWebhook, WEBHOOK_DISABLED};
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use syscall_sdk::audit::Record;
use syscall_sdk::context::{Context, JobContext};
use syscall_sdk::error::{Error, Kind, Result};
use syscall_sdk::policy::jitter;
use syscall_sdk::wire::Timestamp;

use super::dial::{Dialler, check};
use super::shelf::{Kept, Shelf, key};

/// The waits after each failed attempt, as Standard Webhooks advises them: with the first attempt ten over three days and three hours.
const WAITS: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3_600),
    Duration::from_secs(5 * 3_600),
    Duration::from_secs(10 * 3_600),
    Duration::from_secs(14 * 3_600),
    Duration::from_secs(20 * 3_600),
    Duration::from_secs(24 * 3_600),
];
/// The part of a wait that is left to chance, so that an endpoint which was down is not met by everything at once.
const JITTER: f64 = 0.1;
/// Longest wait that an endpoint may ask for: the longest of ours.
const RETRY_AFTER_MAX: Duration = WAITS[8];
/// An endpoint for which every delivery has failed for so long is given up: longer than one delivery is tried, so that a long weekend
/// disables nobody.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(5 * 86_400);
/// Tries of noting how an endpoint does while others note it.
const ATTEMPTS: usize = 8;

/// Sends one message to one endpoint.
pub(super) async fn deliver(
    dialler: Arc<Dialler>,
    context: JobContext,
    params: DeliverWebhook,
) -> Result<DeliveredWebhook> {
    let kept = match Shelf::of(&context)?.find(&params.subscription).await {
        Ok((kept, _)) => kept,
        // It ended while this waited.
        Err(error) if error.kind() == Kind::NotFound => return Ok(DeliveredWebhook { status: None }),
        Err(error) => return Err(error),
    };
    if kept.subscription.disabled_at.is_some() {
        return Err(
            Error::unavailable("the endpoint was given up; enable the subscription and deliver again")
                .with_code("WEBHOOK_DISABLED")
                .without_retry(),
        );
    }
    let outcome = send(&dialler, &context, &kept, &params).await;
    note(&context, &kept, outcome.as_ref().err()).await?;
    outcome.map_err(|error| {
        let failed = usize::try_from(context.job().failures).unwrap_or(usize::MAX);
        let wait = WAITS.get(failed).copied().unwrap_or(RETRY_AFTER_MAX);
        let wait = wait.mul_f64(1.0 + JITTER * jitter());
        let asked = error.retry_after().unwrap_or_default().min(RETRY_AFTER_MAX);
        error.with_retry_after(wait.max(asked))
    })
}

async fn send(dialler: &Dialler, context: &Context, kept: &Kept, params: &DeliverWebhook) -> Result<DeliveredWebhook> {
    let environment = context.kernel().settings.environment;
    let url = check(&kept.subscription.url, environment)?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let now = Timestamp(context.clock().now());
    let seconds = now.0.timestamp().to_string();
    let body = params.body.text();
    let signed = [
        params.message.as_bytes(),
        b".",
        seconds.as_bytes(),
        b".",
        body.as_bytes(),
    ];
    let request = dialler
        .client(environment)?
        .post(url)
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, concat!("blackroad-webhooks/", env!("CARGO_PKG_VERSION")))
        .header("webhook-id", &params.message)
        .header("webhook-timestamp", &seconds)
        .header("webhook-signature", kept.sign(&signed, now)?)
        .body(body.to_owned());
    let answer = request.send().await.map_err(|error| {
        let what = if error.is_timeout() {
            "did not answer in time"
        } else if error.is_connect() {
            "cannot be reached"
        } else {
            "broke off"
        };
        // Without the URL, whose query may be a secret of the receiver's.
        Error::unavailable(format!("{host} {what}")).with_source(error.without_url())
    })?;
    // What an endpoint says beside its status is not read: it is of no use, and could be without end.
    let status = answer.status();
    if status.is_success() {
        return Ok(DeliveredWebhook {
            status: Some(status.as_u16()),
        });
    }
    let error = Error::unavailable(format!("{host} answered {status}"));
    let asked = answer
        .headers()
        .get(RETRY_AFTER)
        .and_then(|wait| wait.to_str().ok()?.parse().ok());
    Err(match (status, asked) {
        (StatusCode::GONE, _) => error.with_code("WEBHOOK_GONE").without_retry(),
        (_, Some(seconds)) => error.with_retry_after(Duration::from_secs(seconds)),
        (_, None) => error,
    })
}

/// Notes how the endpoint does, where that is news; one that fails for too long, or says that it is gone, is given up.
async fn note(context: &Context, seen: &Kept, failure: Option<&Error>) -> Result<()> {
    let shelf = Shelf::of(context)?;
    if failure.is_none() && seen.subscription.failing_since.is_none() {
        return Ok(());
    }
    for _ in 0..ATTEMPTS {
        let (mut kept, condition) = match shelf.find(&seen.subscription.id).await {
            Ok(found) => found,
            Err(error) if error.kind() == Kind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let now = Timestamp(context.clock().now());
        let before = kept.subscription.clone();
        let subscription = &mut kept.subscription;
        let mut given_up = false;
        match failure {
            None => subscription.failing_since = None,
            Some(error) => {
                let since = *subscription.failing_since.get_or_insert(now);
                let long = (now.0 - since.0)
                    .to_std()
                    .is_ok_and(|failing| failing >= GIVEN_UP_AFTER);
                given_up = subscription.disabled_at.is_none() && (long || error.code() == "WEBHOOK_GONE");
                if given_up {
                    subscription.disabled_at = Some(now);
                }
            }
        }
        if *subscription == before {
            return Ok(());
        }
        let mut commit = context.batch().put(&shelf.0, &key(&before.id), &kept, condition);
        if given_up {
            let why = failure.map(Error::message).unwrap_or_default();
            let record = Record::failed("webhook.disable", format!("webhook-subscription/{}", before.id));
            commit = commit
                .emit(&WEBHOOK_DISABLED, &kept.subscription)
                .audit(record.because(why));
        }
        match commit.commit().await {
            Ok(_) => return Ok(()),
            Err(error) if error.code() == "VERSION_CONFLICT" => {}
            Err(error) => return Err(error),
        }
    }
    // Others have noted the same in the meantime.
    Ok(())
}
