//! Continuing as new: a run ends, and the next run of its workflow begins with another input and an empty journal, in one commit.

use std::future::pending;

use chrono::TimeDelta;
use serde::Serialize;

use super::chain::{self, Onward};
use super::drive::{Stop, wait_or_stop};
use super::handle::{Handle, Shared, encode};
use super::head::Head;
use super::journal::Suggested;
use super::keys;
use super::limits::{CONTINUE_PACE, PAGE};
use super::rest::TRIES;
use crate::error::Result;
use crate::jobs::{RUNS, Run};
use crate::store::{self, Batch, Condition, Op, Verdict};
use crate::wire::Json;

/// The step by which a run notes that it was told to continue as new.
const SUGGESTED: &str = "continue as new suggested";

impl Handle {
    /// Ends this run and goes on in a new one of the same workflow, with another input and an empty journal. Where the input fits,
    /// this never returns: in one commit the run ends as `continued` and the next one, `{first id}+2`, `+3` …, begins.
    ///
    /// It is for a workflow that lives long or for ever: no run may have more than [`STEPS_MAX`](super::STEPS_MAX) steps, and the fewer
    /// there are, the sooner a run is taken up after a restart.
    ///
    /// What the next run has of this one: its place with a parent, which waits for the last run of the chain; the signals that this
    /// run did not take; the log of events from behind the last one that this run was given. What it does not have: jobs and children
    /// that this run owns, which end with it unless they were abandoned; versions, since new runs begin with the newest; and what was
    /// said of undoing, which is over, as nothing failed. Work beside it that has not come to its end is given up.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use serde::{Deserialize, Serialize};
    /// # use syscall_sdk::contract::{Flow, Task};
    /// # use syscall_sdk::{context::FlowContext, error::Result, service::Service};
    /// # use utoipa::ToSchema;
    /// #[derive(Clone, Serialize, Deserialize, ToSchema)]
    /// struct Subscription { id: String, month: u32 }
    ///
    /// const RENEW: Flow<Subscription, u32> = Flow::new("core", "renew");
    /// const BILL: Task<Subscription, ()> = Task::new("core", "bill");
    ///
    /// async fn renew(flow: FlowContext, mut subscription: Subscription) -> Result<u32> {
    ///     flow.job(&BILL, &subscription).await?;
    ///     if flow.signal::<()>("cancel", Duration::from_secs(30 * 86_400)).await?.is_some() {
    ///         return Ok(subscription.month);
    ///     }
    ///     subscription.month += 1;
    ///     flow.continue_as_new(&subscription).await
    /// }
    ///
    /// let service = Service::new("core", "1.0.0").flow(RENEW, renew);
    /// ```
    ///
    /// # Errors
    /// Where the input has no JSON form or does not fit the workflow.
    pub async fn continue_as_new<I: Serialize + ?Sized, O>(&self, input: &I) -> Result<O> {
        let input = encode(input)?;
        self.0.flows.check_input(&self.0.workflow, Some(&input))?;
        self.0.journal().continuing = Some(input);
        // Whoever polls the code sees it now, and polls no more.
        pending().await
    }

    /// Whether the journal is so long that the run had better [continue as new](Handle::continue_as_new): from
    /// [`STEPS_SUGGESTED`](super::STEPS_SUGGESTED) steps on. Once it was so it stays so, for a replay too.
    ///
    /// Ask it where nothing goes on beside.
    ///
    /// # Errors
    /// Where the run has too many steps.
    pub async fn continue_as_new_suggested(&self) -> Result<bool> {
        let suggested = self.0.journal().suggestion(SUGGESTED);
        match suggested {
            Suggested::No => Ok(false),
            Suggested::Yes => Ok(true),
            Suggested::Now(asked) => {
                let root = Handle::new(std::sync::Arc::clone(&self.0));
                let _: u64 = root.value(SUGGESTED, || encode(&asked)).await?;
                Ok(true)
            }
        }
    }
}

impl Shared {
    /// Ends the run and begins the next one, in one commit.
    pub(super) async fn continue_as_new(&self, run: &Run, input: Json) -> Result<(), Stop> {
        for failure in 1.. {
            match self.try_to_continue(run, &input).await {
                Ok(()) => return Ok(()),
                // A signal came in between, or something that it owns has ended.
                Err(store::Error::Refused { op, .. }) if op > 0 && failure < TRIES as u32 => {}
                Err(store::Error::Refused { .. }) => return Err(Stop::Fenced),
                Err(error) => wait_or_stop(error, failure).await?,
            }
        }
        Err(Stop::Fenced)
    }

    async fn try_to_continue(&self, run: &Run, input: &Json) -> store::Result<()> {
        let at = self.flows.clock().now();
        let next = chain::next(&self.run);
        let onward = Onward {
            continued_as: next.clone(),
        };
        let mut ops = vec![
            self.fence(Json::of(&onward).expect("a text has a JSON form")),
            self.settle(Verdict::Completed { result: None }),
        ];
        ops.extend(self.carried_over(&next).await?);
        let owned = self.journal().owned();
        let living = self.flows.close(at, &self.run, &owned, &mut ops).await?;
        let started = self
            .flows
            .start_ops(&self.workflow, Some(input.clone()), next.clone())
            .map_err(|error| store::Error::Backend {
                doing: "making the run that a workflow continues as",
                source: Box::new(error),
            })?;
        for mut op in started {
            if let Op::Enqueue(order) = &mut op {
                let pace = TimeDelta::from_std(CONTINUE_PACE).unwrap_or_default();
                order.run_at = Some(at.max(run.job.created_at + pace));
            }
            ops.push(op);
        }
        let head = Head {
            since: Some(self.journal().last_event().unwrap_or(self.since).max(self.since)),
            forked_from: None,
        };
        let head = Json::of(&head).expect("a number has a JSON form");
        ops.push(keys::put(keys::head(&next), head, Condition::Absent));
        ops.push(chain::point(&next));
        self.flows.store().commit(Batch { at, ops }).await?;
        self.flows.closed(&self.run, &living);
        Ok(())
    }

    /// Gives the next run the signals that the code did not take, and sees to it that none comes meanwhile.
    async fn carried_over(&self, next: &str) -> store::Result<Vec<Op>> {
        let store = self.flows.store();
        let key = keys::signalled(&self.run);
        // Read before the signals: one that comes between the two is refused here, and looked for again.
        let revision = store.get(RUNS, &key).await?.map(|entry| entry.revision);
        let mut ops = vec![keys::check(key, revision)];
        let prefix = keys::signal(&self.run, "");
        let mut after = None;
        loop {
            let page = store.scan(keys::scan(&prefix, after, PAGE)).await?;
            let full = page.len() == PAGE;
            after = page.last().map(|entry| entry.key.clone());
            for entry in page {
                let name = entry.key.strip_prefix(&prefix).unwrap_or_default();
                if !self.journal().took_signal(name) {
                    ops.push(keys::put(keys::signal(next, name), entry.value, Condition::Any));
                }
            }
            if !full {
                return Ok(ops);
            }
        }
    }
}
