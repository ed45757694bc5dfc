//! The story of a job.

use super::Teller;
use super::story::{Story, line, took, wait};
use crate::error::Result;
use crate::jobs::owner;
use crate::store::{Attempt, AttemptEnd, Job, NOT_BEGUN};
use crate::wire::{JobStatus, LogLevel, Timestamp, Why, WhyKind};

impl Teller<'_> {
    pub(super) async fn of_job(&self, job: Job) -> Result<Why> {
        let attempts = self.store.attempts(&job.id).await?;
        let mut story = Story::new(WhyKind::Job, &job.id, &job.name);
        story.trace(self.trace(job.trace.as_deref()));
        created(&mut story, &job);
        for attempt in &attempts {
            ended(&mut story, attempt);
        }
        revived(&mut story, &job, &attempts);
        self.running_attempt(&mut story, &job);
        finished(&mut story, &job);
        match job.status {
            JobStatus::Queued => {
                for cause in self.causes(&job).await? {
                    story.wait(cause);
                }
            }
            JobStatus::Pending => story.wait(self.turn(&job)),
            JobStatus::Running | JobStatus::Completed | JobStatus::Failed | JobStatus::Cancelled => {}
        }
        if let Some(schedule) = &job.schedule_id {
            story.link("schedule", schedule.clone());
        }
        if let Some((run, _)) = owner(&job.id) {
            story.link("parent", run);
        }
        for (relation, other) in [("redriveOf", &job.redrive_of), ("redrivenAs", &job.redriven_as)] {
            if let Some(other) = other {
                story.link(relation, other.clone());
            }
        }
        let summary = summary(&job, &story);
        Ok(story.told(summary))
    }

    /// The attempt that runs, as a fact and as what is waited for.
    pub(super) fn running_attempt(&self, story: &mut Story, job: &Job) {
        let (JobStatus::Running, Some(began)) = (job.status, job.started_at) else {
            return;
        };
        let here = job.owner.as_deref() == Some(self.incarnation);
        let place = if here {
            "the process that was asked"
        } else {
            "another process of this service"
        };
        story.fact(began, "began", format!("attempt {} began in {place}", job.attempt));
        let limit = job
            .timeout
            .and_then(|most| Some(began + chrono::TimeDelta::from_std(most).ok()?));
        let until = [limit, job.deadline].into_iter().flatten().min();
        story.wait(wait("attempt", format!("Attempt {} runs.", job.attempt), until));
    }
}

fn created(story: &mut Story, job: &Job) {
    let by = match (&job.schedule_id, owner(&job.id)) {
        (Some(schedule), _) => format!("made by a tick of schedule {schedule}"),
        (None, Some((run, _))) => format!("made by run {run}"),
        (None, None) => "created".to_owned(),
    };
    let first = job.attempt == 0 && job.run_at > job.created_at;
    let due = if first {
        format!(", to run at {} at the earliest", Timestamp(job.run_at))
    } else {
        String::new()
    };
    let unique = job.unique_key.as_ref().map_or_else(String::new, |key| {
        format!("; while it lives, whoever creates another with the unique key {key:?} is given this one")
    });
    let deadline = job.deadline.map_or_else(String::new, |deadline| {
        format!("; it must be done by {}", Timestamp(deadline))
    });
    story.fact(job.created_at, "created", format!("{by}{due}{unique}{deadline}"));
}

fn ended(story: &mut Story, attempt: &Attempt) {
    let (no, after) = (attempt.attempt, took(attempt.started_at, attempt.ended_at));
    let why = attempt
        .error
        .as_ref()
        .map_or_else(String::new, |error| format!(": {}", line(&error.message)));
    let (level, code, what) = match attempt.end {
        AttemptEnd::Completed => (
            LogLevel::Info,
            "completed",
            format!("attempt {no} gave a result after {after}"),
        ),
        AttemptEnd::Failed => (
            LogLevel::Error,
            "failed",
            format!("attempt {no} failed after {after}{why}"),
        ),
        AttemptEnd::Cancelled => (
            LogLevel::Warn,
            "cut",
            format!("attempt {no} was cut short by a cancel after {after}"),
        ),
        // An attempt that its own process hands back bears its trace; who takes it from a dead one knows of none.
        AttemptEnd::Interrupted if attempt.trace.is_some() => (
            LogLevel::Warn,
            "handedBack",
            format!("attempt {no} was handed back after {after}, since its process stopped; that counts as no failure"),
        ),
        AttemptEnd::Interrupted => (
            LogLevel::Warn,
            "interrupted",
            format!("attempt {no} was interrupted: its process died or was lost; that counts as no failure"),
        ),
    };
    story.grave(level, attempt.ended_at, code, what);
}

/// A job that was queued anew counts its failures from 0, while its attempts stay recorded.
fn revived(story: &mut Story, job: &Job, attempts: &[Attempt]) {
    let failed = attempts.iter().filter(|attempt| attempt.end == AttemptEnd::Failed);
    let before = failed.clone().count().saturating_sub(job.failures as usize);
    let Some(last) = before.checked_sub(1).and_then(|nth| failed.clone().nth(nth)) else {
        return;
    };
    // When exactly is kept nowhere: at the latest when the next attempt began, or is to begin.
    let next = attempts.iter().find(|attempt| attempt.attempt > last.attempt);
    let at = match next {
        Some(next) => next.started_at,
        None if job.status == JobStatus::Running => job.started_at.unwrap_or(job.run_at),
        None => job.run_at,
    };
    story.fact(
        at,
        "retried",
        format!(
            "queued anew by hand before this, with fresh attempts, after attempt {} had ended it",
            last.attempt
        ),
    );
}

pub(super) fn finished(story: &mut Story, job: &Job) {
    let Some(at) = job.completed_at else { return };
    match job.status {
        JobStatus::Failed => story.grave(LogLevel::Error, at, "dead", format!("given up: {}", given_up(job))),
        JobStatus::Cancelled => {
            story.grave(LogLevel::Warn, at, "cancelled", "cancelled");
            if let Some(noticed) = job.cancel_acknowledged_at {
                story.fact(noticed, "stopped", "its handler noticed the cancel and stopped");
            }
        }
        _ => {}
    }
}

/// Why a failed job is not tried again.
fn given_up(job: &Job) -> String {
    let message = job.error.as_ref().map_or("", |error| line(&error.message));
    if message.starts_with("JOB_DEADLINE") {
        "its time was over".to_owned()
    } else if message.starts_with(NOT_BEGUN) {
        "it had not begun in time, and was never tried".to_owned()
    } else if job.failures >= job.max_attempts {
        format!("failure {} of {}", job.failures, job.max_attempts)
    } else {
        format!(
            "its error says that another attempt would not help, after failure {} of {}",
            job.failures, job.max_attempts
        )
    }
}

fn summary(job: &Job, story: &Story) -> String {
    let name = &job.name;
    let error = job.error.as_ref().map_or("", |error| line(&error.message));
    match job.status {
        JobStatus::Completed => {
            let took = job
                .completed_at
                .map(|ended| took(job.created_at, ended))
                .unwrap_or_default();
            format!(
                "{name} is done: attempt {} gave a result, {took} after it was created.",
                job.attempt
            )
        }
        JobStatus::Failed => format!("{name} has failed for good, {}: {error}", given_up(job)),
        JobStatus::Cancelled if job.owner.is_some() && job.cancel_acknowledged_at.is_none() => {
            format!("{name} was cancelled; its handler has not stopped yet, and what it still says is refused.")
        }
        JobStatus::Cancelled => format!("{name} was cancelled."),
        JobStatus::Running => format!("{name} runs: attempt {}.", job.attempt),
        JobStatus::Queued | JobStatus::Pending => waiting(name, story),
    }
}

/// What a living one waits for, as a sentence.
pub(super) fn waiting(name: &str, story: &Story) -> String {
    match story.waits() {
        [] => format!("{name} waits."),
        [first, ..] => {
            let until = first
                .until
                .map_or_else(String::new, |until| format!(" (until {until})"));
            format!("{name} waits{until}. {}", first.what)
        }
    }
}
