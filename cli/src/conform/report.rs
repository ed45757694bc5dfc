//! What came of the rules, for people and for programs.

use anyhow::Result;
use serde::Serialize;

use super::rule::{Rule, Stop, Verdict, Weight};
use crate::args::Level;
use crate::print::{self, BAD, DIM, GOOD, WARN};

/// What came of one rule.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    family: &'static str,
    level: &'static str,
    required: bool,
    rule: &'static str,
    clause: &'static str,
    pub(super) outcome: Outcome,
    /// What came back, or why it was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// How long the check took, in milliseconds.
    took: f64,
}

/// How a rule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    Pass,
    /// Broken, and the service fails.
    Fail,
    /// Broken, and only recommended at this level.
    Warn,
    Skip,
}

impl Finding {
    pub(super) fn new(rule: &Rule, asked: Level, verdict: Verdict, took: std::time::Duration) -> Self {
        let (outcome, message) = match verdict {
            Ok(()) => (Outcome::Pass, None),
            Err(Stop::Fail(what)) if rule.binds(asked) => (Outcome::Fail, Some(what)),
            Err(Stop::Fail(what)) => (Outcome::Warn, Some(what)),
            Err(Stop::Skip(why)) => (Outcome::Skip, Some(why)),
        };
        Finding {
            family: rule.family.as_str(),
            level: if rule.level == Level::V2 { "2.0" } else { "ours" },
            required: rule.weight == Weight::Required,
            rule: rule.name,
            clause: rule.clause,
            outcome,
            message,
            took: (took.as_secs_f64() * 1_000_000.0).round() / 1_000.0,
        }
    }

    /// Prints it for a person.
    pub(super) fn show(&self) -> Result<()> {
        let (style, word) = match self.outcome {
            Outcome::Pass => (GOOD, "pass"),
            Outcome::Fail => (BAD, "FAIL"),
            Outcome::Warn => (WARN, "warn"),
            Outcome::Skip => (DIM, "skip"),
        };
        print::line(format!(
            "{style}{word}{style:#}  {DIM}{:9}{DIM:#} {}",
            self.family, self.rule
        ))?;
        match (&self.message, self.outcome) {
            (Some(message), Outcome::Skip) => print::line(format!("      {DIM}{message}{DIM:#}")),
            (Some(message), _) => print::line(format!(
                "      {message}\n      {DIM}SYSCALLS.md: {}{DIM:#}",
                self.clause
            )),
            (None, _) => Ok(()),
        }
    }
}

/// How many of each.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Summary {
    pass: usize,
    pub(super) fail: usize,
    warn: usize,
    skip: usize,
}

impl Summary {
    pub(super) fn of(findings: &[Finding]) -> Self {
        let count = |outcome| findings.iter().filter(|finding| finding.outcome == outcome).count();
        Summary {
            pass: count(Outcome::Pass),
            fail: count(Outcome::Fail),
            warn: count(Outcome::Warn),
            skip: count(Outcome::Skip),
        }
    }

    /// Prints it for a person.
    pub(super) fn show(&self, service: &str) -> Result<()> {
        let Summary { pass, fail, warn, skip } = self;
        let (style, verdict) = if *fail == 0 {
            (GOOD, "conforms")
        } else {
            (BAD, "does not conform")
        };
        print::line(format!(
            "\n{style}{service} {verdict}{style:#}: {pass} passed, {fail} failed, {warn} warned of, {skip} skipped"
        ))
    }
}
