//! A service's figures: counters and histograms of the kernel for Prometheus, and a bounded ring of what is recorded by name.
//!
//! Registries are per kernel: nine services share a process without sharing a number.

mod exposition;
mod process;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use process::{cpu_seconds, memory};

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::name::NAME_MAX_BYTES;
use crate::telemetry::{Histogram, Ring};
use crate::wire::{MetricEntry, MetricRequest, Timestamp};

/// Recorded figures that a service keeps in memory: the kernel's own vitals fill it in nearly three hours.
pub const RECORDED_MAX: usize = 8_192;
/// Different recorded names with their tags that Prometheus is shown; past it new ones are only kept in the ring, since unbounded
/// labels bring a scraper down.
const SERIES_MAX: usize = 1_000;
/// Tags of one figure.
const TAGS_MAX: usize = 16;

/// What tells series of one name apart.
pub type Labels = Vec<(&'static str, String)>;

/// A count that only grows. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Counts one more.
    pub fn one(&self) {
        self.add(1);
    }

    /// Counts so many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// The count.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a service answers in all, probes apart: what its pages show.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Requests answered.
    pub requests: Counter,
    /// Of them with a 5xx.
    pub errors: Counter,
    /// How long they took.
    pub took: Histogram,
}

/// The figures of one service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    recorded: Ring<MetricEntry>,
    families: Mutex<Families>,
}

#[derive(Debug, Default)]
struct Families {
    counters: BTreeMap<&'static str, Family<Counter>>,
    histograms: BTreeMap<&'static str, Family<Arc<Histogram>>>,
    gauges: BTreeMap<&'static str, (&'static str, Gauge)>,
    levels: BTreeMap<&'static str, (&'static str, Levels)>,
    recorded: BTreeMap<(String, Vec<(String, String)>), f64>,
}

/// What has one name, by its labels.
#[derive(Debug)]
struct Family<T> {
    help: &'static str,
    series: Vec<(Labels, T)>,
}

impl<T: Clone + Default> Family<T> {
    fn new(help: &'static str) -> Self {
        Family {
            help,
            series: Vec::new(),
        }
    }

    /// The one with these labels; a new one where there is none.
    fn get(&mut self, labels: Labels) -> T {
        if let Some((_, known)) = self.series.iter().find(|(known, _)| *known == labels) {
            return known.clone();
        }
        let new = T::default();
        self.series.push((labels, new.clone()));
        new
    }
}

struct Gauge(Box<dyn Fn() -> f64 + Send + Sync>);

impl std::fmt::Debug for Gauge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gauge")
    }
}

struct Levels(Box<dyn Fn() -> Vec<(Labels, f64)> + Send + Sync>);

impl std::fmt::Debug for Levels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Levels")
    }
}

impl Metrics {
    /// A registry of its own.
    pub fn new(clock: Clock) -> Self {
        Metrics(Arc::new(Inner {
            clock,
            recorded: Ring::new(RECORDED_MAX),
            families: Mutex::default(),
        }))
    }

    /// A counter under a Prometheus name, one for each set of labels.
    pub fn counter(&self, name: &'static str, help: &'static str, labels: Labels) -> Counter {
        self.families()
            .counters
            .entry(name)
            .or_insert_with(|| Family::new(help))
            .get(labels)
    }

    /// A histogram of seconds under a Prometheus name, one for each set of labels.
    pub fn histogram(&self, name: &'static str, help: &'static str, labels: Labels) -> Arc<Histogram> {
        self.families()
            .histograms
            .entry(name)
            .or_insert_with(|| Family::new(help))
            .get(labels)
    }

    /// A figure that is read when it is asked for.
    pub fn gauge(&self, name: &'static str, help: &'static str, read: impl Fn() -> f64 + Send + Sync + 'static) {
        self.families().gauges.insert(name, (help, Gauge(Box::new(read))));
    }

    /// Figures of one name, one for each set of labels, that are read when they are asked for.
    pub fn levels(
        &self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> Vec<(Labels, f64)> + Send + Sync + 'static,
    ) {
        self.families().levels.insert(name, (help, Levels(Box::new(read))));
    }

    /// Records a figure by name.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where the name, a tag or the value cannot be kept.
    pub fn record(&self, request: MetricRequest) -> Result<MetricEntry> {
        check(&request)?;
        let entry = MetricEntry {
            id: Uuid::now_v7().to_string(),
            timestamp: Timestamp(self.0.clock.now()),
            name: request.name,
            value: request.value,
            unit: request.unit,
            tags: request.tags,
        };
        let series = (
            entry.name.clone(),
            entry.tags.clone().unwrap_or_default().into_iter().collect(),
        );
        let mut families = self.families();
        if families.recorded.len() < SERIES_MAX || families.recorded.contains_key(&series) {
            families.recorded.insert(series, entry.value);
        }
        drop(families);
        self.0.recorded.push(entry.clone());
        Ok(entry)
    }

    /// The newest `limit` recorded figures of a name and a time, oldest first, and how many there are in all.
    pub fn query(
        &self,
        name: Option<&str>,
        from: Option<DateTime<Utc>>,
        to: Option<DateTime<Utc>>,
        limit: usize,
    ) -> (Vec<MetricEntry>, usize) {
        self.0.recorded.read(|entries| {
            let matching = entries.iter().filter(|entry| {
                name.is_none_or(|name| entry.name == name)
                    && from.is_none_or(|from| entry.timestamp.0 >= from)
                    && to.is_none_or(|to| entry.timestamp.0 <= to)
            });
            let total = matching.clone().count();
            (matching.skip(total.saturating_sub(limit)).cloned().collect(), total)
        })
    }

    /// Everything, in Prometheus' text format 0.0.4.
    pub fn exposition(&self) -> String {
        exposition::render(&self.families())
    }

    fn families(&self) -> MutexGuard<'_, Families> {
        self.0.families.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check(request: &MetricRequest) -> Result<()> {
    let name_fits = |name: &str| (1..=NAME_MAX_BYTES).contains(&name.len()) && !name.chars().any(char::is_control);
    if !name_fits(&request.name) {
        return Err(Error::invalid(format!(
            "a metric's name is 1 to {NAME_MAX_BYTES} bytes without control characters"
        )));
    }
    if !request.value.is_finite() {
        return Err(Error::invalid("a metric's value is a finite number"));
    }
    if let Some(tags) = &request.tags
        && (tags.len() > TAGS_MAX
            || tags
                .iter()
                .any(|(key, value)| !name_fits(key) || value.len() > NAME_MAX_BYTES))
    {
        return Err(Error::invalid(format!(
            "a metric has at most {TAGS_MAX} tags, each of at most {NAME_MAX_BYTES} bytes"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn two_kernels_share_no_number() {
        let clock = Clock::system();
        let (one, other) = (Metrics::new(clock.clone()), Metrics::new(clock));
        one.counter("requests_total", "Requests.", vec![]).one();
        assert_eq!(other.counter("requests_total", "Requests.", vec![]).get(), 0);
    }

    #[test]
    fn the_exposition_is_prometheus_text() {
        let metrics = Metrics::new(Clock::system());
        metrics
            .counter("requests_total", "Requests.", vec![("route", "/a\"b".to_owned())])
            .add(2);
        metrics.gauge("up", "Up.", || 1.0);
        metrics
            .histogram("seconds", "Took.", vec![])
            .record(Duration::from_millis(3));
        metrics
            .record(MetricRequest {
                name: "orders.placed".to_owned(),
                value: 2.5,
                unit: None,
                tags: None,
            })
            .unwrap();
        let text = metrics.exposition();
        assert!(
            text.contains("# TYPE requests_total counter\nrequests_total{route=\"/a\\\"b\"} 2\n"),
            "{text}"
        );
        assert!(text.contains("up 1\n") && text.contains("seconds_count 1\n"), "{text}");
        assert!(text.contains("seconds_bucket{le=\"0.005\"} 1\n"), "{text}");
        assert!(text.contains("recorded{name=\"orders.placed\"} 2.5\n"), "{text}");
    }

    #[test]
    fn a_query_gives_the_newest_oldest_first() {
        let metrics = Metrics::new(Clock::system());
        for value in 1..=3 {
            let name = "n".to_owned();
            metrics
                .record(MetricRequest {
                    name,
                    value: f64::from(value),
                    unit: None,
                    tags: None,
                })
                .unwrap();
        }
        let (entries, total) = metrics.query(Some("n"), None, None, 2);
        assert_eq!(
            (entries.iter().map(|entry| entry.value).collect::<Vec<_>>(), total),
            (vec![2.0, 3.0], 3)
        );
    }
}
