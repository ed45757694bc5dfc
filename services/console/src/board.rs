//! What every service last said of itself. One round of questions serves all who look at the time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use syscall_sdk::context::Context;
use syscall_sdk::wire::{Identity, Metrics, SystemHealth, Timestamp};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::ask;

/// How old a round may be that is shown to another reader; less than the interval at which pages look.
const FRESH: Duration = Duration::from_millis(1_500);
/// How often kernels record their vitals: asking more often brings nothing.
const VITALS_EVERY: Duration = Duration::from_secs(10);
/// Vitals that are kept of each figure: ten minutes.
const KEPT: usize = 60;

/// What the services last said. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board(Arc<Mutex<Round>>);

#[derive(Debug, Default)]
struct Round {
    at: Option<Instant>,
    vitals_at: Option<Instant>,
    reports: Vec<Report>,
}

/// What a service last said.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) key: String,
    pub(crate) name: String,
    /// Or why it did not say it.
    pub(crate) health: Result<SystemHealth, String>,
    pub(crate) identity: Option<Identity>,
    pub(crate) vitals: Vitals,
}

/// The newest of each of the figures that kernels record, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vitals {
    figures: BTreeMap<String, VecDeque<f64>>,
    newest: Option<Timestamp>,
}

impl Board {
    /// What the services say now, in the order of the registry.
    pub(crate) async fn look(&self, context: &Context) -> Vec<Report> {
        // Who comes while a round is under way waits for it and takes what it brought.
        let mut round = self.0.lock().await;
        if round.at.is_none_or(|at| at.elapsed() >= FRESH) {
            let vitals_due = round.vitals_at.is_none_or(|at| at.elapsed() >= VITALS_EVERY);
            let mut known: BTreeMap<String, Report> = round
                .reports
                .drain(..)
                .map(|report| (report.key.clone(), report))
                .collect();
            let asked = context.registry().services().map(|service| {
                let vitals = known
                    .remove(&service.key)
                    .map(|report| report.vitals)
                    .unwrap_or_default();
                report(context, &service.key, &service.name, vitals, vitals_due)
            });
            round.reports = join_all(asked.collect::<Vec<_>>()).await;
            round.at = Some(Instant::now());
            if vitals_due {
                round.vitals_at = round.at;
            }
        }
        round.reports.clone()
    }

    /// What one service says now.
    pub(crate) async fn of(&self, context: &Context, key: &str) -> Option<Report> {
        self.look(context).await.into_iter().find(|report| report.key == key)
    }
}

async fn report(context: &Context, key: &str, name: &str, mut vitals: Vitals, vitals_due: bool) -> Report {
    let identity = async { context.rpc().identity(key, &ask::own_options(context)).await.ok() };
    let newer = async {
        if !vitals_due {
            return None;
        }
        let now = context.clock().now();
        let from = match vitals.newest {
            Some(newest) => newest.0 + TimeDelta::milliseconds(1),
            None => {
                now - TimeDelta::from_std(VITALS_EVERY).unwrap_or_default() * i32::try_from(KEPT).unwrap_or(i32::MAX)
            }
        };
        let path = format!("/v1/sys/metrics?from={}&limit=1000", Timestamp(from));
        ask::get_shared::<Metrics>(context, key, &path).await.ok()
    };
    let (health, identity, newer) = tokio::join!(ask::health(context, key), identity, newer);
    if let Some(newer) = newer {
        vitals.take(newer);
    }
    Report {
        key: key.to_owned(),
        name: name.to_owned(),
        health: health.map_err(|error| error.message().to_owned()),
        identity,
        vitals,
    }
}

impl Vitals {
    fn take(&mut self, newer: Metrics) {
        for entry in newer.metrics {
            self.newest = self.newest.max(Some(entry.timestamp));
            if !entry.name.starts_with("http.") && !entry.name.starts_with("process.") {
                continue;
            }
            let figure = self.figures.entry(entry.name).or_default();
            if figure.len() == KEPT {
                figure.pop_front();
            }
            figure.push_back(entry.value);
        }
    }

    /// The newest of a figure.
    pub(crate) fn last(&self, name: &str) -> Option<f64> {
        self.figures.get(name)?.back().copied()
    }

    /// What is kept of a figure, for a sparkline.
    pub(crate) fn all(&self, name: &str) -> Vec<Option<f64>> {
        self.figures
            .get(name)
            .map(|values| values.iter().copied().map(Some).collect())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use syscall_sdk::wire::MetricEntry;

    use super::*;

    #[test]
    fn vitals_keep_the_newest_and_nothing_of_the_services_own() {
        let entry = |name: &str, at: i64| MetricEntry {
            id: String::new(),
            timestamp: Timestamp(chrono::DateTime::from_timestamp(at, 0).expect("a moment")),
            name: name.to_owned(),
            value: at as f64,
            unit: None,
            tags: None,
        };
        let mut vitals = Vitals::default();
        let metrics = (0..100)
            .flat_map(|at| [entry("http.rate", at), entry("orders", at)])
            .collect();
        vitals.take(Metrics {
            metrics,
            total: 0,
            limit: 0,
        });
        assert_eq!(vitals.last("http.rate"), Some(99.0));
        assert_eq!(vitals.all("http.rate").len(), KEPT);
        assert!(vitals.all("orders").is_empty());
    }
}
