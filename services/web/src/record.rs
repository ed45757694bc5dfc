//! What is kept of the probes: a day of a service is one key, `probe/{service}/{date}`, which holds 24 hours of counts; `latest` holds
//! the latest round.

use std::collections::BTreeMap;

use blackroad_os_contracts::web::ProbeStatus;
use chrono::{DateTime, Days, NaiveDate, Timelike, Utc};
use serde::{Deserialize, Serialize};
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::name::Prefix;
use syscall_sdk::state::State;
use syscall_sdk::store::Condition;
use syscall_sdk::wire::Timestamp;

/// Where it is kept: no syscall reaches it.
const NAMESPACE: &str = "uptime";
const LATEST: &str = "latest";
/// Days that are shown.
pub(crate) const DAYS: u64 = 90;
/// Days that are kept: those shown, and the one that has just left them somewhere on Earth.
const KEPT: u64 = DAYS + 1;
/// Tries of a round's commit before other replicas have won too often; then the round is lost and said so.
const ATTEMPTS: usize = 8;
/// Keys read at once: a service's whole history.
const PAGE: usize = 128;

/// Probes of an hour: well, something amiss, down or no answer.
pub(crate) type Hour = [u32; 3];
/// A day's hours, in UTC.
pub(crate) type Day = [Hour; 24];
/// What a service was found to be, by date.
pub(crate) type History = BTreeMap<NaiveDate, Day>;

/// What the latest probe of a service found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Found {
    pub(crate) status: ProbeStatus,
    pub(crate) at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) latency_ms: Option<f64>,
}

/// The latest round, by service key.
pub(crate) type Round = BTreeMap<String, Found>;

pub(crate) fn state(context: &Context) -> Result<State> {
    context.namespace(NAMESPACE)
}

/// Counts a round, all of it or nothing. Another replica may count at the same time: who comes second reads anew.
pub(crate) async fn count(context: &Context, round: &Round, at: DateTime<Utc>) -> Result<()> {
    let state = state(context)?;
    for _ in 0..ATTEMPTS {
        let mut commit = context.batch().put(&state, LATEST, round, Condition::Any);
        for (service, found) in round {
            let key = day_key(service, at.date_naive());
            let entry = state.entry(&key).await?;
            let condition = entry
                .as_ref()
                .map_or(Condition::Absent, |entry| Condition::Revision(entry.revision));
            let mut day: Day = match &entry {
                Some(entry) => entry
                    .value
                    .to()
                    .map_err(|error| Error::internal(format!("{key} holds no day")).with_source(error))?,
                None => Day::default(),
            };
            add(&mut day, at.hour(), found.status);
            commit = commit.put(&state, &key, &day, condition);
        }
        match commit.commit().await {
            Ok(_) => return Ok(()),
            Err(error) if error.code() == "VERSION_CONFLICT" => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::conflict("the counts are written by too many at once"))
}

fn add(day: &mut Day, hour: u32, status: ProbeStatus) {
    let place = match status {
        ProbeStatus::Ok => 0,
        ProbeStatus::Degraded => 1,
        ProbeStatus::Down => 2,
        ProbeStatus::Unknown => return,
    };
    if let Some(hour) = day.get_mut(hour as usize) {
        hour[place] = hour[place].saturating_add(1);
    }
}

/// What is kept of a service.
pub(crate) async fn history(state: &State, service: &str) -> Result<History> {
    let prefix = Prefix::new(format!("probe/{service}/"))?;
    let days = state.list::<Day>(&prefix).await?;
    Ok(days
        .into_iter()
        .filter_map(|(key, day)| Some((date_of(&key)?, day)))
        .collect())
}

/// The latest round; empty where there was none.
pub(crate) async fn latest(state: &State) -> Result<Round> {
    Ok(state.get(LATEST).await?.unwrap_or_default())
}

/// Deletes the days of a service that are no longer kept.
pub(crate) async fn forget(state: &State, service: &str, today: NaiveDate) -> Result<()> {
    let prefix = Prefix::new(format!("probe/{service}/"))?;
    let oldest = today - Days::new(KEPT);
    for entry in state.page(&prefix, None, PAGE).await? {
        if date_of(&entry.key).is_some_and(|date| date >= oldest) {
            // Keys come in order, and dates written so are in order too.
            return Ok(());
        }
        state.delete(&entry.key, Condition::Any).await?;
    }
    Ok(())
}

fn day_key(service: &str, date: NaiveDate) -> String {
    format!("probe/{service}/{}", date.format("%Y-%m-%d"))
}

fn date_of(key: &str) -> Option<NaiveDate> {
    key.rsplit('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_its_day() {
        let date = NaiveDate::from_ymd_opt(2026, 3, 1).expect("a date");
        assert_eq!(day_key("core", date), "probe/core/2026-03-01");
        assert_eq!(date_of("probe/core/2026-03-01"), Some(date));
    }

    #[test]
    fn what_nobody_asked_is_not_counted() {
        let mut day = Day::default();
        add(&mut day, 3, ProbeStatus::Ok);
        add(&mut day, 3, ProbeStatus::Down);
        add(&mut day, 4, ProbeStatus::Unknown);
        assert_eq!((day[3], day[4]), ([1, 0, 1], [0, 0, 0]));
    }
}
