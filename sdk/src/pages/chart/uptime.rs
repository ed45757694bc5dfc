use std::fmt::Write;

use crate::pages::{Escaped, Html, Status};

/// A day of a service's history, or an hour of it.
#[derive(Clone, Copy, Debug)]
pub struct UptimeDay<'a> {
    /// The day, `2026-10-05`, or the hour, `14:00`.
    pub date: &'a str,
    /// The worst of the day; `Unknown` where nothing was measured.
    pub status: Status,
    /// What happened, a few words: "12 min degraded". Empty for nothing.
    pub detail: &'a str,
}

/// A mark for each day, the oldest first, usually 90.
///
/// A mark tells by its shape as well as its colour: a full bar is a good day, a bar with a notch a degraded one,
/// a short bar under a dot a day with an outage, and a thin line a day without data.
pub fn uptime_bar(name: &str, days: &[UptimeDay<'_>]) -> Html {
    draw(name, "days", days)
}

/// The same with a mark for each hour, usually 24.
pub fn uptime_hours(name: &str, hours: &[UptimeDay<'_>]) -> Html {
    draw(name, "hours", hours)
}

fn draw(name: &str, what: &str, days: &[UptimeDay<'_>]) -> Html {
    let count = days.len().max(1) as f64;
    let slot = 100.0 / count;
    let width = slot * 0.7;
    let name = Escaped(name);
    let good = days.iter().filter(|day| day.status == Status::Healthy).count();
    let known = days.iter().filter(|day| day.status != Status::Unknown).count();
    let mut out = format!(
        r#"<figure class="uptime"><svg class="uptime-bar" width="100%" height="32" role="img" aria-label="{name}: {good} of {known} measured {what} without incident">"#
    );
    for (at, day) in days.iter().enumerate() {
        let left = at as f64 * slot;
        // Writing to a String does not fail.
        let _ = write!(
            out,
            r#"<g class="is-{}"><title>{}: {}"#,
            day.status.as_str(),
            Escaped(day.date),
            day.status.as_str()
        );
        if !day.detail.is_empty() {
            let _ = write!(out, ", {}", Escaped(day.detail));
        }
        out.push_str("</title>");
        let bars: &[(f64, f64)] = match day.status {
            Status::Healthy => &[(0.0, 32.0)],
            Status::Degraded => &[(0.0, 10.0), (13.0, 19.0)],
            Status::Down => &[(0.0, 4.0), (18.0, 14.0)],
            Status::Unknown => &[(30.0, 2.0)],
        };
        for (top, height) in bars {
            let _ = write!(
                out,
                r#"<rect x="{left:.3}%" y="{top}" width="{width:.3}%" height="{height}"/>"#
            );
        }
        out.push_str("</g>");
    }
    let from = days.first().map_or("", |day| day.date);
    let to = days.last().map_or("", |day| day.date);
    let _ = write!(
        out,
        r#"</svg><figcaption><span>{}</span><span>{}</span></figcaption></figure>"#,
        Escaped(from),
        Escaped(to)
    );
    Html::trusted(out)
}
