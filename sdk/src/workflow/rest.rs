//! How a run leaves: to rest until something comes, or for good.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::chain::continued_as;
use super::drive::{Stop, record_json};
use super::handle::Shared;
use super::journal::Waiting;
use super::record::called;
use super::{Flows, keys};
use crate::error::Error;
use crate::jobs::{End, FLOW_PREFIX, Finished, Run, end_key, owner};
use crate::store::{self, Batch, Condition, Job, JobFailure, Op, Seq, Settle, Verdict};
use crate::telemetry;
use crate::wire::{JobStatus, Json, WorkflowWait};

/// Tries to do something to a run together with what it owns and is sent, while that goes on ending and coming by itself: each try meets
/// one that has just done so.
pub(super) const TRIES: usize = 64;

/// An event that a run at rest waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Registration {
    pub(super) run: String,
    pub(super) event: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) matching: Option<Json>,
    /// Up to where the run itself has read the log.
    pub(super) after: Seq,
}

impl Shared {
    /// Notes what the run waits for and gives up its slot, unless something of it has come; says whether it rests.
    pub(super) async fn rest(&self) -> Result<bool, Stop> {
        let waits: Vec<Waiting> = self.journal().waits.values().cloned().collect();
        let until = waits.iter().filter_map(|waiting| waiting.until).min();
        let names: Vec<_> = waits.iter().map(|waiting| waiting.record.name.as_str()).collect();
        // First, so that a batch whose answer was lost is known again by its fence.
        let mut ops = vec![self.fence(serde_json::json!({ "waits": names }).into())];
        let mut registrations = Vec::new();
        for waiting in &waits {
            let (record, step) = (waiting.resting(), waiting.record.step());
            if self.journal().kept(&step).is_none_or(|(kept, _)| *kept != record) {
                let condition = waiting.revision.map_or(Condition::Absent, Condition::Revision);
                ops.push(keys::put(keys::step(&self.run, &step), record_json(&record), condition));
            }
            if let Some(key) = &waiting.unless {
                ops.push(keys::absent(key.clone()));
            }
            if let Some(registration) = self.registration(waiting) {
                let key = keys::wait(&self.run, &called(&step));
                let value = Json::of(&registration).expect("a registration is made of texts and JSON");
                ops.push(keys::put(key.clone(), value, Condition::Any));
                registrations.push((key, registration));
            }
        }
        ops.push(self.settle(Verdict::Parked { until }));
        let rests = self.commit(ops).await?.is_some();
        if rests {
            self.flows.register(registrations);
        }
        Ok(rests)
    }

    /// Ends the run, and with it what it owns.
    pub(super) async fn end(&self, run: &Run, ended: Finished) -> Result<(), Stop> {
        let (verdict, end) = match ended {
            Ok(result) => {
                let end = End::new(JobStatus::Completed, result.clone(), None);
                (Verdict::Completed { result }, end)
            }
            Err(error) => {
                tracing::warn!(run = self.run, workflow = run.job.name, error = %error.chain(), "a workflow failed");
                let error = failure(&error);
                let end = End::new(JobStatus::Failed, None, Some(error.message.clone()));
                (Verdict::Failed { error, retry_at: None }, end)
            }
        };
        // A run whose code has changed is resumed when the code is mended, and finds its children as it left them.
        let mended = matches!(&verdict, Verdict::Failed { error, .. } if error.message.starts_with(super::CHANGED));
        let owned = if mended { Vec::new() } else { self.journal().owned() };
        self.flows.end_with(self.settle(verdict), &self.run, &end, owned).await
    }

    pub(super) fn settle(&self, verdict: Verdict) -> Op {
        Op::Settle(Settle {
            job: self.run.clone(),
            attempt: self.attempt,
            verdict,
            trace: telemetry::current_trace().map(|trace| trace.to_string()),
        })
    }

    fn registration(&self, waiting: &Waiting) -> Option<Registration> {
        let WorkflowWait { event, matching, .. } = waiting.record.waits.clone()?;
        Some(Registration {
            run: self.run.clone(),
            event: event?,
            matching,
            after: waiting.record.after.unwrap_or(self.since),
        })
    }
}

impl Flows {
    /// Commits the end of a run together with the ends of what it owns, as far as that still lives.
    pub(super) async fn end_with(&self, op: Op, run: &str, end: &End, owned: Vec<String>) -> Result<(), Stop> {
        for failure in 1.. {
            match self.try_to_end(&op, run, end, &owned).await {
                Ok(()) => return Ok(()),
                // Something that it owns ended in between.
                Err(store::Error::Refused { op, .. }) if op > 0 && failure < TRIES as u32 => {}
                Err(store::Error::Refused { .. }) => return Err(Stop::Fenced),
                Err(error) => super::drive::wait_or_stop(error, failure).await?,
            }
        }
        Err(Stop::Fenced)
    }

    pub(super) async fn try_to_end(&self, op: &Op, run: &str, end: &End, owned: &[String]) -> store::Result<()> {
        let at = self.clock().now();
        let mut ops = vec![op.clone()];
        let living = self.close(at, run, owned, &mut ops).await?;
        ops.extend(self.jobs().tell(run, end).await?);
        self.store().commit(Batch { at, ops }).await?;
        self.closed(run, &living);
        Ok(())
    }

    /// Adds what ends with a run, and gives what of that still lives.
    pub(super) async fn close(
        &self,
        at: DateTime<Utc>,
        run: &str,
        owned: &[String],
        ops: &mut Vec<Op>,
    ) -> store::Result<Vec<Job>> {
        let living = self.living(owned).await?;
        ops.push(keys::put(keys::ended(at, run), nothing(), Condition::Any));
        for job in &living {
            ops.push(Op::Cancel { id: job.id.clone() });
            // So that the run, if it is ever resumed, does not wait for what will not come.
            if let Some((owner, called)) = owner(&job.id) {
                let end = End::new(JobStatus::Cancelled, None, None);
                let end = Json::of(&end).expect("a status has a JSON form");
                ops.push(keys::put(end_key(owner, called), end, Condition::Any));
            }
            if job.name.starts_with(FLOW_PREFIX) {
                ops.push(keys::put(keys::ended(at, &job.id), nothing(), Condition::Any));
            }
        }
        Ok(living)
    }

    /// Tells those in this process who wait for a run, and for what ended with it.
    pub(super) fn closed(&self, run: &str, living: &[Job]) {
        for job in living {
            self.jobs().cancel_here(&job.id);
            self.jobs().ring_run(&job.id);
        }
        self.jobs().ring(run);
    }

    /// What lives of what a run owns, and of what that owns.
    async fn living(&self, owned: &[String]) -> store::Result<Vec<Job>> {
        let mut living = Vec::new();
        let mut left = owned.to_vec();
        while let Some(id) = left.pop() {
            let mut job = self.store().job(&id).await?;
            if job.as_ref().is_none_or(|job| continued_as(job).is_some()) {
                job = self.store().job(&self.latest(&id).await?.run).await?;
            }
            let Some(job) = job.filter(|job| !job.status.ended()) else {
                continue;
            };
            if job.name.starts_with(FLOW_PREFIX) {
                left.extend(self.stored(&job.id).await?.owned());
            }
            living.push(job);
        }
        Ok(living)
    }
}

/// How a failure is kept with a job.
fn failure(error: &Error) -> JobFailure {
    let message = format!("{}: {}", error.code(), error.message());
    let chain = error.chain();
    JobFailure {
        stack: (chain != message).then_some(chain),
        message,
    }
}

pub(super) fn nothing() -> Json {
    serde_json::Value::Null.into()
}
