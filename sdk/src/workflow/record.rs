//! What is written down of a step, and of an error, so that it reads the same when it is read again.

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::limits::REQUEST_SHOWN_BYTES;
use crate::error::{Error, Kind};
use crate::store::Seq;
use crate::wire::{Json, StepStatus, Timestamp, WorkflowError, WorkflowStep, WorkflowWait};

/// What a step is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum StepKind {
    Step,
    Call,
    Emit,
    Job,
    Child,
    Sleep,
    Event,
    Signal,
    Version,
    Value,
    Undo,
}

impl StepKind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            StepKind::Step => "step",
            StepKind::Call => "call",
            StepKind::Emit => "emit",
            StepKind::Job => "job",
            StepKind::Child => "child",
            StepKind::Sleep => "sleep",
            StepKind::Event => "event",
            StepKind::Signal => "signal",
            StepKind::Version => "version",
            StepKind::Value => "value",
            StepKind::Undo => "undo",
        }
    }
}

/// An entry of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    /// Its place in the order in which steps were asked for.
    pub(super) index: u32,
    pub(super) name: String,
    pub(super) occurrence: u32,
    pub(super) kind: StepKind,
    /// What was asked, shortened, where asking for another thing under the same name is a change of the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) request: Option<Request>,
    pub(super) status: StepStatus,
    pub(super) attempts: u32,
    pub(super) started_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) result: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<Fault>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) waits: Option<WorkflowWait>,
    /// Up to where the log was read for the event that it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<Seq>,
    /// A job or a child that ends with the run, as long as it lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) owns: Option<String>,
    /// The signal that it was given; absent where the time was over first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) signal: Option<String>,
    /// The job or the run that it started, whether it still lives or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) child: Option<String>,
}

impl Record {
    /// The step by its name and occurrence.
    pub(super) fn step(&self) -> String {
        step_of(&self.name, self.occurrence)
    }

    pub(super) fn ended(&self) -> bool {
        matches!(self.status, StepStatus::Completed | StepStatus::Failed)
    }

    pub(super) fn into_wire(self) -> WorkflowStep {
        WorkflowStep {
            child: self.child,
            name: self.name,
            occurrence: self.occurrence,
            kind: self.kind.as_str().to_owned(),
            status: self.status,
            attempts: self.attempts,
            started_at: self.started_at,
            ended_at: self.ended_at,
            result: self.result,
            error: self.error.map(|fault| WorkflowError {
                code: fault.code,
                message: fault.message,
            }),
            waits: self.waits,
        }
    }
}

/// What a step was asked to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) hash: String,
    pub(super) shown: String,
}

impl Request {
    pub(super) fn of(text: &str) -> Self {
        let mut shown = text.to_owned();
        if shown.len() > REQUEST_SHOWN_BYTES {
            shown.truncate(shown.floor_char_boundary(REQUEST_SHOWN_BYTES));
            shown.push('…');
        }
        Request {
            hash: hash(text),
            shown,
        }
    }
}

/// An error as it is kept, so that a replayed step fails as it failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Fault {
    kind: String,
    pub(super) code: String,
    pub(super) message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    details: Option<Json>,
}

impl Fault {
    pub(super) fn of(error: &Error) -> Self {
        Fault {
            kind: error.kind().code().to_owned(),
            code: error.code().to_owned(),
            message: error.message().to_owned(),
            details: error.details().map(|details| Json::from(details.clone())),
        }
    }

    pub(super) fn error(&self) -> Error {
        let kind = Kind::ALL.into_iter().find(|kind| kind.code() == self.kind);
        let error = Error::new(kind.unwrap_or(Kind::Internal), self.message.clone()).with_code(self.code.clone());
        match &self.details {
            Some(details) => error.with_details(details.value()),
            None => error,
        }
    }
}

/// A step by its name and occurrence.
pub(super) fn step_of(name: &str, occurrence: u32) -> String {
    format!("{name}#{occurrence}")
}

/// What a run calls a job, a child or an effect of its own: the same at every replay, and fit for a path.
pub(super) fn called(step: &str) -> String {
    let mut called = hash(step);
    called.truncate(16);
    called
}

fn hash(text: &str) -> String {
    let digest = digest(&SHA256, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_back_as_it_was() {
        for kind in Kind::ALL {
            let error = Error::new(kind, "no")
                .with_code("SPECIAL")
                .with_details(serde_json::json!({ "id": 7 }));
            let again = Fault::of(&error).error();
            assert_eq!((again.kind(), again.code(), again.message()), (kind, "SPECIAL", "no"));
            assert_eq!(again.details(), error.details());
        }
    }

    #[test]
    fn a_long_request_is_shown_short_and_hashed_whole() {
        let (one, other) = (format!("{}a", "é".repeat(400)), format!("{}b", "é".repeat(400)));
        let (one, other) = (Request::of(&one), Request::of(&other));
        assert_eq!(one.shown, other.shown);
        assert_ne!(one.hash, other.hash);
    }
}
