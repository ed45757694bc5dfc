use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{LogLevel, Timestamp};

/// `GET /v1/sys/why/{id}`: why something ran, and why it did not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Why {
    /// The id that was asked for.
    pub id: String,
    /// What it names.
    pub kind: WhyKind,
    /// The job's, the workflow's or the event's name.
    pub name: String,
    /// All of it in one sentence.
    pub summary: String,
    /// What happened, oldest first.
    pub facts: Vec<WhyFact>,
    /// What it waits for now; empty where it waits for nothing.
    pub waits: Vec<WhyWait>,
    /// What it hangs together with.
    pub links: Vec<WhyLink>,
    /// The trace that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<WhyTrace>,
}

/// What an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WhyKind {
    /// A job.
    Job,
    /// A cron schedule.
    Schedule,
    /// A run of a workflow.
    Workflow,
    /// An event of this service's log.
    Event,
    /// An event that came to this service and fails here, or was given up on.
    Delivery,
}

impl WhyKind {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            WhyKind::Job => "job",
            WhyKind::Schedule => "schedule",
            WhyKind::Workflow => "workflow",
            WhyKind::Event => "event",
            WhyKind::Delivery => "delivery",
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhyFact {
    /// When.
    pub at: Timestamp,
    /// A word for programs, such as `created` or `failed`.
    pub code: String,
    /// One sentence.
    pub what: String,
    /// How grave it is: `info`, `warn` or `error`.
    pub level: LogLevel,
}

/// Something that is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhyWait {
    /// A word for programs: `time`, `backoff`, `paused`, `handler`, `slot`, `key`, `process`, `attempt`, `deadline`, `wake`, `tick`, `step`,
    /// `sleep`, `signal`, `event`, `job`, `consumer`, `subscriber`, `redrive`.
    pub code: String,
    /// One sentence, with what to do where something is to be done.
    pub what: String,
    /// Until then at the latest, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Something that it hangs together with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhyLink {
    /// How: `schedule`, `made`, `parent`, `child`, `forkedFrom`, `continuedFrom`, `continuedAs`, `redriveOf`, `redrivenAs`, `subscription`, `group`, `deadLetter` or `event`.
    pub relation: String,
    /// Its id; of a subscription and a group, its name.
    pub id: String,
}

/// A trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WhyTrace {
    /// Its id.
    pub trace_id: String,
    /// Whether this service still holds spans of it.
    pub held: bool,
}
