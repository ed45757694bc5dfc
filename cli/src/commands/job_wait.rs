//! `blackroad job wait SERVICE ID [--for AGE]`.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use syscall_sdk::wire::{Job, JobStatus};

use super::job::{segment, show};
use crate::args::WaitJob;
use crate::print;
use crate::remote::Remote;

/// How long one request waits: less than the service's own bound, and less than this program waits for an answer.
const ROUND: Duration = Duration::from_secs(25);

/// Prints a job when it has ended; fails where it did, where it was cancelled, and where it has not ended in time.
pub(super) async fn run(remote: &Remote, machine: bool, wait: WaitJob) -> Result<()> {
    let begun = Instant::now();
    let job = loop {
        let left = wait.most.map(|most| most.saturating_sub(begun.elapsed()));
        let round = left.map_or(ROUND, |left| left.min(ROUND));
        let path = format!("/v1/sys/job/{}", segment(&wait.one.id));
        let query = [("wait", Some(round.as_millis().to_string()))];
        let job: Job = remote.get(&wait.one.service, &path, &query).await?;
        if job.schedule.is_some() {
            bail!(
                "{} is a schedule, which does not end by itself; wait for a job of it",
                job.id
            );
        }
        if job.status.ended() || left.is_some_and(|left| left <= round) {
            break job;
        }
    };
    match machine {
        true => print::json(&job)?,
        false => show(&job)?,
    }
    match job.status {
        JobStatus::Completed => Ok(()),
        JobStatus::Failed | JobStatus::Cancelled => bail!("the job is {}", job.status),
        waits => bail!("the job is {waits} still after {} s", begun.elapsed().as_secs()),
    }
}
