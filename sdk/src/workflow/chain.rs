//! Runs one after the other: a workflow that continued as new goes on in a run of its own, whose journal begins anew.
//!
//! The later runs of `order-7` are `order-7+2`, `order-7+3` …: so a run alone tells whence it comes, and its job's progress how it went on.
//! One key of the chain says which run is the latest. It is written in the commit that makes that run, and goes when that run is forgotten.

use serde::{Deserialize, Serialize};

use super::flows::{Flows, read};
use super::keys;
use crate::error::Result;
use crate::jobs::{CONTINUED_AS, FLOW_PREFIX, RUNS, place_in_chain};
use crate::store::{self, Condition, Job, Op, Seq};
use crate::wire::{JobStatus, Json};

/// What the key of a chain holds.
#[derive(Debug, Serialize, Deserialize)]
struct Pointer {
    latest: String,
}

/// What the last progress of a run says that continued as new.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Onward {
    pub(super) continued_as: String,
}

/// The run in which a workflow goes on.
#[derive(Debug)]
pub(super) struct Latest {
    pub(super) run: String,
    chain: String,
    revision: Option<Seq>,
}

impl Latest {
    /// Refuses a batch where the workflow has continued as new since this was read.
    pub(super) fn still(&self) -> Op {
        keys::check(self.chain.clone(), self.revision)
    }
}

impl Flows {
    /// Waits until a workflow has ended: a run that continued as new is followed to the end of its chain. Cancel-safe.
    ///
    /// # Errors
    /// `WORKFLOW_NOT_FOUND`, or where the store cannot be read.
    pub async fn ended(&self, id: &str) -> Result<Job> {
        loop {
            let run = self.run(&self.latest(id).await?.run).await?;
            let ended = self.jobs().ended(&run.id).await?;
            if continued_as(&ended).is_none() {
                return Ok(ended);
            }
        }
    }

    /// The id of the run in which the workflow of a run goes on, or ended: the run itself where it did not continue as new.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn latest_of(&self, id: &str) -> Result<String> {
        Ok(self.latest(id).await?.run)
    }

    pub(super) async fn latest(&self, id: &str) -> store::Result<Latest> {
        let (first, number) = place_in_chain(id);
        let chain = keys::chain(first);
        let entry = self.store().get(RUNS, &chain).await?;
        let mut latest = Latest {
            run: id.to_owned(),
            chain,
            revision: entry.as_ref().map(|entry| entry.revision),
        };
        if let Some(entry) = entry {
            let pointer: Pointer = read(&entry.value)?;
            // A number that the chain has not come to names no run.
            if place_in_chain(&pointer.latest).1 >= number {
                latest.run = pointer.latest;
            }
        }
        Ok(latest)
    }

    /// What forgets a chain with its latest run.
    pub(super) async fn forget_chain(&self, run: &str) -> store::Result<Option<Op>> {
        let latest = self.latest(run).await?;
        let forgotten = latest.revision.is_some() && latest.run == run;
        Ok(forgotten.then(|| keys::delete(latest.chain)))
    }
}

/// Says in which run a workflow goes on.
pub(super) fn point(run: &str) -> Op {
    let pointer = Pointer { latest: run.to_owned() };
    let pointer = Json::of(&pointer).expect("a text has a JSON form");
    keys::put(keys::chain(place_in_chain(run).0), pointer, Condition::Any)
}

/// The run that a run continued as.
pub(super) fn continued_as(run: &Job) -> Option<String> {
    if run.status != JobStatus::Completed || !run.name.starts_with(FLOW_PREFIX) {
        return None;
    }
    let onward: Onward = run.progress.as_ref()?.to().ok()?;
    Some(onward.continued_as)
}

/// The run that a run continues.
pub(super) fn continued_from(id: &str) -> Option<String> {
    match place_in_chain(id) {
        (_, 1) => None,
        (first, 2) => Some(first.to_owned()),
        (first, number) => Some(format!("{first}{CONTINUED_AS}{}", number - 1)),
    }
}

/// The id of the next run.
pub(super) fn next(id: &str) -> String {
    let (first, number) = place_in_chain(id);
    format!("{first}{CONTINUED_AS}{}", number + 1)
}
