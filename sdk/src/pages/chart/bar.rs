use std::fmt::Write;

use super::Unit;
use super::scale::drawable;
use crate::pages::{Escaped, Html};

/// Values by name, each with a bar: the table and the chart are one.
#[derive(Clone, Copy, Debug)]
pub struct BarChart<'a> {
    /// What it shows.
    pub title: &'a str,
    /// What the numbers are.
    pub unit: Unit<'a>,
    /// What the names are, the head of their column: "Service".
    pub of: &'a str,
    /// The bars, in the order shown.
    pub bars: &'a [Bar<'a>],
    /// Range in words: "Last 24 hours".
    pub range_label: &'a str,
}

/// One bar.
#[derive(Clone, Copy, Debug)]
pub struct Bar<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value, not below 0; `None` where nothing is known.
    pub value: Option<f64>,
    /// Where its name leads.
    pub href: Option<&'a str>,
}

/// Draws values by name.
pub fn bar(chart: &BarChart<'_>) -> Html {
    let largest = chart
        .bars
        .iter()
        .filter_map(|bar| drawable(bar.value))
        .fold(0.0, f64::max);
    let title = Escaped(chart.title);
    let mut out = format!(
        concat!(
            r#"<figure class="chart"><figcaption><b>{}</b> <span>{}</span></figcaption>"#,
            r#"<table class="bars"><thead class="quiet-text"><tr><th scope="col">{}</th><th scope="col">Bar</th><th scope="col">Value</th></tr></thead><tbody>"#
        ),
        title,
        Escaped(chart.range_label),
        Escaped(chart.of),
    );
    for bar in chart.bars {
        let value = drawable(bar.value);
        let share = value.map_or(0.0, |value| {
            if largest > 0.0 {
                (value / largest * 100.0).clamp(0.0, 100.0)
            } else {
                0.0
            }
        });
        let words = value.map_or_else(|| "no data".to_owned(), |value| chart.unit.format(value));
        let name = Escaped(bar.name);
        // Writing to a String does not fail.
        let _ = match bar.href {
            Some(href) => write!(
                out,
                r#"<tr><th scope="row"><a href="{}">{name}</a></th>"#,
                Escaped(href)
            ),
            None => write!(out, r#"<tr><th scope="row">{name}</th>"#),
        };
        let _ = write!(
            out,
            r#"<td><svg width="100%" height="12" aria-hidden="true"><rect class="bar-ground" width="100%" height="12" rx="2"/><rect width="{share:.2}%" height="12" rx="2"><title>{name} {words}</title></rect></svg></td><td class="number">{words}</td></tr>"#,
            words = Escaped(&words),
        );
    }
    out.push_str("</tbody></table></figure>");
    Html::trusted(out)
}
