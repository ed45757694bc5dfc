//! Jobs that a run of a workflow waits for: the run is told of their end in the commit that ends them.
//!
//! Such a job bears in its id whose it is, so the end of any other job costs nothing more than it did.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::Jobs;
use super::runner::SETTLE_BACKOFF;
use crate::policy::jitter;
use crate::store::{self, Condition, Job, Op, Put, Verdict};
use crate::wire::{JobStatus, Json};

/// The namespace in which runs of workflows keep what they have done. A dot is in no name that a service can give, so neither a syscall
/// nor a service's own code reaches it.
pub const NAMESPACE: &str = "kernel.flow";
/// Stands between the id of a run and what it calls a job of its own.
pub const OWNED_BY: char = '~';
/// Stands between the id of a run and the number of one that it continued as: `order-7`, `order-7+2`, `order-7+3`. No starter may choose an
/// id with it.
pub const CONTINUED_AS: char = '+';

/// How a job ended, as it is told to the run that waits for it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// How.
    pub status: JobStatus,
    /// What it came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Json>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl End {
    /// An end.
    pub fn new(status: JobStatus, result: Option<Json>, error: Option<String>) -> Self {
        End { status, result, error }
    }
}

/// The run that a job belongs to, and what the run calls it. A child that continued as new is called as its first run was.
pub fn owner(id: &str) -> Option<(&str, &str)> {
    let (run, called) = id.rsplit_once(OWNED_BY)?;
    Some((run, place_in_chain(called).0))
}

/// The first run of the chain that a run is in, and the how-manieth of the chain it is, from 1.
pub fn place_in_chain(id: &str) -> (&str, u64) {
    let later = id.rsplit_once(CONTINUED_AS);
    let later = later.and_then(|(first, number)| Some((first, number.parse().ok().filter(|number| *number > 1)?)));
    later.unwrap_or((id, 1))
}

/// Where a run finds how a job of its own ended.
pub fn end_key(run: &str, called: &str) -> String {
    format!("run/{run}/end/{called}")
}

/// Wakes what waits in this process for something of a run, or for the end of a job.
#[derive(Debug, Default)]
pub(super) struct Bells(Mutex<HashMap<String, Weak<Notify>>>);

impl Jobs {
    /// The operations that tell a run how a job of its own ended; none where the job is nobody's, or the run has ended.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn tell(&self, id: &str, end: &End) -> Result<Vec<Op>, store::Error> {
        let Some((run, called)) = owner(id) else {
            return Ok(Vec::new());
        };
        if self.store.job(run).await?.is_none_or(|run| run.status.ended()) {
            return Ok(Vec::new());
        }
        let told = Put {
            namespace: NAMESPACE.to_owned(),
            key: end_key(run, called),
            value: Json::of(end).expect("a status, texts and JSON have a JSON form"),
            condition: Condition::Any,
            expires_at: None,
        };
        Ok(vec![told.into(), Op::Wake { job: run.to_owned() }])
    }

    /// The bell of a job; it rings when the job has ended, and where it is a run of a workflow, when something of the run may have come.
    pub fn bell(&self, run: &str) -> Arc<Notify> {
        let mut bells = self.bells.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = bells.get(run).and_then(Weak::upgrade) {
            return bell;
        }
        // Who waits comes and goes; the bells that nobody holds are swept as the list would grow.
        if bells.len() == bells.capacity() {
            bells.retain(|_, bell| bell.strong_count() > 0);
        }
        let bell = Arc::new(Notify::new());
        bells.insert(run.to_owned(), Arc::downgrade(&bell));
        bell
    }

    /// Rings for who waits for the end of a job: whoever asked for it, and the run that it belongs to.
    pub fn ring(&self, job: &str) {
        self.ring_run(job);
        if let Some((run, _)) = owner(job) {
            self.ring_run(run);
        }
    }

    /// Rings the bell of a run or a job, where anyone holds it in this process.
    pub fn ring_run(&self, run: &str) {
        let bells = self.bells.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = bells.get(run).and_then(Weak::upgrade) {
            bell.notify_waiters();
        }
    }

    /// What a run is told where an operation ends a job of its own. It waits while the store cannot be read; `None` where it is gone.
    pub(super) async fn ending(&self, job: &Job, op: &Op) -> Option<Vec<Op>> {
        let Op::Settle(settle) = op else {
            return Some(Vec::new());
        };
        let end = match &settle.verdict {
            Verdict::Completed { result } => End::new(JobStatus::Completed, result.clone(), None),
            Verdict::Failed { error, retry_at: None } => End::new(JobStatus::Failed, None, Some(error.message.clone())),
            Verdict::Failed { .. } | Verdict::HandedBack | Verdict::Parked { .. } => return Some(Vec::new()),
        };
        for failure in 1.. {
            match self.tell(&job.id, &end).await {
                Ok(told) => return Some(told),
                Err(store::Error::Closed | store::Error::Poisoned(_)) => return None,
                Err(error) => {
                    tracing::warn!(job.id = job.id, error = %error, "who waits for a job could not be read; trying again");
                    tokio::time::sleep(SETTLE_BACKOFF.wait(failure, jitter())).await;
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_continued_belongs_to_whom_its_first_belonged() {
        for (id, first, number) in [
            ("order-7", "order-7", 1),
            ("order-7+2", "order-7", 2),
            ("order-7+10", "order-7", 10),
            ("order-7+2~abc", "order-7+2~abc", 1),
            ("order-7+2~abc+3", "order-7+2~abc", 3),
            ("order-7+1", "order-7+1", 1),
            ("order-7+", "order-7+", 1),
        ] {
            assert_eq!(place_in_chain(id), (first, number), "{id}");
        }
        assert_eq!(owner("order-7~abc+3"), Some(("order-7", "abc")));
        assert_eq!(owner("order-7+2~abc"), Some(("order-7+2", "abc")));
        assert_eq!(owner("order-7+2"), None);
    }
}
