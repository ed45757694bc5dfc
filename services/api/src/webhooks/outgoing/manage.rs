use std::time::Duration;

use blackroad_os_contracts::api::{
    CreateWebhook, DELIVER_WEBHOOK, DeadWebhook, DeadWebhooks, DeliverWebhook, ListDeadWebhooks, ListWebhooks,
    OneWebhook, RedeliverWebhook, Webhook, WebhookWithSecret, Webhooks,
};
use syscall_sdk::audit::Record;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Kind, Result};
use syscall_sdk::name::TopicFilter;
use syscall_sdk::store::{Condition, JobQuery};
use syscall_sdk::wire::{JobStatus, Timestamp};

use super::FAMILIES;
use super::dial::check;
use super::shelf::{Kept, Shelf, key};

/// Subscriptions in all: each event of the fleet is held against each of them.
const SUBSCRIPTIONS_MAX: usize = 100;
/// Patterns of one subscription.
const EVENTS_MAX: usize = 20;
/// Longest URL, as servers commonly take it.
const URL_MAX_BYTES: usize = 2_048;
/// Longest description: it is shown in one line.
const DESCRIPTION_MAX_BYTES: usize = 300;
/// How long a secret that was replaced signs beside the new one: what Standard Webhooks advises.
const BOTH_SIGN_FOR: Duration = Duration::from_secs(86_400);
/// Dead deliveries on a page unless said, and at most.
const PAGE: usize = 50;
const PAGE_MAX: usize = 500;

pub(super) async fn create(context: Context, params: CreateWebhook) -> Result<WebhookWithSecret> {
    let environment = context.kernel().settings.environment;
    if params.url.len() > URL_MAX_BYTES {
        return Err(Error::invalid(format!("the url is longer than {URL_MAX_BYTES} bytes")).with_code("INVALID_URL"));
    }
    let url = check(&params.url, environment)?.to_string();
    check_events(&params.events)?;
    let long = params
        .description
        .as_ref()
        .is_some_and(|text| text.len() > DESCRIPTION_MAX_BYTES);
    if long {
        return Err(Error::invalid(format!(
            "description is at most {DESCRIPTION_MAX_BYTES} bytes"
        )));
    }
    let shelf = Shelf::of(&context)?;
    if shelf.all().await?.len() >= SUBSCRIPTIONS_MAX {
        return Err(Error::conflict(format!(
            "there are {SUBSCRIPTIONS_MAX} webhook subscriptions; end one first"
        ))
        .with_code("TOO_MANY_WEBHOOK_SUBSCRIPTIONS"));
    }
    let kept = Kept::new(Webhook {
        id: syscall_sdk::name::new_id(),
        url,
        events: params.events,
        description: params.description,
        created_at: Timestamp(context.clock().now()),
        failing_since: None,
        disabled_at: None,
    })?;
    let record = record("webhook.create", &kept.subscription);
    write(&context, &shelf, &kept, Condition::Absent, record).await?;
    Ok(kept.told())
}

pub(super) async fn list(context: Context, _: ListWebhooks) -> Result<Webhooks> {
    let all = Shelf::of(&context)?.all().await?;
    Ok(Webhooks {
        subscriptions: all.into_iter().map(|kept| kept.subscription).collect(),
        events: FAMILIES.map(|family| family.name.to_owned()).to_vec(),
    })
}

pub(super) async fn delete(context: Context, one: OneWebhook) -> Result<OneWebhook> {
    let shelf = Shelf::of(&context)?;
    let (kept, _) = shelf.find(&one.id).await?;
    let commit = context.batch().delete(&shelf.0, &key(&one.id), Condition::Present);
    commit
        .audit(record("webhook.delete", &kept.subscription))
        .commit()
        .await?;
    Ok(one)
}

pub(super) async fn rotate(context: Context, one: OneWebhook) -> Result<WebhookWithSecret> {
    let shelf = Shelf::of(&context)?;
    let (kept, condition) = shelf.find(&one.id).await?;
    let kept = kept.rotated(Timestamp(context.clock().now() + BOTH_SIGN_FOR))?;
    let record = record("webhook.rotate", &kept.subscription);
    write(&context, &shelf, &kept, condition, record).await?;
    Ok(kept.told())
}

pub(super) async fn enable(context: Context, one: OneWebhook) -> Result<Webhook> {
    let shelf = Shelf::of(&context)?;
    let (mut kept, condition) = shelf.find(&one.id).await?;
    if kept.subscription.disabled_at.is_some() {
        kept.subscription.disabled_at = None;
        kept.subscription.failing_since = None;
        let record = record("webhook.enable", &kept.subscription);
        write(&context, &shelf, &kept, condition, record).await?;
    }
    Ok(kept.subscription)
}

pub(super) async fn list_dead(context: Context, params: ListDeadWebhooks) -> Result<DeadWebhooks> {
    let limit = params.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let before = params
        .cursor
        .map(|cursor| {
            cursor
                .parse()
                .map_err(|_| Error::invalid(format!("{cursor:?} is no cursor")))
        })
        .transpose()?;
    let query = JobQuery {
        status: Some(JobStatus::Failed),
        name: Some(DELIVER_WEBHOOK.name.to_owned()),
        schedule_id: None,
        before,
        limit,
    };
    let jobs = context.jobs().list(query).await?;
    let cursor = (jobs.len() == limit)
        .then(|| jobs.last().map(|job| job.seq.to_string()))
        .flatten();
    let deliveries = jobs.into_iter().filter_map(|job| {
        let params: DeliverWebhook = job.params.as_ref()?.to().ok()?;
        Some(DeadWebhook {
            delivery: job.id,
            subscription: params.subscription,
            message: params.message,
            error: job.error.map(|error| error.message).unwrap_or_default(),
            died_at: job.completed_at.map(Timestamp),
        })
    });
    Ok(DeadWebhooks {
        deliveries: deliveries.collect(),
        cursor,
    })
}

pub(super) async fn redeliver(context: Context, one: RedeliverWebhook) -> Result<RedeliverWebhook> {
    let job = context.jobs().get(&one.delivery).await?;
    if job.is_none_or(|job| job.name != DELIVER_WEBHOOK.name) {
        return Err(
            Error::not_found(format!("there is no webhook delivery {:?}", one.delivery)).with_code("JOB_NOT_FOUND"),
        );
    }
    // Before it is done: what cannot be put on the record is not done.
    let record = Record::allowed("webhook.redeliver", format!("job/{}", one.delivery));
    context.audit(record).await?;
    context.jobs().retry(&one.delivery).await?;
    Ok(one)
}

fn check_events(events: &[String]) -> Result<()> {
    let wrong = |what: String| Error::invalid(what).with_code("INVALID_EVENTS");
    if !(1..=EVENTS_MAX).contains(&events.len()) {
        return Err(wrong(format!("events has 1 to {EVENTS_MAX} names")));
    }
    for event in events {
        TopicFilter::parse(Some(event))?;
        let names = FAMILIES.map(|family| family.name.trim_end_matches('*'));
        let start = event.trim_end_matches('*');
        // A pattern may be wider than a family, or within it.
        if !names
            .iter()
            .any(|name| start.starts_with(name) || (event.ends_with('*') && name.starts_with(start)))
        {
            return Err(wrong(format!(
                "no event that can be sent is called {event:?}; there are {}",
                FAMILIES.map(|family| family.name).join(", ")
            )));
        }
    }
    Ok(())
}

fn record(action: &str, subscription: &Webhook) -> Record {
    let target = format!("webhook-subscription/{}", subscription.id);
    Record::allowed(action, target).with("events", subscription.events.join(", "))
}

async fn write(context: &Context, shelf: &Shelf, kept: &Kept, condition: Condition, record: Record) -> Result<()> {
    let commit = context
        .batch()
        .put(&shelf.0, &key(&kept.subscription.id), kept, condition);
    match commit.audit(record).commit().await {
        Ok(_) => Ok(()),
        Err(error) if error.code() == "VERSION_CONFLICT" => Err(Error::new(
            Kind::Conflict,
            "the webhook subscription was changed in the meantime; look at it and try again",
        )),
        Err(error) => Err(error),
    }
}
