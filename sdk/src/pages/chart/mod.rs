//! Charts drawn on the server: SVG that stretches sideways without stretching its text, legible with script off.
//!
//! One idea a chart. Axis labels bear units, the last value stands at the end of its line, gaps stay gaps, every mark has
//! a `<title>`, and a table of the same numbers is behind a disclosure. Values that are not finite count as missing.
//!
//! ```
//! use syscall_sdk::pages::chart::{LineChart, Series, Unit, line};
//! let points = [(0, Some(12.0)), (60_000, None), (120_000, Some(15.0))];
//! let chart = line(&LineChart {
//!     title: "Latency",
//!     unit: Unit::Milliseconds,
//!     series: &[Series { name: "p50", class: "p50", points: &points }],
//!     range_label: "Last 2 minutes, one point a minute",
//! });
//! assert!(chart.as_str().contains("15 ms"));
//! ```

mod bar;
mod line;
mod scale;
mod spark;
#[cfg(test)]
mod tests;
mod unit;
mod uptime;
mod waterfall;

pub use bar::{Bar, BarChart, bar};
pub use line::{LineChart, Series, line};
pub use spark::spark;
pub use unit::Unit;
pub use uptime::{UptimeDay, uptime_bar, uptime_hours};
pub use waterfall::{Waterfall, WaterfallSpan, waterfall};
