//! Jobs on behalf of others.

use blackroad_os_contracts::operator::CreateFleetJob;
use syscall_sdk::context::Context;
use syscall_sdk::error::Result;
use syscall_sdk::jobs::{Created, schedule_as_job, to_wire};
use syscall_sdk::wire::{CreateJob, Job};

pub(crate) async fn create(context: Context, params: CreateFleetJob) -> Result<Job> {
    let own = &context.kernel().record;
    let create = CreateJob {
        name: params.name,
        params: params.params,
        ..CreateJob::default()
    };
    match params
        .service
        .filter(|service| *service != own.key && *service != own.name)
    {
        Some(service) => {
            context
                .rpc()
                .post_json(&service, "/v1/sys/job", &create, &context.call_options())
                .await
        }
        None => Ok(match context.jobs().create(create).await? {
            Created::Job(job, _) => to_wire(*job, None),
            Created::Schedule(schedule) => schedule_as_job(*schedule),
        }),
    }
}
