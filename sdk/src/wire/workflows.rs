use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{JobStatus, Json, Timestamp};

/// `POST /v1/sys/workflow`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StartWorkflow {
    /// Which workflow.
    pub name: String,
    /// What it is given.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "params")]
    pub input: Option<Json>,
    /// The run's id; made where none is given. The same id with the same input is the same run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// `POST /v1/sys/workflow/{id}/fork`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForkWorkflow {
    /// The first step that is done anew: its name, or `name#occurrence` counted from 0. Absent, everything is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_step: Option<String>,
}

/// One run of a workflow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Workflow {
    /// Its id.
    pub id: String,
    /// Which workflow.
    pub name: String,
    /// Where it stands: `pending` waits for something to come, `queued` waits for its moment or for a free slot.
    pub status: JobStatus,
    /// What it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Json>,
    /// What it came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Json>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<WorkflowError>,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it last began to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// When it goes on by itself, where it waits for a moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_at: Option<Timestamp>,
    /// The run that started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The run that it was forked from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<String>,
    /// Its steps in the order in which they were asked for; only where one run was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<WorkflowStep>>,
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowStep {
    /// Its name.
    pub name: String,
    /// The how-manieth of its name, from 0.
    pub occurrence: u32,
    /// What it is: `step`, `call`, `emit`, `job`, `child`, `sleep`, `event`, `signal`, `version`, `value` or `undo`.
    pub kind: String,
    /// `running`, `waiting`, `completed` or `failed`.
    pub status: StepStatus,
    /// How often it was tried.
    pub attempts: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// What it came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Json>,
    /// Why it failed, or why it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<WorkflowError>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<WorkflowWait>,
    /// The job or the run that it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child: Option<String>,
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepStatus {
    /// It is being done, in this process.
    Running,
    /// It waits for something, or to be tried again.
    Waiting,
    /// It gave a result.
    Completed,
    /// It failed for good.
    Failed,
}

impl StepStatus {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            StepStatus::Running => "running",
            StepStatus::Waiting => "waiting",
            StepStatus::Completed => "completed",
            StepStatus::Failed => "failed",
        }
    }
}

/// What a step waits for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowWait {
    /// A signal of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// An event of this name, or `prefix*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// What the event's data must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matching: Option<Json>,
    /// The end of this job or run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// No longer than until this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Why a run or a step failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorkflowError {
    /// The machine code.
    pub code: String,
    /// One sentence.
    pub message: String,
}

/// `GET /v1/sys/workflows`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Workflows {
    /// Newest first.
    pub workflows: Vec<Workflow>,
    /// Ask for this with `cursor` to go on; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// `POST /v1/sys/workflow/{id}/signal/{name}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Signalled {
    /// The run.
    pub id: String,
    /// The signal.
    pub name: String,
    /// Whether this call brought it; the same signal with the same value may be sent again, and does nothing.
    pub first: bool,
}
