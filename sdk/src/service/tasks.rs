//! The jobs of a service and who runs them.

use std::future::Future;
use std::sync::Arc;

use super::{ServedTask, Service, result_of};
use crate::context::{JobContext, decode};
use crate::contract::{Payload, Task};
use crate::error::{Origin, Result};
use crate::jobs::{FLOW_PREFIX, TaskDefaults};

impl Service {
    /// Runs a job.
    ///
    /// # Panics
    /// Where the contract is another service's, or the name has a handler already.
    #[must_use]
    pub fn task<P, R, F, Fut>(mut self, task: Task<P, R>, handler: F) -> Self
    where
        P: Payload,
        R: Payload,
        F: Fn(JobContext, P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R>> + Send + 'static,
    {
        assert!(
            task.batch.is_none(),
            "job {} is run in batches; serve it with task_batch",
            task.name
        );
        let handler = Arc::new(handler);
        let defaults = self.defaults_of(&task);
        let served = ServedTask {
            defaults,
            handler: Arc::new(move |context: JobContext| {
                let handler = Arc::clone(&handler);
                Box::pin(async move {
                    let params = decode::<P>(task.name, context.job().params.as_ref())?;
                    let result = handler(context, params)
                        .await
                        .map_err(|error| error.with_origin(Origin::Handler))?;
                    result_of("job", task.name, &result)
                })
            }),
        };
        self.serve(task.name, served);
        self
    }

    /// What a contract says of jobs of its name.
    pub(super) fn defaults_of<P, R>(&self, task: &Task<P, R>) -> TaskDefaults {
        assert_eq!(task.service, self.key, "job {} belongs to another service", task.name);
        assert!(
            !task.name.starts_with(FLOW_PREFIX),
            "job {} is named as runs of workflows are",
            task.name
        );
        let unless_said = TaskDefaults::default();
        TaskDefaults {
            max_attempts: task.max_attempts,
            backoff: task.backoff.unwrap_or(unless_said.backoff),
            timeout: task.timeout,
            max_elapsed: task.max_elapsed,
            start_within: task.start_within,
            heartbeat: task.heartbeat,
            rate: task.rate,
            concurrency: task.concurrency.unwrap_or(unless_said.concurrency),
        }
    }

    /// Gives a name its handler.
    pub(super) fn serve(&mut self, name: &'static str, served: ServedTask) {
        let twice = self.tasks.insert(name, served).is_some();
        assert!(!twice, "job {name} has two handlers");
    }
}
