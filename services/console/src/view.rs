//! What a reader has chosen to see of a service: the query of the page's URL, so that a link shows a colleague the same.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::Deserialize;
use syscall_sdk::wire::{JobStatus, LogLevel};

use crate::ask::encode;

/// The query of a service's page; everything unless said.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct View {
    /// Log lines of this level.
    pub(crate) level: Option<String>,
    /// Log lines that hold this text.
    pub(crate) q: Option<String>,
    /// Events of this name, or with a `*` at its end of every name that begins so.
    pub(crate) event: Option<String>,
    /// Jobs of this status.
    pub(crate) jobs: Option<String>,
    /// Jobs from this cursor on.
    pub(crate) before: Option<String>,
    /// `errors`: traces with an error; `all`: those of dashboards as well.
    pub(crate) traces: Option<String>,
    /// How far the charts reach back.
    pub(crate) range: Option<String>,
}

/// How far charts can reach back: within what a kernel keeps and one answer holds.
pub(crate) const RANGES: [(&str, &str, i64); 3] = [
    ("10m", "Last 10 minutes", 10),
    ("1h", "Last hour", 60),
    ("2h", "Last 2 hours", 120),
];

impl View {
    /// The chosen level, where it is one.
    pub(crate) fn level(&self) -> Option<LogLevel> {
        self.level.as_deref()?.parse().ok()
    }

    /// The chosen status, where it is one.
    pub(crate) fn status(&self) -> Option<JobStatus> {
        self.jobs.as_deref()?.parse().ok()
    }

    /// The chosen range: its word, its name, its length.
    pub(crate) fn range(&self) -> (&'static str, &'static str, TimeDelta) {
        let (word, name, minutes) = RANGES
            .into_iter()
            .find(|(word, _, _)| self.range.as_deref() == Some(word))
            .unwrap_or(RANGES[0]);
        (word, name, TimeDelta::minutes(minutes))
    }

    /// The same view with one thing chosen anew; an empty value is no choice.
    pub(crate) fn with(&self, name: &'static str, value: &str) -> String {
        let mut chosen = self.chosen();
        chosen.remove("before");
        chosen.insert(name, value);
        query(&chosen)
    }

    /// The view as a query, empty or beginning with `?`.
    pub(crate) fn query(&self) -> String {
        query(&self.chosen())
    }

    fn chosen(&self) -> BTreeMap<&'static str, &str> {
        [
            ("level", &self.level),
            ("q", &self.q),
            ("event", &self.event),
            ("jobs", &self.jobs),
            ("before", &self.before),
            ("traces", &self.traces),
            ("range", &self.range),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
        .collect()
    }
}

fn query(chosen: &BTreeMap<&'static str, &str>) -> String {
    let pairs: Vec<String> = chosen
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    if pairs.is_empty() {
        String::new()
    } else {
        format!("?{}", pairs.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::View;

    #[test]
    fn a_choice_keeps_the_others_and_goes_back_to_the_first_page() {
        let view = View {
            q: Some("a b".to_owned()),
            before: Some("7".to_owned()),
            ..View::default()
        };
        assert_eq!(view.query(), "?before=7&q=a%20b");
        assert_eq!(view.with("jobs", "failed"), "?jobs=failed&q=a%20b");
        assert_eq!(view.with("q", ""), "");
    }
}
