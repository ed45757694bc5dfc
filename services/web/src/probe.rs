//! Asks every service how it is, again and again, and has the answers counted.

use std::collections::BTreeSet;
use std::time::Duration;

use blackroad_os_contracts::web::ProbeStatus;
use chrono::NaiveDate;
use futures_util::future::join_all;
use syscall_sdk::context::{Context, Phase};
use syscall_sdk::error::Result;
use syscall_sdk::rpc::CallOptions;
use syscall_sdk::wire::{HealthStatus, Timestamp};
use tokio::time::Instant;

use crate::record::{self, Found, Round};

/// Longest wait for an answer: what the edge's own probe waits.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Before the first round: services that start together with this one mostly answer by then.
const SETTLE: Duration = Duration::from_secs(3);
/// For how long a service that has not answered yet is a gap and not down: one that starts together with this one may take as long as a
/// restart does.
const GRACE: Duration = Duration::from_secs(10);

/// Probes for ever, or never where the registry says so.
pub(crate) async fn run(context: Context) -> Result<()> {
    let seconds = context.registry().file().probe_interval_seconds;
    if seconds == 0 {
        std::future::pending::<()>().await;
    }
    let interval = Duration::from_secs(seconds);
    let begun = Instant::now();
    tokio::time::sleep(SETTLE.min(interval)).await;
    let mut seen = BTreeSet::new();
    let mut ticks = tokio::time::interval(interval);
    // A machine that slept has a gap, not a burst.
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut forgotten = None;
    loop {
        ticks.tick().await;
        let mut round = ask(&context).await;
        let answered = round.iter().filter(|(_, found)| found.latency_ms.is_some());
        seen.extend(answered.map(|(service, _)| service.clone()));
        if begun.elapsed() < GRACE.min(interval * 3) {
            round.retain(|service, _| seen.contains(service));
        }
        if *context.kernel().phase.borrow() == Phase::Draining {
            // Who goes down with this process is not down.
            continue;
        }
        let now = context.clock().now();
        if let Err(error) = record::count(&context, &round, now).await {
            tracing::warn!(error = %error.chain(), "a round of probes was not counted and is a gap");
        }
        if forgotten != Some(now.date_naive()) {
            forget(&context, now.date_naive()).await;
            forgotten = Some(now.date_naive());
        }
    }
}

async fn ask(context: &Context) -> Round {
    let asked = context.registry().services().map(|service| async {
        let options = CallOptions {
            timeout: Some(TIMEOUT),
            ..context.call_options()
        };
        let answer = context.rpc().ping(&service.key, &options).await;
        let found = Found {
            status: match &answer {
                Ok(ping) => match ping.health.status {
                    HealthStatus::Healthy => ProbeStatus::Ok,
                    HealthStatus::Degraded => ProbeStatus::Degraded,
                    HealthStatus::Unhealthy => ProbeStatus::Down,
                },
                Err(_) => ProbeStatus::Down,
            },
            at: Timestamp(context.clock().now()),
            latency_ms: answer.ok().map(|ping| ping.took.as_secs_f64() * 1_000.0),
        };
        (service.key.clone(), found)
    });
    join_all(asked).await.into_iter().collect()
}

async fn forget(context: &Context, today: NaiveDate) {
    for service in context.registry().services() {
        let forgotten = match record::state(context) {
            Ok(state) => record::forget(&state, &service.key, today).await,
            Err(error) => Err(error),
        };
        if let Err(error) = forgotten {
            tracing::warn!(service = service.key, error = %error.chain(), "old days were not deleted; tomorrow they will be");
        }
    }
}
