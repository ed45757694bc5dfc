//! Why something ran, and why it did not: the story of a job, a schedule, a run or an event, as the store has it.
//!
//! Nothing is written down for this. Each story is put together from what the kernel keeps anyway, in a few reads, so it is as
//! true as they are and costs nothing while nobody asks.

mod delivery;
mod event;
mod flow;
mod job;
mod schedule;
mod story;
mod waits;

use std::sync::Arc;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::jobs::{FLOW_PREFIX, Jobs};
use crate::store::Store;
use crate::subscription::Subscriptions;
use crate::telemetry::{Recorder, TraceContext};
use crate::wire::{Why, WhyTrace};
use crate::workflow::Flows;

/// Tells stories from what one service keeps.
#[derive(Clone, Copy, Debug)]
pub struct Teller<'a> {
    /// What lasts.
    pub store: &'a Arc<dyn Store>,
    /// Time.
    pub clock: &'a Clock,
    /// The jobs, with the names for which there are handlers.
    pub jobs: &'a Jobs,
    /// The workflows.
    pub flows: &'a Flows,
    /// Who is to have the events.
    pub subscriptions: &'a Subscriptions,
    /// The spans that are still held.
    pub recorder: &'a Recorder,
    /// This life of the process: whose slots are counted.
    pub incarnation: &'a str,
}

impl Teller<'_> {
    /// The story of whatever an id names: a job, a run of a workflow, a schedule, an event, or a dead letter.
    ///
    /// # Errors
    /// `ID_NOT_FOUND` where nothing here has it, or has it any more; what keeps the store from being read.
    pub async fn tell(&self, id: &str) -> Result<Why> {
        if let Some(job) = self.store.job(id).await? {
            return if job.name.starts_with(FLOW_PREFIX) {
                self.of_run(job).await
            } else {
                self.of_job(job).await
            };
        }
        if let Some(schedule) = self.store.schedule(id).await? {
            return self.of_schedule(schedule).await;
        }
        if let Some(event) = self.store.event(id).await? {
            return self.of_event(event).await;
        }
        if let Some(story) = self.of_delivery(id).await? {
            return Ok(story);
        }
        Err(Error::not_found(format!(
            "nothing here has the id {id:?}; it may be another service's, or older than what is kept of events and of jobs that ended"
        ))
        .with_code("ID_NOT_FOUND")
        .with_details(serde_json::json!({ "id": id })))
    }

    /// The trace of a `traceparent`, and whether spans of it are still held here.
    fn trace(&self, traceparent: Option<&str>) -> Option<WhyTrace> {
        let trace = TraceContext::parse(traceparent?)?.trace;
        let held = self
            .recorder
            .spans()
            .read(|spans| spans.iter().any(|span| span.context.trace == trace));
        Some(WhyTrace {
            trace_id: trace.to_string(),
            held,
        })
    }
}
