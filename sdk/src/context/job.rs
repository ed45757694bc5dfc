use std::fmt;
use std::ops::Deref;

use serde::Serialize;

use super::{Context, encode};
use crate::error::Result;
use crate::jobs::Run;
use crate::store::Job;

/// A service, and the attempt of a job that a handler runs. Everything of [`Context`] is at hand.
#[derive(Clone)]
pub struct JobContext {
    context: Context,
    run: Run,
}

impl JobContext {
    /// A service running an attempt.
    pub fn new(context: Context, run: Run) -> Self {
        JobContext { context, run }
    }

    /// The job, as it was when the attempt began.
    pub fn job(&self) -> &Job {
        &self.run.job
    }

    /// Says how far the attempt is.
    ///
    /// # Errors
    /// `FENCED` where the attempt is no longer the running one: stop then.
    pub async fn progress<T: Serialize + ?Sized>(&self, progress: &T) -> Result<()> {
        self.run.progress(encode(progress)?).await
    }

    /// Waits until the job is cancelled. A handler that returns then frees its slot; one that does not is dropped after 10 s. Cancel-safe.
    pub async fn cancelled(&self) {
        self.run.cancelled.cancelled().await;
    }

    /// Whether the job is cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.run.cancelled.is_cancelled()
    }
}

impl Deref for JobContext {
    type Target = Context;
    fn deref(&self) -> &Context {
        &self.context
    }
}

impl fmt::Debug for JobContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobContext")
            .field("context", &self.context)
            .field("run", &self.run)
            .finish()
    }
}
