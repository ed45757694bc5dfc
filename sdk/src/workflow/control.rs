//! What can be done to a run from outside: cancel it, signal it, resume it, fork it.

use super::chain::continued_as;
use super::flows::{Flows, Stored, checked_id, exists, workflow_of};
use super::head::Head;
use super::keys;
use super::record::{Record, step_of};
use super::rest::{TRIES, nothing};
use crate::error::{Error, Result};
use crate::jobs::End;
use crate::name::{TaskName, new_id};
use crate::store::{self, Batch, Condition, Job, Op, Outcome, Refusal};
use crate::wire::{JobStatus, Json, Signalled};

impl Flows {
    /// Cancels a run at once, running or not, and what it owns with it; of a workflow that continued as new, the latest run. What it did
    /// is not undone.
    ///
    /// # Errors
    /// `WORKFLOW_NOT_FOUND`, or `JOB_STATUS` where it has ended already.
    pub async fn cancel(&self, id: &str) -> Result<Job> {
        let end = End::new(JobStatus::Cancelled, None, None);
        for _ in 0..TRIES {
            let run = self.run(&self.latest(id).await?.run).await?;
            let cancel = Op::Cancel { id: run.id.clone() };
            let owned = self.stored(&run.id).await?.owned();
            match self.try_to_end(&cancel, &run.id, &end, &owned).await {
                Ok(()) => {
                    self.jobs().cancel_here(&run.id);
                    return self.run(&run.id).await;
                }
                // Something that it owns ended in between.
                Err(store::Error::Refused { op, .. }) if op > 0 => {}
                // It continued as new in between.
                Err(store::Error::Refused { .. }) if self.latest(id).await?.run != run.id => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::conflict(format!(
            "run {id:?} starts and ends things so fast that it could not be cancelled with them; try again"
        )))
    }

    /// Sends a signal to a run: the first value under a name is its value. Of a workflow that continued as new it goes to the latest run.
    ///
    /// # Errors
    /// `WORKFLOW_NOT_FOUND`; `SIGNAL_EXISTS` where another value came first; `JOB_STATUS` where the run has ended.
    pub async fn signal(&self, id: &str, name: &str, value: Json) -> Result<Signalled> {
        let name = TaskName::new(name)?;
        for _ in 0..TRIES {
            let latest = self.latest(id).await?;
            let run = self.run(&latest.run).await?;
            if run.status.ended() && continued_as(&run).is_none() {
                return Err(Error::invalid(format!("workflow {:?} is {}", run.id, run.status))
                    .with_code("JOB_STATUS")
                    .with_details(serde_json::json!({ "id": run.id, "status": run.status })));
            }
            let key = keys::signal(&run.id, name.as_str());
            let batch = Batch::new(self.clock().now())
                .with(latest.still())
                .with(keys::put(key.clone(), value.clone(), Condition::Absent))
                .with(keys::put(keys::signalled(&run.id), nothing(), Condition::Any))
                .with(Op::Wake { job: run.id.clone() });
            let first = match self.store().commit(batch).await {
                Ok(_) => true,
                // It continued as new in between.
                Err(store::Error::Refused {
                    op: 0,
                    why: Refusal::Version { .. },
                }) => continue,
                Err(store::Error::Refused {
                    why: Refusal::Version { .. },
                    ..
                }) => {
                    let sent = self.store().get(crate::jobs::RUNS, &key).await?;
                    if sent.is_none_or(|sent| sent.value != value) {
                        return Err(Error::conflict(format!(
                            "signal {name:?} was sent to workflow {:?} before, with another value, and the first one counts",
                            run.id
                        ))
                        .with_code("SIGNAL_EXISTS"));
                    }
                    false
                }
                Err(error) => return Err(error.into()),
            };
            self.jobs().ring_run(&run.id);
            return Ok(Signalled {
                id: run.id,
                name: name.to_string(),
                first,
            });
        }
        Err(Error::conflict(format!(
            "workflow {id:?} continues as new so fast that no run of it could be signalled; try again"
        )))
    }

    /// Takes up a failed or cancelled run where its journal ends; of a workflow that continued as new, the latest.
    ///
    /// A step that failed for good stays so; to do it anew, fork the run from it.
    ///
    /// # Errors
    /// `WORKFLOW_NOT_FOUND`, or `JOB_STATUS` where it lives or is completed.
    pub async fn resume(&self, id: &str) -> Result<Job> {
        let run = self.run(&self.latest(id).await?.run).await?;
        let mut batch = Batch::new(self.clock().now()).with(Op::Revive { job: run.id.clone() });
        if let Some(ended) = run.completed_at {
            batch = batch.with(keys::delete(keys::ended(ended, &run.id)));
        }
        match self.store().commit(batch).await?.into_iter().next() {
            Some(Outcome::Job(job)) => Ok(*job),
            other => Err(Error::internal(format!("resuming a run came to {other:?}"))),
        }
    }

    /// Starts a new run with the input of another and with what its journal holds from before a step; absent, with nothing of it.
    ///
    /// # Errors
    /// `WORKFLOW_NOT_FOUND`; `NO_SUCH_STEP` where the journal does not have the step.
    pub async fn fork(&self, id: &str, from_step: Option<&str>) -> Result<Job> {
        let run = self.run(id).await?;
        let stored = self.stored(id).await?;
        let fork = checked_id(new_id())?;
        let before = from_step.map(|step| index_of(id, &stored, step)).transpose()?;
        let head = Head {
            since: Some(stored.head.since.unwrap_or(run.seq)),
            forked_from: Some(id.to_owned()),
        };
        let head = Json::of(&head).map_err(|error| Error::internal("a head has no JSON form").with_source(error))?;
        let mut ops = self.start_ops(workflow_of(&run), run.params.clone(), fork.clone())?;
        ops.push(keys::put(keys::head(&fork), head, Condition::Absent));
        let shared = |record: &Record| record.ended() && before.is_some_and(|before| record.index < before);
        for (record, _) in stored.records.iter().filter(|(record, _)| shared(record)) {
            // What it owned is the other run's.
            let record = Record {
                owns: None,
                ..record.clone()
            };
            let key = keys::step(&fork, &record.step());
            ops.push(keys::put(key, super::drive::record_json(&record), Condition::Absent));
        }
        let batch = Batch {
            at: self.clock().now(),
            ops,
        };
        match self.store().commit(batch).await?.into_iter().next() {
            Some(Outcome::Job(job)) => Ok(*job),
            _ => Err(exists(&fork)),
        }
    }
}

/// The place of a step that is named as `name` or `name#occurrence`.
fn index_of(run: &str, stored: &Stored, step: &str) -> Result<u32> {
    let first = step_of(step, 0);
    let found = |record: &&Record| record.step() == step || record.step() == first;
    let records = stored.records.iter().map(|(record, _)| record);
    let found = records.clone().find(found).map(|record| record.index);
    found.ok_or_else(|| {
        let mut known: Vec<_> = records.map(|record| (record.index, record.step())).collect();
        known.sort();
        let known: Vec<_> = known.into_iter().map(|(_, step)| step).collect();
        Error::not_found(format!(
            "the journal of workflow {run:?} has no step {step:?}; it has {}",
            known.join(", ")
        ))
        .with_code("NO_SUCH_STEP")
    })
}
