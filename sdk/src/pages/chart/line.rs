use std::collections::BTreeMap;
use std::fmt::Write;

use super::Unit;
use super::scale::{Scale, drawable, moment_words, time_ticks, value_ticks};
use crate::pages::{Escaped, Html};

/// Values over time.
#[derive(Clone, Copy, Debug)]
pub struct LineChart<'a> {
    /// What it shows: one idea.
    pub title: &'a str,
    /// What the numbers are.
    pub unit: Unit<'a>,
    /// The lines; latency is always p50, p95 and p99 together.
    pub series: &'a [Series<'a>],
    /// Range and resolution in words: "Last 6 hours, one point a minute".
    pub range_label: &'a str,
}

/// One line.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// Its name, printed with the last value at its end.
    pub name: &'a str,
    /// Its look: `p50`, `p95`, `p99`, `ok`, `err`, or `s1` to `s6`.
    pub class: &'a str,
    /// Milliseconds since 1970 and the value, in order of time; `None` is a gap.
    pub points: &'a [(i64, Option<f64>)],
}

/// The plot's height in pixels; its width is the reader's.
const HEIGHT: f64 = 180.0;

/// The plot's width in units of its own, stretched to what is there: fine enough for a 4K screen.
const WIDTH: f64 = 4000.0;

/// Space above the highest and below the lowest value, so that no line is cut.
const PAD: f64 = 8.0;

/// The height of a line of text at the end of a line.
const LABEL_HEIGHT: f64 = 16.0;

/// Most labels at the ends of lines; more cannot stand apart.
const MOST_LABELS: usize = 8;

/// Most columns that answer to the pointer: more would be narrower than a pointer can hit.
const MOST_COLUMNS: usize = 240;

/// Most rows of the table behind the disclosure; the newest are kept and the caption says so.
const MOST_ROWS: usize = 500;

/// Draws values over time.
pub fn line(chart: &LineChart<'_>) -> Html {
    let moments = moments(chart);
    let (Some(first), Some(last)) = (moments.keys().next().copied(), moments.keys().next_back().copied()) else {
        return nothing(chart);
    };
    let values: Vec<f64> = moments.values().flatten().filter_map(|value| *value).collect();
    if values.is_empty() {
        return nothing(chart);
    }
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let ticks = value_ticks(least..=largest, 4);
    let (low, high) = (
        ticks.first().copied().unwrap_or(0.0),
        ticks.last().copied().unwrap_or(1.0),
    );
    let across = Scale::new(first as f64, last as f64, WIDTH);
    let up = Scale::new(low, high, HEIGHT - 2.0 * PAD);
    let y = |value: f64| HEIGHT - PAD - up.at(value);

    let mut out = String::new();
    let title = Escaped(chart.title);
    // Writing to a String does not fail; the results below are dropped for that reason.
    let _ = write!(
        out,
        r#"<figure class="chart"><figcaption><b>{title}</b> <span>{}</span></figcaption><div class="chart-plot">"#,
        Escaped(chart.range_label)
    );

    let _ = write!(
        out,
        r#"<svg class="chart-y" width="64" height="{HEIGHT}" aria-hidden="true">"#
    );
    for tick in &ticks {
        let _ = write!(
            out,
            r#"<text x="56" y="{:.1}" text-anchor="end">{}</text>"#,
            y(*tick) + 4.0,
            Escaped(chart.unit.format(*tick))
        );
    }

    let _ = write!(
        out,
        r#"</svg><svg class="chart-area" viewBox="0 0 {WIDTH} {HEIGHT}" height="{HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{}"><g class="chart-grid">"#,
        Escaped(summary(chart))
    );
    for tick in &ticks {
        let _ = write!(out, r#"<path d="M0 {0:.1}H{WIDTH}"/>"#, y(*tick));
    }
    out.push_str("</g>");
    for series in chart.series {
        let (line, lone) = strokes(series, |at| across.at(at as f64), y);
        let (class, name) = (Escaped(series.class), Escaped(series.name));
        let _ = write!(
            out,
            r#"<path class="chart-line is-{class}" d="{line}"><title>{name}</title></path>"#
        );
        if !lone.is_empty() {
            let _ = write!(
                out,
                r#"<path class="chart-line is-{class} is-lone" d="{lone}"><title>{name}</title></path>"#
            );
        }
    }
    columns(&mut out, chart, &moments, |at| across.at(at as f64));
    out.push_str("</svg>");

    ends(&mut out, chart, y);
    let _ = write!(
        out,
        r#"<svg class="chart-x" width="100%" height="20" aria-hidden="true">"#
    );
    for (at, words) in time_ticks(first, last, 5) {
        let share = across.at(at as f64) / WIDTH * 100.0;
        let _ = write!(
            out,
            r#"<text x="{share:.2}%" y="14" text-anchor="middle">{words}</text>"#
        );
    }
    out.push_str("</svg></div>");
    table(&mut out, chart, &moments);
    out.push_str("</figure>");
    Html::trusted(out)
}

/// Every moment that any line has, with the value of each line at it.
fn moments(chart: &LineChart<'_>) -> BTreeMap<i64, Vec<Option<f64>>> {
    let mut moments: BTreeMap<i64, Vec<Option<f64>>> = BTreeMap::new();
    for (at, series) in chart.series.iter().enumerate() {
        for (moment, value) in series.points {
            let row = moments.entry(*moment).or_insert_with(|| vec![None; chart.series.len()]);
            row[at] = drawable(*value);
        }
    }
    moments
}

fn last_value(series: &Series<'_>) -> Option<f64> {
    series.points.iter().rev().find_map(|(_, value)| drawable(*value))
}

/// What a reader who does not see the lines is told.
fn summary(chart: &LineChart<'_>) -> String {
    let mut words = format!("{}. {}.", chart.title, chart.range_label);
    for series in chart.series {
        let last = last_value(series).map_or_else(|| "no data".to_owned(), |value| chart.unit.format(value));
        let _ = write!(words, " {}: {last}.", series.name);
    }
    words
}

/// The line itself, a new stroke after every gap; and the points that stand alone, which are dots.
fn strokes(series: &Series<'_>, x: impl Fn(i64) -> f64, y: impl Fn(f64) -> f64) -> (String, String) {
    let (mut line, mut lone) = (String::new(), String::new());
    let mut drawing = false;
    for (at, (moment, value)) in series.points.iter().enumerate() {
        let Some(value) = drawable(*value) else {
            drawing = false;
            continue;
        };
        let (x, y) = (x(*moment), y(value));
        if !drawing
            && series
                .points
                .get(at + 1)
                .is_none_or(|(_, next)| drawable(*next).is_none())
        {
            let _ = write!(lone, "M{x:.0} {y:.1}h0");
        } else {
            let _ = write!(line, "{}{x:.0} {y:.1}", if drawing { 'L' } else { 'M' });
            drawing = true;
        }
    }
    (line, lone)
}

/// A column for each moment, or for a few together, which tells the pointer all values at it.
fn columns(out: &mut String, chart: &LineChart<'_>, moments: &BTreeMap<i64, Vec<Option<f64>>>, x: impl Fn(i64) -> f64) {
    let every = moments.len().div_ceil(MOST_COLUMNS).max(1);
    let kept: Vec<_> = moments.iter().step_by(every).collect();
    out.push_str(r#"<g class="chart-marks">"#);
    for (at, (moment, values)) in kept.iter().enumerate() {
        let here = x(**moment);
        let left = at
            .checked_sub(1)
            .map_or(0.0, |before| (x(*kept[before].0) + here) / 2.0);
        let right = kept.get(at + 1).map_or(WIDTH, |after| (here + x(*after.0)) / 2.0);
        let _ = write!(
            out,
            r#"<g><rect x="{left:.0}" y="0" width="{:.0}" height="{HEIGHT}"/><path d="M{here:.0} 0V{HEIGHT}"/><title>{} UTC"#,
            (right - left).max(0.0),
            moment_words(**moment)
        );
        for (series, value) in chart.series.iter().zip(values.iter()) {
            let words = value.map_or_else(|| "no data".to_owned(), |value| chart.unit.format(value));
            let _ = write!(out, "\n{} {}", Escaped(series.name), Escaped(words));
        }
        out.push_str("</title></g>");
    }
    out.push_str("</g>");
}

/// The last value of each line at its height, moved apart where two would meet.
fn ends(out: &mut String, chart: &LineChart<'_>, y: impl Fn(f64) -> f64) {
    let mut labels: Vec<(f64, &Series<'_>, f64)> = chart
        .series
        .iter()
        .filter_map(|series| last_value(series).map(|value| (y(value), series, value)))
        .take(MOST_LABELS)
        .collect();
    labels.sort_by(|left, right| left.0.total_cmp(&right.0));
    let mut free = PAD;
    for label in &mut labels {
        label.0 = label.0.max(free);
        free = label.0 + LABEL_HEIGHT;
    }
    let mut limit = HEIGHT - PAD;
    for label in labels.iter_mut().rev() {
        label.0 = label.0.min(limit);
        limit = label.0 - LABEL_HEIGHT;
    }
    let _ = write!(
        out,
        r#"<svg class="chart-ends" width="112" height="{HEIGHT}" aria-hidden="true">"#
    );
    for (at, series, value) in &labels {
        let _ = write!(
            out,
            r#"<path class="chart-line is-{}" d="M6 {at:.1}h12"/><text x="24" y="{:.1}"><tspan class="chart-name">{}</tspan> {}</text>"#,
            Escaped(series.class),
            at + 4.0,
            Escaped(series.name),
            Escaped(chart.unit.format(*value))
        );
    }
    out.push_str("</svg>");
}

/// The numbers that were drawn.
fn table(out: &mut String, chart: &LineChart<'_>, moments: &BTreeMap<i64, Vec<Option<f64>>>) {
    let title = Escaped(chart.title);
    let hidden = moments.len().saturating_sub(MOST_ROWS);
    out.push_str(r#"<details class="chart-data"><summary>Data table</summary>"#);
    if hidden > 0 {
        let _ = write!(out, "<p>The newest {MOST_ROWS} of {} rows.</p>", moments.len());
    }
    let _ = write!(
        out,
        r#"<div class="table-scroll" role="region" aria-label="{title}: data" tabindex="0"><table><thead><tr><th scope="col">Time (UTC)</th>"#
    );
    for series in chart.series {
        let _ = write!(out, r#"<th scope="col" class="number">{}</th>"#, Escaped(series.name));
    }
    out.push_str("</tr></thead><tbody>");
    for (moment, values) in moments.iter().skip(hidden) {
        let _ = write!(out, "<tr><td>{}</td>", moment_words(*moment));
        for value in values {
            let words = value.map_or_else(|| "no data".to_owned(), |value| chart.unit.format(value));
            let _ = write!(out, r#"<td class="number">{}</td>"#, Escaped(words));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div></details>");
}

/// A chart without a value says so.
fn nothing(chart: &LineChart<'_>) -> Html {
    Html::trusted(format!(
        r#"<figure class="chart"><figcaption><b>{}</b> <span>{}</span></figcaption><p class="chart-nothing">No data in this range.</p></figure>"#,
        Escaped(chart.title),
        Escaped(chart.range_label)
    ))
}
