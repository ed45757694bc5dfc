//! Looks after who is on the roster: who does not answer is lost, and who answers without being known is put on it.

use std::time::{Duration, Instant};

use blackroad_os_contracts::operator::LOST;
use futures_util::future::join_all;
use syscall_sdk::context::Context;
use syscall_sdk::error::Result;
use syscall_sdk::registry::ServiceRecord;
use syscall_sdk::rpc::{CallOptions, header};
use syscall_sdk::wire::{Announce, Health, Identity, MeshInstance, Timestamp};

use crate::announcement::member_key;
use crate::roster::{self, LEFT, UP};

/// Longest wait for an answer: the platform's own health check gives up as soon.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Probes in a row that must fail before a process is lost: one may fall into a restart.
const FAILURES: u32 = 3;

/// Probes for as long as the operator runs; not at all where the registry's interval is 0, so that a fleet may sleep.
///
/// Every service is asked once in any case: services announce themselves when they come up and never again, so an
/// operator that lost its roster would know nobody.
pub(crate) async fn run(context: Context) -> Result<()> {
    let interval = Duration::from_secs(context.registry().file().probe_interval_seconds);
    join_all(context.registry().services().map(|record| greet(&context, record))).await;
    if interval.is_zero() {
        context.stopping().await;
        return Ok(());
    }
    let mut failures = std::collections::BTreeMap::new();
    loop {
        tokio_sleep(&context, interval).await;
        let records: Vec<ServiceRecord> = context.registry().services().cloned().collect();
        for record in records {
            if let Err(error) = probe(&context, &record, interval, &mut failures).await {
                tracing::warn!(service = record.key, error = %error.chain(), "a service could not be probed");
            }
        }
    }
}

async fn tokio_sleep(context: &Context, interval: Duration) {
    let until = context.clock().now() + interval;
    context.clock().sleep_until(until).await;
}

async fn probe(
    context: &Context,
    record: &ServiceRecord,
    interval: Duration,
    failures: &mut std::collections::BTreeMap<String, u32>,
) -> Result<()> {
    let members = roster::members(context)?;
    let known: Vec<(String, MeshInstance)> = members.list(&roster::service_prefix(&record.key)?).await?;
    if known.is_empty() {
        greet(context, record).await;
        return Ok(());
    }
    let names: Vec<String> = known.iter().map(|(_, member)| member.instance.clone()).collect();
    let on_roster: Vec<(String, MeshInstance)> = known.into_iter().filter(|(_, member)| member.state != LEFT).collect();
    if on_roster.is_empty() {
        return Ok(());
    }
    let begun = Instant::now();
    let options = CallOptions {
        timeout: Some(TIMEOUT),
        ..CallOptions::default()
    };
    match context.rpc().health_of(&record.key, &options).await {
        Ok((Health { status }, instance)) => {
            failures.remove(&record.key);
            let latency = Some((begun.elapsed().as_secs_f64() * 1_000_000.0).round() / 1_000.0);
            let now = Timestamp(context.clock().now());
            for (key, member) in on_roster {
                let named = instance.as_deref() == Some(member.instance.as_str());
                if member.state != UP {
                    // Whoever answers is not lost, whatever was announced in its place.
                    if named {
                        roster::mark_found(context, &key, &record.name, status).await?;
                    }
                } else if named || instance.is_none() {
                    members
                        .update(&key, |known: Option<MeshInstance>| {
                            Ok(known.map(|known| MeshInstance {
                                status,
                                latency,
                                last_seen: now,
                                ..known
                            }))
                        })
                        .await?;
                } else if now.0 - member.last_seen.0 > chrono_of(interval * FAILURES * record.replicas.max(1)) {
                    // Its replicas answer, and it has not for long: the address is another's now.
                    let reason = "other processes of the service answer in its place";
                    roster::mark_gone(context, &key, &record.name, "lost", reason, &LOST).await?;
                }
            }
            // Whoever answers is on the roster, also where there was no room for it when it had gone.
            if instance.is_some_and(|instance| !names.contains(&instance)) {
                greet(context, record).await;
            }
        }
        Err(error) => {
            let failed = failures.entry(record.key.clone()).or_default();
            *failed += 1;
            if *failed >= FAILURES {
                failures.remove(&record.key);
                for (key, _) in on_roster {
                    roster::mark_gone(context, &key, &record.name, "lost", error.message(), &LOST).await?;
                }
            }
        }
    }
    Ok(())
}

/// Puts the process of a service that answers on the roster, where that does not know it, not even as one that left.
async fn greet(context: &Context, record: &ServiceRecord) {
    match find(context, record).await {
        Ok(()) => {}
        // It is not there, or comes up and announces itself.
        Err(error) if error.kind().retryable() => {}
        Err(error) => {
            tracing::warn!(service = record.key, error = %error.chain(), "a service could not be put on the roster");
        }
    }
}

async fn find(context: &Context, record: &ServiceRecord) -> Result<()> {
    let options = CallOptions {
        timeout: Some(TIMEOUT),
        ..CallOptions::default()
    };
    let reply = context.rpc().get(&record.key, "/v1/sys/identity", &options).await?;
    let instance = reply
        .headers
        .get(header::INSTANCE)
        .and_then(|value| value.to_str().ok());
    let identity = serde_json::from_slice::<Identity>(&reply.body).ok();
    let (Some(instance), Some(identity)) = (instance, identity) else {
        // A service of another make that does not name its processes has to announce them.
        return Ok(());
    };
    let key = member_key(&record.key, instance)?;
    if roster::members(context)?.get::<MeshInstance>(&key).await?.is_some() {
        return Ok(());
    }
    let announce = Announce {
        identity,
        instance: instance.to_owned(),
        url: None,
    };
    roster::enter(context.clone(), announce).await.map(drop)
}

fn chrono_of(duration: Duration) -> chrono::TimeDelta {
    chrono::TimeDelta::from_std(duration).unwrap_or(chrono::TimeDelta::MAX)
}
