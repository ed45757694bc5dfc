//! The status page's data: what was recorded, as the last 24 hours and the last 90 days.

mod page;

use blackroad_os_contracts::web::{FleetStatus, ProbeCount, ProbeStatus, ServiceUptime};
use chrono::{DateTime, Days, DurationRound, NaiveTime, TimeDelta, Timelike, Utc};
use futures_util::future::try_join_all;
use syscall_sdk::context::Context;
use syscall_sdk::error::Result;
use syscall_sdk::wire::Timestamp;

pub(crate) use page::{page, parts};

use crate::record::{self, DAYS, Found, History, Hour};

/// Hours that are shown one by one.
const HOURS: i64 = 24;
/// Intervals without a probe after which the latest says nothing about now.
const STALE_AFTER: i32 = 3;

/// What is known of the fleet.
pub(crate) async fn fleet(context: &Context) -> Result<FleetStatus> {
    let now = context.clock().now();
    let interval = context.registry().file().probe_interval_seconds;
    let state = record::state(context)?;
    let latest = record::latest(&state).await?;
    let services = context.registry().services().map(|service| {
        let (state, latest) = (&state, &latest);
        async move {
            let history = record::history(state, &service.key).await?;
            let found = latest.get(&service.key);
            Ok::<_, syscall_sdk::error::Error>(uptime(&service.key, &service.name, &history, found, interval, now))
        }
    });
    let services = try_join_all(services).await?;
    Ok(FleetStatus {
        generated_at: Timestamp(now),
        probe_interval_seconds: interval,
        status: services.iter().map(|service| service.status).max().unwrap_or_default(),
        services,
    })
}

fn uptime(
    key: &str,
    name: &str,
    history: &History,
    found: Option<&Found>,
    interval: u64,
    now: DateTime<Utc>,
) -> ServiceUptime {
    let (hours, days) = (hours(history, now), days(history, now));
    let stale = TimeDelta::seconds(i64::try_from(interval.max(1)).unwrap_or(i64::MAX / 10_000)) * STALE_AFTER;
    let fresh = found.filter(|found| now - found.at.0 < stale);
    ServiceUptime {
        key: key.to_owned(),
        name: name.to_owned(),
        status: fresh.map(|found| found.status).unwrap_or_default(),
        checked_at: found.map(|found| found.at),
        latency_ms: found.and_then(|found| found.latency_ms),
        uptime_24h: share(&hours),
        uptime_90d: share(&days),
        hours,
        days,
    }
}

/// The last hours, the running one included.
fn hours(history: &History, now: DateTime<Utc>) -> Vec<ProbeCount> {
    let current = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
    (0..HOURS)
        .rev()
        .map(|back| {
            let from = current - TimeDelta::hours(back);
            let hour = history
                .get(&from.date_naive())
                .map_or([0; 3], |day| day[from.hour() as usize]);
            sum(from, &[hour])
        })
        .collect()
}

/// The last days, today included.
fn days(history: &History, now: DateTime<Utc>) -> Vec<ProbeCount> {
    (0..DAYS)
        .rev()
        .map(|back| {
            let date = now.date_naive() - Days::new(back);
            let from = date.and_time(NaiveTime::MIN).and_utc();
            history.get(&date).map_or_else(|| sum(from, &[]), |day| sum(from, day))
        })
        .collect()
}

fn sum(from: DateTime<Utc>, hours: &[Hour]) -> ProbeCount {
    let of = |place: usize| hours.iter().fold(0u32, |sum, hour| sum.saturating_add(hour[place]));
    ProbeCount {
        from: Timestamp(from),
        ok: of(0),
        degraded: of(1),
        down: of(2),
        measured_hours: hours.iter().filter(|hour| hour.iter().any(|count| *count > 0)).count() as u32,
    }
}

/// The share of probes that were answered, of those that were made.
fn share(counts: &[ProbeCount]) -> Option<f64> {
    let of = |count: fn(&ProbeCount) -> u32| counts.iter().map(|one| f64::from(count(one))).sum::<f64>();
    let (up, down) = (of(|one| one.ok) + of(|one| one.degraded), of(|one| one.down));
    (up + down > 0.0).then(|| up / (up + down))
}

/// The worst that probes of an hour or a day found; unknown where there was none.
fn worst(count: &ProbeCount) -> ProbeStatus {
    match count {
        ProbeCount { down: 1.., .. } => ProbeStatus::Down,
        ProbeCount { degraded: 1.., .. } => ProbeStatus::Degraded,
        ProbeCount { ok: 1.., .. } => ProbeStatus::Ok,
        _ => ProbeStatus::Unknown,
    }
}

#[cfg(test)]
mod tests;
