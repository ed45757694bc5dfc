//! Asking for rights to what is known by an id alone: its name is looked up first, where the caller may not do it to all there is.

use crate::auth::{Need, Word};
use crate::context::Context;
use crate::error::Result;
use crate::jobs::no_such_job;

/// Asks for a right to a job or a schedule, which has the name of the jobs that it makes.
pub(super) async fn job(context: &Context, word: Word, id: &str) -> Result<()> {
    if context.allow(&Need::all(word)).is_ok() {
        return Ok(());
    }
    let name = match context.jobs().get(id).await? {
        Some(job) => job.name,
        None => match context.jobs().schedule(id).await? {
            Some(schedule) => schedule.name,
            None => return Err(no_such_job(id)),
        },
    };
    context.allow(&Need::one(word, &name))
}

/// Asks for a right to a run of a workflow.
pub(super) async fn run(context: &Context, word: Word, id: &str) -> Result<()> {
    if context.allow(&Need::all(word)).is_ok() {
        return Ok(());
    }
    let run = context.flows().get(id).await?;
    context.allow(&Need::one(word, &run.name))
}
