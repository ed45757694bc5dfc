use std::fmt::Write;

use super::Unit;
use super::scale::drawable;
use crate::pages::{Escaped, Html};

/// What was done in the course of one thing, by whom, when and for how long: the spans of a trace.
#[derive(Clone, Copy, Debug)]
pub struct Waterfall<'a> {
    /// What it shows.
    pub title: &'a str,
    /// What is to know of the whole: "12 spans of 3 services".
    pub range_label: &'a str,
    /// In the order shown: each under what caused it.
    pub spans: &'a [WaterfallSpan<'a>],
}

/// One line of a [`Waterfall`].
#[derive(Clone, Copy, Debug)]
pub struct WaterfallSpan<'a> {
    /// What was done.
    pub name: &'a str,
    /// Who did it.
    pub service: &'a str,
    /// Where who did it is found.
    pub href: Option<&'a str>,
    /// How many others it is under.
    pub depth: usize,
    /// When it began, in milliseconds after the first.
    pub start: f64,
    /// How long it took, in milliseconds.
    pub duration: f64,
    /// Whether it failed.
    pub failed: bool,
    /// What else is known of it, behind a disclosure; empty for nothing.
    pub details: &'a Html,
}

/// Deepest that a line is set in: deeper ones stand at this depth, since a name needs room too.
const MOST_DEPTH: usize = 12;

/// The least width of a bar, in hundredths of the whole: what took no time is still seen.
const LEAST_WIDTH: f64 = 0.4;

/// Where times are written above the bars, in hundredths of the whole.
const TICKS: [(f64, &str); 3] = [(0.0, "start"), (50.0, "middle"), (100.0, "end")];

/// Draws the spans of a trace, a line each, with bars on one scale of time.
pub fn waterfall(chart: &Waterfall<'_>) -> Html {
    let end = chart
        .spans
        .iter()
        .filter_map(|span| drawable(Some(span.start + span.duration)))
        .fold(0.0, f64::max);
    let end = if end > 0.0 { end } else { 1.0 };
    let title = Escaped(chart.title);
    let mut out = format!(
        concat!(
            r#"<figure class="chart waterfall"><figcaption><b>{}</b> <span>{}</span></figcaption>"#,
            r#"<div class="table-scroll" role="region" aria-label="{}" tabindex="0"><table><thead><tr>"#,
            r#"<th scope="col">What</th><th scope="col">Service</th><th scope="col" class="waterfall-time">"#,
            r#"<span class="quiet-text">When, of {} in all</span><svg width="100%" height="16" aria-hidden="true">"#
        ),
        title,
        Escaped(chart.range_label),
        title,
        Escaped(Unit::Milliseconds.format(end)),
    );
    for (share, anchor) in TICKS {
        // Writing to a String does not fail; the results below are dropped for that reason.
        let _ = write!(
            out,
            r#"<text x="{share}%" y="12" text-anchor="{anchor}">{}</text>"#,
            Escaped(Unit::Milliseconds.format(end * share / 100.0))
        );
    }
    out.push_str(r#"</svg></th><th scope="col" class="number">Took</th></tr></thead><tbody>"#);
    for span in chart.spans {
        line(&mut out, span, end);
    }
    out.push_str("</tbody></table></div></figure>");
    Html::trusted(out)
}

fn line(out: &mut String, span: &WaterfallSpan<'_>, end: f64) {
    let (name, service) = (Escaped(span.name), Escaped(span.service));
    let left = (drawable(Some(span.start)).unwrap_or(0.0) / end * 100.0).clamp(0.0, 100.0 - LEAST_WIDTH);
    let width = (drawable(Some(span.duration)).unwrap_or(0.0) / end * 100.0).clamp(LEAST_WIDTH, 100.0 - left);
    let took = Unit::Milliseconds.format(span.duration);
    let _ = write!(
        out,
        r#"<tr{}><td class="waterfall-name">{}"#,
        if span.failed { r#" class="is-failed""# } else { "" },
        "<i></i>".repeat(span.depth.min(MOST_DEPTH)),
    );
    let failed = if span.failed {
        r#"<span class="quiet-text"> failed</span>"#
    } else {
        ""
    };
    let _ = if span.details.is_empty() {
        write!(out, "<span>{name}{failed}</span></td><td>")
    } else {
        write!(
            out,
            r#"<details class="more"><summary>{name}{failed}</summary>{}</details></td><td>"#,
            span.details
        )
    };
    let _ = match span.href {
        Some(href) => write!(out, r#"<a href="{}">{service}</a>"#, Escaped(href)),
        None => write!(out, "{service}"),
    };
    let _ = write!(
        out,
        concat!(
            r#"</td><td class="waterfall-time"><svg width="100%" height="16" aria-hidden="true"><rect class="bar-ground" y="7" width="100%" height="2"/>"#,
            r#"<rect class="bar" x="{:.3}%" y="3" width="{:.3}%" height="10" rx="2"><title>{} at {}: {}</title></rect></svg></td><td class="number">{}</td></tr>"#
        ),
        left,
        width,
        name,
        Escaped(Unit::Milliseconds.format(span.start)),
        Escaped(&took),
        Escaped(&took),
    );
}
