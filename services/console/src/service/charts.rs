//! Latency and load over time, from the figures that the kernel records.

use chrono::{DateTime, Utc};
use futures_util::future::try_join_all;
use syscall_sdk::context::Context;
use syscall_sdk::error::Result;
use syscall_sdk::pages::Html;
use syscall_sdk::pages::chart::{LineChart, Series, Unit, line};
use syscall_sdk::wire::{MetricEntry, Metrics, Timestamp};

use crate::ask;
use crate::parts::{self, Failed, by_hand};
use crate::view::{RANGES, View};

/// Points of a line: one for each 10 s of 10 minutes; longer ranges are thinned to as many.
const POINTS: i64 = 60;
/// Kernels record every 10 s; a longer silence is a gap.
const RECORDED_EVERY_MS: i64 = 10_000;

type Point = (i64, Option<f64>);

pub(crate) async fn section(context: &Context, key: &str, view: &View) -> Html {
    let (word, _, length) = view.range();
    let ranges = RANGES.map(|(range, ..)| (range, format!("{}#latency", view.with("range", range)), range == word));
    let from = Timestamp(context.clock().now() - length);
    let tools = by_hand(
        context,
        key,
        &format!("cat /{key}/metrics/http.p99"),
        &format!("/v1/sys/metrics?name=http.p99&from={from}&limit=1000"),
    );
    let content = content(context, key, view)
        .await
        .map_err(Failed::of(key))
        .map(|charts| Html::trusted(format!("{}{charts}", parts::choices("Range", &ranges))));
    parts::section("latency", "Latency and load", &tools, content)
}

/// The charts alone, as live messages renew them.
///
/// # Errors
/// Where the service does not give its figures.
pub(crate) async fn content(context: &Context, key: &str, view: &View) -> Result<Html> {
    let (_, name, length) = view.range();
    let now = context.clock().now();
    let step = (length.num_milliseconds() / POINTS).max(RECORDED_EVERY_MS);
    let names = ["http.p50", "http.p95", "http.p99", "http.rate"];
    let asked = names.map(|name| async move {
        let path = format!(
            "/v1/sys/metrics?name={name}&from={}&limit=1000",
            Timestamp(now - length)
        );
        ask::get::<Metrics>(context, key, &path).await
    });
    let figures: Vec<Vec<Point>> = try_join_all(asked)
        .await?
        .into_iter()
        .map(|metrics| points(&metrics.metrics, now - length, now, step))
        .collect();
    let label = format!("{name}, one point each {} s, UTC", step / 1_000);
    let [p50, p95, p99, rate] = [0, 1, 2, 3].map(|at| figures.get(at).map_or(&[] as &[Point], Vec::as_slice));
    let latency = line(&LineChart {
        title: "Latency",
        unit: Unit::Milliseconds,
        series: &[("p50", p50), ("p95", p95), ("p99", p99)].map(|(name, points)| Series {
            name,
            class: name,
            points,
        }),
        range_label: &label,
    });
    let load = line(&LineChart {
        title: "Requests",
        unit: Unit::PerSecond,
        series: &[Series {
            name: "all",
            class: "s1",
            points: rate,
        }],
        range_label: &label,
    });
    Ok(Html::trusted(format!(
        r#"<div class="columns" id="charts" data-live-part><div class="card">{latency}</div><div class="card">{load}</div></div>"#
    )))
}

/// One point for each step, the largest of what was recorded in it; a step in which nothing was recorded is a gap.
fn points(entries: &[MetricEntry], from: DateTime<Utc>, to: DateTime<Utc>, step: i64) -> Vec<Point> {
    let slot = |at: DateTime<Utc>| at.timestamp_millis().div_euclid(step);
    let first = entries
        .first()
        .map_or(slot(to), |entry| slot(entry.timestamp.0))
        .max(slot(from));
    let mut points: Vec<Point> = (first..=slot(to)).map(|slot| (slot * step, None)).collect();
    for entry in entries {
        let Ok(at) = usize::try_from(slot(entry.timestamp.0) - first) else {
            continue;
        };
        if let Some((_, value)) = points.get_mut(at) {
            *value = Some(value.map_or(entry.value, |before| before.max(entry.value)));
        }
    }
    // Kernels record just past the step now and then: one empty step between two full ones is the step's edge, not a gap.
    for at in 1..points.len().saturating_sub(1) {
        if points[at].1.is_none() && step == RECORDED_EVERY_MS {
            points[at].1 = points[at - 1].1.filter(|_| points[at + 1].1.is_some());
        }
    }
    // The running step may have nothing yet.
    if points.last().is_some_and(|(_, value)| value.is_none()) {
        points.pop();
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(second: i64, value: f64) -> MetricEntry {
        MetricEntry {
            id: String::new(),
            timestamp: Timestamp(at(second)),
            name: String::new(),
            value,
            unit: None,
            tags: None,
        }
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).expect("a moment")
    }

    #[test]
    fn a_silence_is_a_gap_and_the_edge_of_a_step_is_not() {
        let entries = [entry(5, 1.0), entry(25, 2.0), entry(71, 3.0)];
        let values: Vec<Option<f64>> = points(&entries, at(0), at(85), 10_000)
            .into_iter()
            .map(|(_, value)| value)
            .collect();
        assert_eq!(
            values,
            [Some(1.0), Some(1.0), Some(2.0), None, None, None, None, Some(3.0)]
        );
    }

    #[test]
    fn a_step_shows_its_largest() {
        let entries = [entry(1, 1.0), entry(2, 9.0), entry(3, 4.0)];
        assert_eq!(points(&entries, at(0), at(119), 60_000)[0], (0, Some(9.0)));
    }
}
