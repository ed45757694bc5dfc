//! Waiting for the end of a job: woken by that job alone, in this process by its bell.
//!
//! Whatever ends a job here rings for it, so a thousand who wait cost nothing while other jobs come and go. What another replica ends
//! rings in no process but its own; it moves the store's heads, which many jobs move, so they are followed at a pace.

use std::time::Duration;

use super::{Jobs, no_such_job};
use crate::error::{Error, Result};
use crate::store::Job;

/// Between two looks at a job for what other replicas may have done to it, while they change jobs at all: short beside what a person
/// notices, long beside a read.
const LOOK_PACE: Duration = Duration::from_millis(100);

impl Jobs {
    /// Waits until a job has ended. Cancel-safe.
    ///
    /// # Errors
    /// `JOB_NOT_FOUND`, or where the store cannot be read.
    pub async fn ended(&self, id: &str) -> Result<Job> {
        let bell = self.bell(id);
        let mut heads = self.store.heads();
        loop {
            // Both listen before the job is read, so an end between the read and the wait is heard.
            let rung = bell.notified();
            tokio::pin!(rung);
            rung.as_mut().enable();
            let seen = heads.borrow_and_update().job_updates;
            match self.store.job(id).await? {
                None => return Err(no_such_job(id)),
                Some(job) if job.status.ended() => return Ok(job),
                Some(_) => {}
            }
            let elsewhere = async {
                tokio::time::sleep(LOOK_PACE).await;
                heads.wait_for(|now| now.job_updates != seen).await.map(drop)
            };
            tokio::select! {
                () = rung => {}
                moved = elsewhere => moved.map_err(|_| Error::unavailable("the store is closed"))?,
            }
        }
    }
}
