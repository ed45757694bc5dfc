use std::fmt;
use std::ops::Deref;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Context, encode};
use crate::error::{Error, Result};
use crate::jobs::Run;
use crate::store::Job;
use crate::wire::Json;

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

    /// Says how far the attempt is; the next attempt is given it, and it is a heartbeat too.
    ///
    /// # Errors
    /// `FENCED` where the attempt is no longer the running one: stop then.
    pub async fn progress<T: Serialize + ?Sized>(&self, progress: &T) -> Result<()> {
        self.run.progress(encode(progress)?).await
    }

    /// What an attempt last said of how far it is; in the first attempt nothing. The way to go on where an earlier one was cut off.
    ///
    /// # Errors
    /// `INTERNAL` where it was of another shape.
    pub fn last_progress<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        let said = self.run.job.progress.as_ref().map(Json::to).transpose();
        said.map_err(|error| Error::internal("the progress of an earlier attempt has another shape").with_source(error))
    }

    /// Says that the attempt goes on, where its contract or creator asks for a heartbeat. It writes nothing, so it may be said often.
    ///
    /// # Errors
    /// `FENCED` where the attempt is no longer the running one: stop then.
    pub async fn heartbeat(&self) -> Result<()> {
        self.run.heartbeat().await
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
