//! Awaiting jobs: of this service by their bell, of another over its syscalls.

use std::time::Duration;

use tokio::time::Instant;

use super::Context;
use crate::contract::{Payload, Task};
use crate::error::{Error, Kind, Result};
use crate::jobs::to_wire;
use crate::rpc::CallOptions;
use crate::wire::{Job, JobStatus};

/// How long one question to another service waits for the end of a job; then it is asked again.
const WAIT: Duration = Duration::from_secs(20);
/// Before a service is asked again that answered sooner than it was asked to: it goes down, or its caller's time is nearly over.
const PACE: Duration = Duration::from_secs(1);
/// What the answer may take beside the wait.
const SLACK: Duration = Duration::from_secs(5);

impl Context {
    /// Waits until a job of this service or of another has ended, within what is left of the caller's time; outside a request it waits
    /// for as long as that takes. Nothing is polled: the service that runs it answers when it has ended. Cancel-safe.
    ///
    /// # Errors
    /// `JOB_NOT_FOUND`; `DEADLINE_EXCEEDED` where the caller's time was over first; what kept the question from the other service.
    pub async fn ended(&self, service: &str, id: &str) -> Result<Job> {
        let ended = async {
            if self.kernel.registry.get(service)?.key == self.kernel.record.key {
                return Ok(to_wire(self.kernel.jobs.ended(id).await?, None));
            }
            self.ended_elsewhere(service, id).await
        };
        let Some(deadline) = self.request.deadline else {
            return ended.await;
        };
        tokio::time::timeout_at(deadline, ended).await.map_err(|_| {
            let late = format!("job {id:?} of {service} had not ended when the caller's time was over");
            Error::new(Kind::DeadlineExceeded, late)
        })?
    }

    /// Waits for what a job comes to.
    ///
    /// # Errors
    /// As [`Context::ended`]; `JOB_FAILED` with its `id`, `status` and `error` where it failed or was cancelled.
    pub async fn result_of<P, R: Payload>(&self, task: &Task<P, R>, id: &str) -> Result<R> {
        let job = self.ended(task.service, id).await?;
        if job.status != JobStatus::Completed {
            let why = job.error.as_ref().map_or("", |error| error.message.as_str());
            let message = format!("job {id:?} of {} is {}: {why}", task.service, job.status);
            return Err(Error::new(Kind::Unprocessable, message.trim_end_matches(": "))
                .with_code("JOB_FAILED")
                .with_details(serde_json::json!({ "id": id, "status": job.status, "error": why })));
        }
        let result = job.result.unwrap_or_else(|| serde_json::Value::Null.into());
        result.to().map_err(|error| {
            let what = format!("the result of job {:?} is not what its contract says", task.name);
            Error::internal(what).with_source(error)
        })
    }

    async fn ended_elsewhere(&self, service: &str, id: &str) -> Result<Job> {
        let path = format!("/v1/sys/job/{}?wait={}", encoded(id), WAIT.as_millis());
        loop {
            let begun = Instant::now();
            let options = CallOptions {
                timeout: Some(WAIT + SLACK),
                ..self.call_options()
            };
            let job: Job = self.kernel.rpc.get_json(service, &path, &options).await?;
            if job.status.ended() {
                return Ok(job);
            }
            if job.schedule.is_some() {
                return Err(Error::invalid(format!(
                    "{id:?} is a schedule, which does not end; await a job of it"
                )));
            }
            if begun.elapsed() < WAIT {
                tokio::time::sleep(PACE).await;
            }
        }
    }
}

/// An id as one segment of a path.
fn encoded(id: &str) -> String {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte);
    id.bytes()
        .map(|byte| match harmless(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}
