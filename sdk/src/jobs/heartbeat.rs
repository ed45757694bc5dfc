//! Heartbeats: an attempt that says neither how far it is nor that it goes on is cut off, however much of its time is left.
//!
//! The process that runs an attempt is the one that listens to it, and a process that is no more is known by its lease. So a heartbeat is
//! written nowhere: a handler may say it in its innermost loop.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Run;
use crate::error::{Error, Kind, Result};
use crate::wire::JobStatus;

/// The code of an attempt that was silent for too long.
pub(super) const SILENT: &str = "JOB_SILENT";
/// Between two looks at the job on a heartbeat: what cancels it in another replica is noticed so soon, and costs a read so rarely.
const LOOK_PACE: Duration = Duration::from_secs(5);

/// When an attempt was last heard of.
#[derive(Debug)]
pub(super) struct Pulse(Mutex<Heard>);

#[derive(Clone, Copy, Debug)]
struct Heard {
    last: Instant,
    looked: Instant,
}

impl Pulse {
    /// One that begins now.
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Pulse(Mutex::new(Heard { last: now, looked: now }))
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the attempt was heard of.
    pub(super) fn beat(&self) {
        self.lock().last = Instant::now();
    }

    /// Notes that the attempt was heard of, and says whether it is time to look at the job.
    fn beat_and_look(&self) -> bool {
        let now = Instant::now();
        let mut heard = self.lock();
        heard.last = now;
        let due = now.duration_since(heard.looked) >= LOOK_PACE;
        if due {
            heard.looked = now;
        }
        due
    }

    /// Waits until the attempt was silent for so long, and gives the error that ends it; never returns where it may be silent.
    pub(super) async fn silent(&self, most: Option<Duration>) -> Error {
        let Some(most) = most else {
            return std::future::pending().await;
        };
        loop {
            let until = self.lock().last + most;
            if until <= Instant::now() {
                let silent = format!("the attempt said nothing for its {} ms", most.as_millis());
                return Error::new(Kind::DeadlineExceeded, silent).with_code(SILENT);
            }
            tokio::time::sleep_until(until).await;
        }
    }
}

impl Run {
    /// Says that the attempt goes on. Writes nothing; now and then it looks whether the attempt is still the running one, so that a job
    /// that was cancelled in another replica is told.
    ///
    /// # Errors
    /// `FENCED` where the attempt is no longer the running one: stop then.
    pub async fn heartbeat(&self) -> Result<()> {
        if !self.pulse.beat_and_look() {
            return Ok(());
        }
        match self.jobs.get(&self.job.id).await {
            Ok(Some(job)) if job.status == JobStatus::Running && job.attempt == self.job.attempt => Ok(()),
            Ok(_) => {
                self.cancelled.cancel();
                let over = format!("this attempt of job {:?} is no longer the running one", self.job.id);
                Err(Error::conflict(over).with_code("FENCED"))
            }
            // A store that cannot be read says nothing of the attempt, which goes on.
            Err(_) => Ok(()),
        }
    }
}
