//! How a story is put together.

use chrono::{DateTime, Utc};

use crate::wire::{LogLevel, Timestamp, Why, WhyFact, WhyKind, WhyLink, WhyTrace, WhyWait};

/// Facts of one story: as many as a person scrolls through. Of a longer one the latest are told.
const FACTS_MAX: usize = 200;
/// Links of one story, such as the children of a run.
const LINKS_MAX: usize = 100;

/// A story that is being told.
#[derive(Debug)]
pub(super) struct Story {
    why: Why,
}

impl Story {
    pub(super) fn new(kind: WhyKind, id: &str, name: &str) -> Self {
        Story {
            why: Why {
                id: id.to_owned(),
                kind,
                name: name.to_owned(),
                summary: String::new(),
                facts: Vec::new(),
                waits: Vec::new(),
                links: Vec::new(),
                trace: None,
            },
        }
    }

    pub(super) fn fact(&mut self, at: DateTime<Utc>, code: &str, what: impl Into<String>) {
        self.grave(LogLevel::Info, at, code, what);
    }

    pub(super) fn grave(&mut self, level: LogLevel, at: DateTime<Utc>, code: &str, what: impl Into<String>) {
        self.why.facts.push(WhyFact {
            at: Timestamp(at),
            code: code.to_owned(),
            what: what.into(),
            level,
        });
    }

    pub(super) fn wait(&mut self, wait: WhyWait) {
        self.why.waits.push(wait);
    }

    pub(super) fn link(&mut self, relation: &str, id: impl Into<String>) {
        if self.why.links.len() < LINKS_MAX {
            self.why.links.push(WhyLink {
                relation: relation.to_owned(),
                id: id.into(),
            });
        }
    }

    pub(super) fn trace(&mut self, trace: Option<WhyTrace>) {
        self.why.trace = trace;
    }

    pub(super) fn waits(&self) -> &[WhyWait] {
        &self.why.waits
    }

    /// The story with its summary, its facts in order of time; of too many the latest, with how many came before.
    pub(super) fn told(mut self, summary: String) -> Why {
        let facts = &mut self.why.facts;
        facts.sort_by_key(|fact| fact.at);
        if facts.len() > FACTS_MAX {
            // The first says how it began, and is kept.
            let gone = facts.len() - FACTS_MAX;
            facts.drain(1..=gone);
            let at = facts[1].at;
            facts.insert(
                1,
                WhyFact {
                    at,
                    code: "leftOut".to_owned(),
                    what: format!("{gone} earlier facts are left out here"),
                    level: LogLevel::Info,
                },
            );
        }
        self.why.summary = summary;
        self.why
    }
}

/// A wait.
pub(super) fn wait(code: &str, what: impl Into<String>, until: Option<DateTime<Utc>>) -> WhyWait {
    WhyWait {
        code: code.to_owned(),
        what: what.into(),
        until: until.map(Timestamp),
    }
}

/// A length of time between two moments, as a person says it.
pub(super) fn took(from: DateTime<Utc>, to: DateTime<Utc>) -> String {
    let millis = (to - from).num_milliseconds().max(0);
    match millis {
        0..=9_999 => format!("{millis} ms"),
        10_000..=119_999 => format!("{} s", millis / 1_000),
        120_000..=7_199_999 => format!("{} min", millis / 60_000),
        _ => format!("{} h", millis / 3_600_000),
    }
}

/// The first line of a text: what else there is belongs in the log.
pub(super) fn line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn of_a_long_story_the_beginning_and_the_latest_are_told() {
        let mut story = Story::new(WhyKind::Job, "1", "work");
        for second in (0..500).rev() {
            story.fact(
                DateTime::UNIX_EPOCH + TimeDelta::seconds(second),
                "did",
                second.to_string(),
            );
        }
        let facts = story.told(String::new()).facts;
        assert_eq!(facts.len(), FACTS_MAX + 1);
        assert_eq!((facts[0].what.as_str(), facts[2].what.as_str()), ("0", "301"));
        assert_eq!(facts[1].what, "300 earlier facts are left out here");
        assert_eq!(facts[FACTS_MAX].what, "499");
    }

    #[test]
    fn a_length_of_time_is_told_in_a_unit_that_fits() {
        let told = |millis| {
            took(
                DateTime::UNIX_EPOCH,
                DateTime::UNIX_EPOCH + TimeDelta::milliseconds(millis),
            )
        };
        assert_eq!(
            [12, 45_000, 600_000, 90_000_000].map(told),
            ["12 ms", "45 s", "10 min", "25 h"]
        );
    }
}
