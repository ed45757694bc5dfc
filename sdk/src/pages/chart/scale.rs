use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};

/// Values beyond this are drawn at it, so that sums and differences stay finite.
const LARGEST: f64 = 1e100;

/// A value that can be drawn, or nothing.
pub(super) fn drawable(value: Option<f64>) -> Option<f64> {
    value
        .filter(|value| value.is_finite())
        .map(|value| value.clamp(-LARGEST, LARGEST))
}

/// A stretch of values on a stretch of pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    pixels: f64,
}

impl Scale {
    /// A stretch that is never empty.
    pub(super) fn new(low: f64, high: f64, pixels: f64) -> Self {
        let high = if high > low { high } else { low + low.abs().max(1.0) };
        Scale { low, high, pixels }
    }

    /// Where a value stands, from 0 to the number of pixels.
    pub(super) fn at(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low) * self.pixels).clamp(0.0, self.pixels)
    }
}

/// Round values from at or below the least to at or above the largest, about as many as asked: 1, 2 or 5 times a power
/// of ten apart. Zero is always among them where all values are on one side of it: a chart that starts elsewhere lies.
pub(super) fn value_ticks(values: RangeInclusive<f64>, about: usize) -> Vec<f64> {
    let (least, largest) = (values.start().min(0.0), values.end().max(0.0));
    let largest = if largest > least { largest } else { least + 1.0 };
    let rough = (largest - least) / about.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .iter()
        .map(|times| times * power)
        .find(|step| *step >= rough)
        .unwrap_or(rough);
    if !step.is_normal() {
        return vec![least, largest];
    }
    let (first, last) = ((least / step).floor(), (largest / step).ceil());
    // At most a few more than asked for, whatever rounding did.
    let count = (last - first).clamp(1.0, 3.0 * about.max(1) as f64) as usize;
    (0..=count).map(|at| (first + at as f64) * step).collect()
}

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Steps that people divide time by.
const TIME_STEPS: [i64; 19] = [
    SECOND,
    5 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    7 * DAY,
    30 * DAY,
    365 * DAY,
];

/// Round moments within a stretch with their words, at most as many as asked.
pub(super) fn time_ticks(from: i64, to: i64, most: usize) -> Vec<(i64, String)> {
    let span = to.saturating_sub(from).max(1);
    let most = i64::try_from(most.max(1)).unwrap_or(1);
    let step = TIME_STEPS
        .into_iter()
        .find(|step| span / step < most)
        .unwrap_or_else(|| (span / most).saturating_add(1));
    let mut ticks = Vec::new();
    let mut at = from.saturating_sub(from.rem_euclid(step));
    while at <= to {
        if at >= from {
            ticks.push((at, tick_words(at, step)));
        }
        match at.checked_add(step) {
            Some(next) => at = next,
            None => break,
        }
    }
    ticks
}

fn tick_words(at: i64, step: i64) -> String {
    let pattern = match step {
        ..MINUTE => "%H:%M:%S",
        MINUTE..DAY => "%H:%M",
        DAY..=2_592_000_000 => "%-d %b",
        _ => "%Y",
    };
    moment(at).format(pattern).to_string()
}

/// A moment in full, for titles and tables.
pub(super) fn moment_words(at: i64) -> String {
    moment(at).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// A moment the calendar knows; others become its ends.
fn moment(at: i64) -> DateTime<Utc> {
    let end = if at < 0 {
        DateTime::<Utc>::MIN_UTC
    } else {
        DateTime::<Utc>::MAX_UTC
    };
    DateTime::from_timestamp_millis(at).unwrap_or(end)
}
