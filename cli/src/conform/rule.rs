//! What a rule is: a sentence that a service keeps or breaks, the clause it comes from, and how it is checked.

use futures_util::future::BoxFuture;

use super::probe::Probe;
use crate::args::Level;

/// A rule.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    pub(super) family: Family,
    pub(super) level: Level,
    pub(super) weight: Weight,
    /// The sentence.
    pub(super) name: &'static str,
    /// Where the contract says so.
    pub(super) clause: &'static str,
    pub(super) check: Check,
}

/// How a rule is checked.
pub(super) type Check = for<'a> fn(&'a Probe) -> BoxFuture<'a, Verdict>;

/// What a check comes to.
pub(super) type Verdict<T = ()> = Result<T, Stop>;

/// Why a check ended before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The rule is broken: what was asked and what came back.
    Fail(String),
    /// The rule cannot be checked here, and why.
    Skip(String),
}

/// Whether a service of 2.0 may lack it. At our own level nothing may be lacking that the service lists among its capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// It must be there.
    Required,
    /// It should be there.
    Recommended,
}

/// What a rule is about, in the order of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Core,
    Logs,
    Metrics,
    Rpc,
    Events,
    Jobs,
    State,
    Traces,
    Workflows,
    Pipes,
    Mesh,
    Headers,
    Errors,
    Audit,
}

impl Family {
    /// The word.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Family::Core => "core",
            Family::Logs => "logs",
            Family::Metrics => "metrics",
            Family::Rpc => "rpc",
            Family::Events => "events",
            Family::Jobs => "jobs",
            Family::State => "state",
            Family::Traces => "traces",
            Family::Workflows => "workflows",
            Family::Pipes => "pipes",
            Family::Mesh => "mesh",
            Family::Headers => "headers",
            Family::Errors => "errors",
            Family::Audit => "audit",
        }
    }

    /// The capability that a service lists where it has this family.
    const fn capability(self) -> Option<&'static str> {
        match self {
            Family::Core | Family::Mesh | Family::Headers | Family::Errors | Family::Audit => None,
            other => Some(other.as_str()),
        }
    }
}

impl Rule {
    /// The capability that this rule hangs on, at a level. Services of 2.0 list no logs and metrics, and may not go without rpc.
    pub(super) fn capability(&self, asked: Level) -> Option<&'static str> {
        match (self.family, self.level, asked) {
            (Family::Rpc, Level::V2, _) | (Family::Logs | Family::Metrics, Level::V2, Level::V2) => None,
            (family, ..) => family.capability(),
        }
    }

    /// Whether breaking it fails the service at a level.
    pub(super) fn binds(&self, asked: Level) -> bool {
        asked == Level::Ours || self.weight == Weight::Required
    }
}

/// One entry of a list of rules: level, weight, the sentence, the clause, the function.
macro_rules! rule {
    ($family:ident $level:ident $weight:ident, $name:literal, $clause:literal, $check:path) => {
        $crate::conform::rule::Rule {
            family: $crate::conform::rule::Family::$family,
            level: $crate::args::Level::$level,
            weight: $crate::conform::rule::Weight::$weight,
            name: $name,
            clause: $clause,
            check: |probe| ::std::boxed::Box::pin($check(probe)),
        }
    };
}

pub(super) use rule;

/// A broken rule.
pub(super) fn fail<T>(what: impl Into<String>) -> Verdict<T> {
    Err(Stop::Fail(what.into()))
}

/// A rule that cannot be checked here.
pub(super) fn skip<T>(why: impl Into<String>) -> Verdict<T> {
    Err(Stop::Skip(why.into()))
}

/// A broken rule where something does not hold.
pub(super) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { fail(what()) }
}
