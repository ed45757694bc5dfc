//! A service's workflows as the jobs that their runs are.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::context::{Context, FlowContext, Kernel};
use crate::jobs::{FLOW_PREFIX, JobHandler, TaskDefaults};
use crate::service::Service;
use crate::workflow::{Body, CheckInput};

/// What the contracts of a service's jobs and workflows say.
pub(super) fn known_jobs(service: &Service) -> BTreeMap<String, TaskDefaults> {
    let tasks = service
        .tasks
        .iter()
        .map(|(name, task)| ((*name).to_owned(), task.defaults));
    let flows = service.flows.iter().map(|(name, flow)| {
        let defaults = TaskDefaults {
            max_attempts: 1,
            concurrency: flow.concurrency,
            ..TaskDefaults::default()
        };
        (format!("{FLOW_PREFIX}{name}"), defaults)
    });
    tasks.chain(flows).collect()
}

/// What each workflow takes.
pub(super) fn known(service: &Service) -> BTreeMap<String, CheckInput> {
    let flows = service.flows.iter();
    flows.map(|(name, flow)| ((*name).to_owned(), flow.check)).collect()
}

/// What runs the runs.
pub(super) fn handlers<'a>(
    kernel: &'a Arc<Kernel>,
    service: &'a Service,
) -> impl Iterator<Item = (String, JobHandler)> + 'a {
    service.flows.iter().map(|(name, flow)| {
        let (code, kernel) = (Arc::clone(&flow.handler), Arc::clone(kernel));
        let handler: JobHandler = Arc::new(move |run| {
            let (code, kernel, input) = (Arc::clone(&code), Arc::clone(&kernel), run.job.params.clone());
            let body: Body = Arc::new({
                let kernel = Arc::clone(&kernel);
                move |handle| {
                    code(
                        FlowContext::new(Context::new(Arc::clone(&kernel)), handle),
                        input.clone(),
                    )
                }
            });
            Box::pin(async move { kernel.flows.execute(run, body).await })
        });
        (format!("{FLOW_PREFIX}{name}"), handler)
    })
}
