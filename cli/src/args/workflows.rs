//! Workflows and their runs.

use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand};
use syscall_sdk::wire::WorkflowStatus;

use super::read::{duration, parsed};

#[derive(Debug, ClapArgs)]
pub(crate) struct Workflows {
    /// The service, by key or name.
    pub(crate) service: String,
    /// Only of this status.
    #[arg(long, value_parser = parsed::<WorkflowStatus>)]
    pub(crate) status: Option<WorkflowStatus>,
    /// Only of this workflow.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// At most so many.
    #[arg(short = 'n', long, default_value_t = 50)]
    pub(crate) limit: usize,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Workflow {
    /// Show a run with its steps.
    Show(OneRun),
    /// Start a run.
    Start(StartWorkflow),
    /// Wait until a workflow has ended, over all runs that continue this one as new; fails where it did or was cancelled.
    Wait(WaitRun),
    /// Send a signal to a run.
    Signal(Signal),
    /// Cancel a run at once, and what it waits for with it.
    Cancel(OneRun),
    /// Take up a failed or cancelled run where its journal ends.
    Resume(OneRun),
    /// Start a new run with what the journal of another holds from before a step.
    Fork(Fork),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct OneRun {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The run's id.
    pub(crate) id: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct WaitRun {
    #[command(flatten)]
    pub(crate) one: OneRun,
    /// At most so long, such as 30s, 10m, 2h; as long as it takes unless said.
    #[arg(long = "for", value_parser = duration, value_name = "AGE")]
    pub(crate) most: Option<Duration>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StartWorkflow {
    /// The service, by key or name.
    pub(crate) service: String,
    /// Which workflow.
    pub(crate) name: String,
    /// What it is given, as JSON; `-` reads it from standard input.
    pub(crate) input: Option<String>,
    /// The run's id; the same id with the same input is the same run.
    #[arg(long)]
    pub(crate) id: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Signal {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The run's id.
    pub(crate) id: String,
    /// The signal's name.
    pub(crate) name: String,
    /// Its value, as JSON; `-` reads it from standard input.
    pub(crate) value: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Fork {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The run's id.
    pub(crate) id: String,
    /// The first step that is done anew: its name, or name#occurrence counted from 0; all of them unless said.
    #[arg(long, value_name = "STEP")]
    pub(crate) from: Option<String>,
}
