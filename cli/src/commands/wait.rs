//! Waiting for an end, in rounds that each are one request: `job wait`, `workflow wait`.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde::de::DeserializeOwned;
use syscall_sdk::wire::{Job, JobStatus, Workflow};

use super::{job, workflow};
use crate::args::{WaitJob, WaitRun};
use crate::print;
use crate::remote::Remote;

/// How long one request waits: less than the service's own bound, and less than this program waits for an answer.
const ROUND: Duration = Duration::from_secs(25);

/// Prints a job when it has ended; fails where it did, where it was cancelled, and where it has not ended in time.
pub(super) async fn job(remote: &Remote, machine: bool, wait: WaitJob) -> Result<()> {
    let begun = Instant::now();
    let path = format!("/v1/sys/job/{}", job::segment(&wait.one.id));
    let job: Job = until(remote, &wait.one.service, &path, wait.most, |job: &Job| {
        if job.schedule.is_some() {
            bail!(
                "{} is a schedule, which does not end by itself; wait for a job of it",
                job.id
            );
        }
        Ok(job.status.ended())
    })
    .await?;
    match machine {
        true => print::json(&job)?,
        false => job::show(&job)?,
    }
    verdict("the job", job.status, begun)
}

/// Prints the run in which a workflow has ended; fails as [`job()`] does.
pub(super) async fn run(remote: &Remote, machine: bool, wait: WaitRun) -> Result<()> {
    let begun = Instant::now();
    let path = format!("/v1/sys/workflow/{}", job::segment(&wait.one.id));
    let ended = |run: &Workflow| Ok(run.status.ended() && run.continued_as.is_none());
    let run = until(remote, &wait.one.service, &path, wait.most, ended).await?;
    match machine {
        true => print::json(&run)?,
        false => workflow::show(&run)?,
    }
    verdict("the workflow", run.status.of_job(), begun)
}

async fn until<T: DeserializeOwned>(
    remote: &Remote,
    service: &str,
    path: &str,
    most: Option<Duration>,
    ended: impl Fn(&T) -> Result<bool>,
) -> Result<T> {
    let begun = Instant::now();
    loop {
        let left = most.map(|most| most.saturating_sub(begun.elapsed()));
        let round = left.map_or(ROUND, |left| left.min(ROUND));
        let query = [("wait", Some(round.as_millis().to_string()))];
        let found: T = remote.get(service, path, &query).await?;
        if ended(&found)? || left.is_some_and(|left| left <= round) {
            return Ok(found);
        }
    }
}

fn verdict(what: &str, status: JobStatus, begun: Instant) -> Result<()> {
    match status {
        JobStatus::Completed => Ok(()),
        JobStatus::Failed | JobStatus::Cancelled => bail!("{what} is {status}"),
        waits => bail!("{what} is {waits} still after {} s", begun.elapsed().as_secs()),
    }
}
