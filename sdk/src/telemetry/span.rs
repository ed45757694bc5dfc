use std::fmt::{self, Write as _};
use std::time::Duration;

use tracing::field::{Field, Visit};

use super::{SpanId, TraceContext};
use crate::wire::{Span, SpanStatus, Timestamp};

/// Room for the words of a usual span, so that they are allocated once.
const TEXT_BYTES: usize = 128;
/// Fields of a usual span.
const FIELDS: usize = 8;
/// The field in which a span says its name where that is not known at compile time, as `tracing-opentelemetry` has it.
const NAME: &str = "otel.name";

/// A span that has ended, as it is kept: every request makes some, and few are ever looked at, so that it is put into words
/// ([`SpanRecord::to_wire`]) when somebody asks.
#[derive(Clone, Debug)]
pub struct SpanRecord {
    /// Where it stands in its trace.
    pub context: TraceContext,
    /// The span above it, here or in another service.
    pub parent: Option<SpanId>,
    /// When it began.
    pub start: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// How it ended.
    pub status: SpanStatus,
    pub(super) given_name: &'static str,
    pub(super) words: Words,
}

impl SpanRecord {
    /// What was done.
    pub fn name(&self) -> &str {
        self.words.get(NAME).unwrap_or(self.given_name)
    }

    /// What it says of itself under a name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.words.get(name)
    }

    /// Everything that it says of itself; of a name that comes twice the later one holds.
    pub fn attributes(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.words.iter().filter(|(name, _)| *name != NAME)
    }

    /// How long it took, in milliseconds.
    pub fn millis(&self) -> f64 {
        self.took.as_secs_f64() * 1_000.0
    }

    /// As the wire shows it.
    pub fn to_wire(&self, service: &str) -> Span {
        Span {
            trace_id: self.context.trace.to_string(),
            span_id: self.context.span.to_string(),
            parent_id: self.parent.map(|parent| parent.to_string()),
            name: self.name().to_owned(),
            service: service.to_owned(),
            start: self.start,
            duration: self.millis(),
            status: self.status,
            attributes: self
                .attributes()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }
}

/// Named words, all in one text.
#[derive(Clone, Debug)]
pub(super) struct Words {
    text: String,
    /// Each name, and where its words end.
    ends: Vec<(&'static str, usize)>,
}

impl Default for Words {
    fn default() -> Self {
        Words {
            text: String::with_capacity(TEXT_BYTES),
            ends: Vec::with_capacity(FIELDS),
        }
    }
}

impl Words {
    pub(super) fn add(&mut self, name: &'static str, value: impl fmt::Display) {
        // Writing to a text fails only where the value's own Display does, and then its words end there.
        let _ = write!(self.text, "{value}");
        self.ends.push((name, self.text.len()));
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .filter(|(known, _)| *known == name)
            .last()
            .map(|(_, value)| value)
    }

    fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|(_, end)| *end));
        let of = |(start, (name, end)): (usize, &(&'static str, usize))| (*name, &self.text[start..*end]);
        starts.zip(&self.ends).map(of)
    }
}

impl Visit for Words {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field.name(), format_args!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_word_that_comes_twice_the_later_one_holds() {
        let mut words = Words::default();
        for (name, value) in [("a", "1"), ("b", ""), ("a", "22")] {
            words.add(name, value);
        }
        assert_eq!(
            (words.get("a"), words.get("b"), words.get("c")),
            (Some("22"), Some(""), None)
        );
        assert_eq!(words.iter().count(), 3);
    }
}
