//! The story of a run of a workflow.

use super::Teller;
use super::job::{finished, waiting};
use super::story::{Story, line, took, wait};
use crate::error::Result;
use crate::store::{AttemptEnd, Job};
use crate::wire::{
    JobStatus, LogLevel, StepStatus, Timestamp, Why, WhyKind, WhyWait, Workflow, WorkflowStatus, WorkflowStep,
};
use crate::workflow::STEPS_WARNED;

impl Teller<'_> {
    pub(super) async fn of_run(&self, job: Job) -> Result<Why> {
        let run = self.flows.get(&job.id).await?;
        let mut story = Story::new(WhyKind::Workflow, &job.id, &run.name);
        story.trace(self.trace(job.trace.as_deref()));
        started(&mut story, &run);
        for attempt in self.store.attempts(&job.id).await? {
            if attempt.end == AttemptEnd::Interrupted {
                let what = "its process ended; it was taken up again where its journal ended";
                story.grave(LogLevel::Warn, attempt.ended_at, "interrupted", what);
            }
        }
        for step in run.steps.iter().flatten() {
            told_step(&mut story, step);
        }
        if let Some(step) = run.steps.iter().flatten().nth(STEPS_WARNED - 1) {
            let what = format!(
                "the run has {STEPS_WARNED} steps, half of what it may have; its code should continue as new when \
                 continue_as_new_suggested says so, or be split into children"
            );
            story.grave(LogLevel::Warn, step.started_at.0, "longJournal", what);
        }
        if let (Some(at), Some(next)) = (job.completed_at, &run.continued_as) {
            story.fact(at, "continued", format!("continued as new, as run {next}"));
            story.link("continuedAs", next.clone());
        } else if job.status == JobStatus::Completed
            && let Some(at) = job.completed_at
        {
            story.fact(at, "completed", "gave its result");
        }
        if job.status == JobStatus::Failed
            && let (Some(at), Some(error)) = (run.completed_at, &run.error)
        {
            let what = format!("failed: {}: {}", error.code, line(&error.message));
            story.grave(LogLevel::Error, at.0, "failed", what);
        } else {
            finished(&mut story, &job);
        }
        // One that is due and not taken is held by the same causes as a job; else its steps say what it waits for.
        let due = job.status == JobStatus::Queued && (job.run_at <= self.clock.now() || job.attempt == 0);
        if due {
            for cause in self.causes(&job).await? {
                story.wait(cause);
            }
        } else if !job.status.ended() {
            for step in run.steps.iter().flatten() {
                if let Some(waits) = step_waits(step) {
                    story.wait(waits);
                }
            }
            if story.waits().is_empty() && job.status == JobStatus::Running {
                story.wait(wait("step", "Its code runs, between two steps.", None));
            }
        }
        let summary = summary(&run, &story);
        Ok(story.told(summary))
    }
}

fn started(story: &mut Story, run: &Workflow) {
    let how = match (&run.continued_from, &run.parent, &run.forked_from) {
        (Some(before), ..) => format!("started as what run {before} continued as"),
        (None, Some(parent), _) => format!("started by run {parent}"),
        (None, None, Some(fork)) => format!("forked from run {fork}"),
        (None, None, None) => "started".to_owned(),
    };
    story.fact(run.created_at.0, "created", how);
    if let Some(before) = &run.continued_from {
        story.link("continuedFrom", before.clone());
    }
    if let Some(parent) = &run.parent {
        story.link("parent", parent.clone());
    }
    if let Some(fork) = &run.forked_from {
        story.link("forkedFrom", fork.clone());
    }
}

fn told_step(story: &mut Story, step: &WorkflowStep) {
    if let Some(child) = &step.child {
        story.link("child", child.clone());
    }
    let name = &step.name;
    let tries = if step.attempts > 1 {
        format!(" in {} attempts", step.attempts)
    } else {
        String::new()
    };
    match (step.status, step.ended_at) {
        (StepStatus::Completed, Some(at)) => {
            let what = format!("step {name:?} was done{tries} after {}", took(step.started_at.0, at.0));
            story.fact(at.0, "step", what);
        }
        (StepStatus::Failed, Some(at)) => {
            let why = step.error.as_ref().map_or_else(String::new, |error| {
                format!(": {}: {}", error.code, line(&error.message))
            });
            let what = format!("step {name:?} failed for good{tries}{why}");
            story.grave(LogLevel::Error, at.0, "stepFailed", what);
        }
        _ => story.fact(step.started_at.0, "stepBegan", format!("step {name:?} began")),
    }
}

/// What a step that has not ended waits for.
fn step_waits(step: &WorkflowStep) -> Option<WhyWait> {
    let name = &step.name;
    let until = step.waits.as_ref().and_then(|waits| waits.until).map(|until| until.0);
    match (step.status, &step.waits) {
        (StepStatus::Running, _) => {
            let failed = step.error.as_ref().map_or_else(String::new, |error| {
                format!("; its latest try failed with {}: {}", error.code, line(&error.message))
            });
            Some(wait("step", format!("Step {name:?} is being done{failed}."), None))
        }
        (StepStatus::Waiting, Some(waits)) => Some(match (&waits.signal, &waits.event, &waits.job) {
            (Some(signal), ..) => wait(
                "signal",
                format!("Step {name:?} waits for the signal {signal:?}."),
                until,
            ),
            (_, Some(event), _) => wait("event", format!("Step {name:?} waits for the event {event:?}."), until),
            (_, _, Some(job)) => wait("job", format!("Step {name:?} waits for the end of {job}."), until),
            _ => match &step.error {
                Some(error) => {
                    let (code, why) = (&error.code, line(&error.message));
                    wait(
                        "backoff",
                        format!("Step {name:?} is tried again after {code}: {why}"),
                        until,
                    )
                }
                None => wait("sleep", "It sleeps.", until),
            },
        }),
        _ => None,
    }
}

fn summary(run: &Workflow, story: &Story) -> String {
    let name = &run.name;
    match run.status {
        WorkflowStatus::Completed => {
            let took = run
                .completed_at
                .map_or_else(String::new, |ended| took(run.created_at.0, ended.0));
            format!("{name} is done, {took} after it was started.")
        }
        WorkflowStatus::Failed => {
            let why = run
                .error
                .as_ref()
                .map_or_else(String::new, |error| format!("{}: {}", error.code, line(&error.message)));
            format!("{name} has failed: {why}")
        }
        WorkflowStatus::Cancelled => {
            let at = run
                .completed_at
                .map_or_else(String::new, |at: Timestamp| format!(" at {at}"));
            format!("{name} was cancelled{at}.")
        }
        WorkflowStatus::Continued => {
            let next = run.continued_as.as_deref().unwrap_or_default();
            let chain = run.chain.as_ref().filter(|chain| chain.latest != next);
            let latest = chain.map_or_else(String::new, |chain| format!(", and is at {} by now", chain.latest));
            format!("{name} was continued as new, as {next}{latest}.")
        }
        WorkflowStatus::Running | WorkflowStatus::Queued | WorkflowStatus::Pending => waiting(name, story),
    }
}
