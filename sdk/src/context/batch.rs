use std::time::Duration;

use serde::Serialize;

use super::{Context, encode};
use crate::audit::Record;
use crate::contract::{Flow, Payload, Task, Topic};
use crate::error::Result;
use crate::events::Events;
use crate::state::State;
use crate::store::{Batch, Condition, Op, Outcome};
use crate::subscription::Advance;
use crate::wire::{CreateJob, StartWorkflow};
use crate::workflow::Flows;

/// A write of several things: "write the row, emit the event, start the job" cannot half happen.
///
/// Faults of the parts are kept and told by [`Commit::commit`], so that the chain reads as what it does.
#[derive(Debug)]
pub struct Commit {
    context: Context,
    ops: Result<Vec<Op>>,
    /// What must hold, beside what the caller says; their outcomes are not told.
    checks: Vec<Op>,
    advance: Option<Advance>,
}

impl Commit {
    pub(super) fn new(context: Context) -> Self {
        Commit {
            context,
            ops: Ok(Vec::new()),
            checks: Vec::new(),
            advance: None,
        }
    }

    /// One with which an event is noted as handled.
    pub(super) fn advancing(context: Context, advance: Advance) -> Self {
        Commit {
            advance: Some(advance),
            ..Commit::new(context)
        }
    }

    /// Writes a key of a namespace where a condition holds.
    #[must_use]
    pub fn put<T: Serialize + ?Sized>(self, state: &State, key: &str, value: &T, condition: Condition) -> Self {
        self.push(|_| state.put_op(key, encode(value)?, condition, None))
    }

    /// Writes a key of a namespace where a condition holds, for as long as `ttl`.
    #[must_use]
    pub fn put_for<T: Serialize + ?Sized>(
        self,
        state: &State,
        key: &str,
        value: &T,
        condition: Condition,
        ttl: Duration,
    ) -> Self {
        self.push(|_| state.put_op(key, encode(value)?, condition, Some(ttl)))
    }

    /// Lets all of it happen only where a condition holds of a key that is not written.
    #[must_use]
    pub fn check(self, state: &State, key: &str, condition: Condition) -> Self {
        self.push(|_| state.check_op(key, condition))
    }

    /// Deletes a key of a namespace where a condition holds.
    #[must_use]
    pub fn delete(self, state: &State, key: &str, condition: Condition) -> Self {
        self.push(|_| state.delete_op(key, condition))
    }

    /// Emits an event.
    #[must_use]
    pub fn emit<T: Payload>(self, topic: &Topic<T>, data: &T) -> Self {
        self.push(|_| Ok(Events::emit_op(topic.name, Some(encode(data)?))?.into()))
    }

    /// Emits an event whose name is known at run time alone.
    #[must_use]
    pub fn emit_named<T: Payload>(self, topic: &str, data: &T) -> Self {
        self.push(|_| Ok(Events::emit_op(topic, Some(encode(data)?))?.into()))
    }

    /// Puts something on the record: what is done here and that it was done are one commit. Who, from where and in which trace is that
    /// of the request, where the record does not say it.
    #[must_use]
    pub fn audit(self, record: Record) -> Self {
        self.push(|context| {
            let who = context.who();
            Ok(record.op(&who, context.request().client)?.into())
        })
    }

    /// Creates a job.
    #[must_use]
    pub fn enqueue<P: Payload, R>(self, task: &Task<P, R>, params: &P) -> Self {
        self.push(|context| {
            let create = CreateJob {
                name: task.name.to_owned(),
                params: Some(encode(params)?),
                ..CreateJob::default()
            };
            context.jobs().create_op(create)
        })
    }

    /// Creates a job or a schedule with everything that its creator may say: a delay, a priority, a unique key.
    #[must_use]
    pub fn create(self, create: CreateJob) -> Self {
        self.push(|context| context.jobs().create_op(create))
    }

    /// Starts a workflow of this service.
    #[must_use]
    pub fn start<I: Payload, O>(mut self, flow: &Flow<I, O>, input: &I, id: Option<String>) -> Self {
        self.checks.extend(id.as_deref().map(Flows::free_op));
        self.push(|context| {
            context.flows().start_op(StartWorkflow {
                name: flow.name.to_owned(),
                input: Some(encode(input)?),
                id,
            })
        })
    }

    /// Does all of it, or none.
    ///
    /// # Errors
    /// The first part that was malformed, or the one that the store refused.
    pub async fn commit(self) -> Result<Vec<Outcome>> {
        let mut ops = self.ops?;
        let own = ops.len();
        ops.extend(self.checks);
        let checked = ops.len();
        if let Some(advance) = &self.advance {
            ops.extend_from_slice(advance.ops());
        }
        let batch = Batch {
            at: self.context.clock().now(),
            ops,
        };
        let mut outcomes = self.context.kernel.store.commit(batch).await?;
        if let Some(advance) = &self.advance {
            advance.committed(&outcomes.split_off(checked));
        }
        outcomes.truncate(own);
        Ok(outcomes)
    }

    fn push(mut self, op: impl FnOnce(&Context) -> Result<Op>) -> Self {
        if let Ok(ops) = &mut self.ops {
            match op(&self.context) {
                Ok(op) => ops.push(op),
                Err(error) => self.ops = Err(error),
            }
        }
        self
    }
}
