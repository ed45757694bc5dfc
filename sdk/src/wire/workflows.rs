use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{JobStatus, Json, Timestamp};
use crate::error::Error;

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
    pub status: WorkflowStatus,
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
    /// The run that this one continues as new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continued_from: Option<String>,
    /// The run that continues this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continued_as: Option<String>,
    /// The whole of the runs that it is one of; only where one run was asked for that is not alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<WorkflowChain>,
    /// Its steps in the order in which they were asked for; only where one run was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<WorkflowStep>>,
}

/// The runs that continue one another as new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkflowChain {
    /// The first, by whose id all are started, signalled and cancelled.
    pub first: String,
    /// The latest: it lives, or the workflow ended with it.
    pub latest: String,
    /// The how-manieth this one is, from 1.
    pub number: u64,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WorkflowStatus {
    /// It waits for something to come: a signal, an event, the end of a job.
    Pending,
    /// It runs when its time has come and there is room.
    Queued,
    /// Its code runs.
    Running,
    /// It gave a result.
    Completed,
    /// It failed.
    Failed,
    /// Someone cancelled it.
    Cancelled,
    /// It ended, and its workflow goes on in another run.
    Continued,
}

impl WorkflowStatus {
    /// All of them, in the order of a run's life.
    pub const ALL: [WorkflowStatus; 7] = [
        WorkflowStatus::Pending,
        WorkflowStatus::Queued,
        WorkflowStatus::Running,
        WorkflowStatus::Completed,
        WorkflowStatus::Failed,
        WorkflowStatus::Cancelled,
        WorkflowStatus::Continued,
    ];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            WorkflowStatus::Continued => "continued",
            other => other.of_job().as_str(),
        }
    }

    /// How the job stands that such a run is.
    pub const fn of_job(self) -> JobStatus {
        match self {
            WorkflowStatus::Pending => JobStatus::Pending,
            WorkflowStatus::Queued => JobStatus::Queued,
            WorkflowStatus::Running => JobStatus::Running,
            WorkflowStatus::Completed | WorkflowStatus::Continued => JobStatus::Completed,
            WorkflowStatus::Failed => JobStatus::Failed,
            WorkflowStatus::Cancelled => JobStatus::Cancelled,
        }
    }

    /// Whether nothing more will happen to the run by itself; of one that continued, to its workflow.
    pub const fn ended(self) -> bool {
        self.of_job().ended()
    }
}

impl From<JobStatus> for WorkflowStatus {
    fn from(status: JobStatus) -> Self {
        match status {
            JobStatus::Pending => WorkflowStatus::Pending,
            JobStatus::Queued => WorkflowStatus::Queued,
            JobStatus::Running => WorkflowStatus::Running,
            JobStatus::Completed => WorkflowStatus::Completed,
            JobStatus::Failed => WorkflowStatus::Failed,
            JobStatus::Cancelled => WorkflowStatus::Cancelled,
        }
    }
}

impl fmt::Display for WorkflowStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for WorkflowStatus {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut all = WorkflowStatus::ALL.into_iter();
        all.find(|status| status.as_str() == text).ok_or_else(|| {
            let all = WorkflowStatus::ALL.map(WorkflowStatus::as_str).join(", ");
            Error::invalid(format!("status {text:?} is none of {all}"))
        })
    }
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
