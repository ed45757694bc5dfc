//! The schedules that are part of a service.

use crate::context::Kernel;
use crate::error::Result;
use crate::jobs::Cadence;
use crate::service::Cron;
use crate::store::{Batch, NewSchedule, Op};
use crate::wire::{CatchUp, Overlap};

/// Makes them, once; what a person has cancelled stays cancelled.
pub(super) async fn plant(kernel: &Kernel, crons: &[Cron]) -> Result<()> {
    if !kernel.settings.features.jobs {
        return Ok(());
    }
    let mut ops = Vec::new();
    let mut wanted = Vec::new();
    for cron in crons {
        let params = cron.params.as_ref().map_or("", |params| params.text());
        let id = format!("cron:{}:{}:{params}", cron.task, cron.expression);
        wanted.push(id.clone());
        if kernel.store.schedule(&id).await?.is_some() {
            continue;
        }
        let task = kernel.jobs.defaults(cron.task)?;
        ops.push(Op::from(NewSchedule {
            id,
            name: cron.task.to_owned(),
            params: cron.params.clone(),
            cron: cron.expression.to_owned(),
            timezone: "UTC".to_owned(),
            catch_up: CatchUp::Last,
            overlap: Overlap::Allow,
            next_run: Cadence::parse(cron.expression, "UTC")?.after(kernel.clock.now()),
            priority: 0,
            max_attempts: task.max_attempts,
            backoff: task.backoff,
            timeout: task.timeout,
            max_elapsed: task.max_elapsed,
            start_within: task.start_within,
            heartbeat: task.heartbeat,
        }));
    }
    for schedule in kernel.store.schedules().await? {
        if schedule.id.starts_with("cron:") && !wanted.contains(&schedule.id) {
            ops.push(Op::Cancel { id: schedule.id });
        }
    }
    if !ops.is_empty() {
        kernel
            .store
            .commit(Batch {
                at: kernel.clock.now(),
                ops,
            })
            .await?;
    }
    Ok(())
}
