//! Runs as the wire shows them.

use super::chain::{continued_as, continued_from};
use super::flows::{Flows, workflow_of};
use crate::error::Result;
use crate::jobs::{FLOW_PREFIX, owner, place_in_chain};
use crate::store::{Job, JobQuery, Seq};
use crate::wire::{JobStatus, Timestamp, Workflow, WorkflowChain, WorkflowError, WorkflowStatus, WorkflowStep};

impl Flows {
    /// A run with its steps.
    ///
    /// # Errors
    /// `WORKFLOW_NOT_FOUND`.
    pub async fn get(&self, id: &str) -> Result<Workflow> {
        let run = self.run(id).await?;
        let stored = self.stored(id).await?;
        let mut records: Vec<_> = stored.records.into_iter().map(|(record, _)| record).collect();
        // Where it goes on elsewhere, what this process still does of it no longer counts.
        for active in self.active(id, run.attempt) {
            records.retain(|record| record.step() != active.step());
            records.push(active);
        }
        records.sort_by_key(|record| record.index);
        let steps: Vec<WorkflowStep> = records.into_iter().map(super::record::Record::into_wire).collect();
        Ok(Workflow {
            forked_from: stored.head.forked_from,
            chain: self.chain(&run).await?,
            steps: Some(steps),
            ..to_wire(run)
        })
    }

    /// The chain that a run is in, where it is not alone.
    async fn chain(&self, run: &Job) -> Result<Option<WorkflowChain>> {
        let (first, number) = place_in_chain(&run.id);
        if number == 1 && continued_as(run).is_none() {
            return Ok(None);
        }
        Ok(Some(WorkflowChain {
            first: first.to_owned(),
            latest: self.latest(&run.id).await?.run,
            number,
        }))
    }

    /// Runs, newest first, before a place in commit order; at most so many are looked at. Where there may be more, the place to go on
    /// from comes with them.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn list(
        &self,
        name: Option<&str>,
        status: Option<WorkflowStatus>,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<(Vec<Job>, Option<Seq>)> {
        let names: Vec<&str> = match name {
            Some(name) => vec![name],
            None => self.names().collect(),
        };
        let mut runs = Vec::new();
        for name in names {
            let query = JobQuery {
                status: status.map(WorkflowStatus::of_job),
                name: Some(format!("{FLOW_PREFIX}{name}")),
                schedule_id: None,
                before,
                limit,
            };
            runs.extend(self.store().jobs(query).await?);
        }
        runs.sort_by_key(|run| std::cmp::Reverse(run.seq));
        runs.truncate(limit);
        let next = runs.last().filter(|_| runs.len() == limit).map(|run| run.seq);
        runs.retain(|run| status.is_none_or(|status| status == status_of(run)));
        Ok((runs, next))
    }
}

/// A run without its steps.
pub fn to_wire(run: Job) -> Workflow {
    let waits = matches!(run.status, JobStatus::Queued) && run.attempt > 0;
    Workflow {
        parent: owner(&run.id).map(|(parent, _)| parent.to_owned()),
        name: workflow_of(&run).to_owned(),
        status: status_of(&run),
        continued_from: continued_from(&run.id),
        continued_as: continued_as(&run),
        id: run.id,
        input: run.params,
        result: run.result,
        // A run that was resumed keeps with its job why it failed before.
        error: run
            .error
            .filter(|_| run.status == JobStatus::Failed)
            .map(|failure| error(&failure.message)),
        created_at: Timestamp(run.created_at),
        started_at: run.started_at.map(Timestamp),
        completed_at: run.completed_at.map(Timestamp),
        run_at: waits.then_some(Timestamp(run.run_at)),
        forked_from: None,
        chain: None,
        steps: None,
    }
}

fn status_of(run: &Job) -> WorkflowStatus {
    match continued_as(run) {
        Some(_) => WorkflowStatus::Continued,
        None => run.status.into(),
    }
}

/// A job keeps of an error its code and its sentence in one line.
fn error(line: &str) -> WorkflowError {
    let (code, message) = line.split_once(": ").unwrap_or(("INTERNAL", line));
    WorkflowError {
        code: code.to_owned(),
        message: message.to_owned(),
    }
}
