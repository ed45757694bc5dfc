//! What a run does elsewhere: calls, events, jobs and children, each once.

use std::time::Duration;

use futures_util::FutureExt;

use super::handle::{Handle, decode, encode};
use super::journal::{Asked, outcome};
use super::record::{Record, Request, StepKind, called};
use super::step::StepPolicy;
use crate::contract::{Flow, Method, Payload, Task, Topic};
use crate::error::{Error, Kind, Result};
use crate::events::Events;
use crate::jobs::{End, OWNED_BY, end_key};
use crate::rpc::CallOptions;
use crate::store::{Op, Seq};
use crate::wire::{CreateJob, JobStatus, Json, StepStatus, Timestamp, WorkflowWait};

/// What becomes of a child when its parent ends before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ParentClose {
    /// It is cancelled with its parent.
    #[default]
    Cancel,
    /// It goes on.
    Abandon,
}

impl Handle {
    /// Calls a method of a service. The call bears the same key at every attempt, so the callee does it once.
    ///
    /// What may pass is tried again; what the callee says of the request is not.
    ///
    /// # Errors
    /// What the callee answered, or what kept the call from it.
    pub async fn call<P: Payload, R: Payload>(&self, method: &Method<P, R>, params: &P) -> Result<R> {
        let step = format!("{}.{}", method.service, method.name);
        let params = Some(encode(params)?);
        let result = self
            .call_by_name(&step, method.service, method.name, params, StepPolicy::default())
            .await?;
        decode(&step, &result)
    }

    /// [`Handle::call`] for what is known at run time alone, under a name of its own. The policy's timeout is the call's deadline.
    ///
    /// # Errors
    /// As [`Handle::call`].
    pub async fn call_by_name(
        &self,
        step: &str,
        service: &str,
        method: &str,
        params: Option<Json>,
        mut policy: StepPolicy,
    ) -> Result<Json> {
        let request = params.as_ref().map_or("null", Json::text);
        let request = Some(Request::of(request));
        policy.only_retryable = true;
        let key = self.next_effect_key(step);
        let timeout: Option<Duration> = policy.timeout.take();
        let work = || {
            let options = CallOptions {
                timeout,
                idempotency_key: Some(key.clone()),
                ..CallOptions::default()
            };
            let rpc = self.0.flows.rpc();
            let params = params.as_ref();
            async move { rpc.call_by_name(service, method, params, options).await }.boxed()
        };
        self.perform(step, StepKind::Call, request, &policy, &work).await
    }

    /// Emits an event of this service, once: in the commit that notes it.
    ///
    /// # Errors
    /// Where the data have no JSON form.
    pub async fn emit<T: Payload>(&self, topic: &Topic<T>, data: &T) -> Result<()> {
        let data = encode(data)?;
        let request = Some(Request::of(data.text()));
        let (mut record, revision) = match self
            .ask(&format!("emit {}", topic.name), StepKind::Emit, request)
            .await?
        {
            Asked::Open(record, revision) => (record, revision),
            Asked::Ended(record) | Asked::Outdated(record) => return outcome(&record).map(drop),
            Asked::Never => return std::future::pending().await,
        };
        let emit = Events::emit_op(topic.name, Some(data))?;
        record.status = StepStatus::Completed;
        record.ended_at = Some(Timestamp(self.clock_now()));
        self.write(record, revision, vec![emit.into()]).await;
        Ok(())
    }

    /// Runs a job of this service and waits for its result.
    ///
    /// # Errors
    /// `JOB_FAILED` where it failed or was cancelled; `JOB_UNKNOWN` where no handler has its name.
    pub async fn job<P: Payload, R: Payload>(&self, task: &Task<P, R>, params: &P) -> Result<R> {
        let result = self.job_by_name(task.name, Some(encode(params)?)).await?;
        decode(task.name, &result)
    }

    /// [`Handle::job`] for what is known at run time alone.
    ///
    /// # Errors
    /// As [`Handle::job`].
    pub async fn job_by_name(&self, name: &str, params: Option<Json>) -> Result<Json> {
        let create = CreateJob {
            name: name.to_owned(),
            params,
            ..CreateJob::default()
        };
        self.job_with(&format!("job {name}"), create).await
    }

    /// [`Handle::job`] with all that its creator may say, under a name of its own.
    ///
    /// # Errors
    /// As [`Handle::job`], and `INVALID_ARGUMENT` for what would make a schedule of it.
    pub async fn job_with(&self, step: &str, create: CreateJob) -> Result<Json> {
        let request = Some(Request::of(create.params.as_ref().map_or("null", Json::text)));
        let order = |id: &str| match self.0.flows.jobs().create_op(create.clone())? {
            Op::Enqueue(mut job) => {
                id.clone_into(&mut job.id);
                Ok(vec![Op::Enqueue(job)])
            }
            _ => Err(Error::invalid("a run waits for a job, and a schedule has no end")),
        };
        self.started(step, StepKind::Job, request, order).await
    }

    /// Runs another workflow of this service as a child and waits for its result. It is cancelled with this run.
    ///
    /// # Errors
    /// `CHILD_FAILED` where it failed or was cancelled; `WORKFLOW_UNKNOWN` where no code has its name.
    pub async fn child<I: Payload, O: Payload>(&self, flow: &Flow<I, O>, input: &I) -> Result<O> {
        let input = encode(input)?;
        let request = Some(Request::of(input.text()));
        let order = |id: &str| self.0.flows.start_ops(flow.name, Some(input.clone()), id.to_owned());
        let result = self
            .started(&format!("child {}", flow.name), StepKind::Child, request, order)
            .await?;
        decode(flow.name, &result)
    }

    /// Starts another workflow of this service as a child, does not wait for it, and gives its id.
    ///
    /// # Errors
    /// `WORKFLOW_UNKNOWN` where no code has its name.
    pub async fn start_child<I: Payload, O: Payload>(
        &self,
        flow: &Flow<I, O>,
        input: &I,
        close: ParentClose,
    ) -> Result<String> {
        let input = encode(input)?;
        let name = format!("start {}", flow.name);
        let request = Some(Request::of(input.text()));
        let (mut record, revision) = match self.ask(&name, StepKind::Child, request).await? {
            Asked::Open(record, revision) => (record, revision),
            Asked::Ended(record) | Asked::Outdated(record) => return decode(&name, &outcome(&record)?),
            Asked::Never => return std::future::pending().await,
        };
        let id = self.own_id(&record);
        let ops = self.0.flows.start_ops(flow.name, Some(input), id.clone())?;
        record.status = StepStatus::Completed;
        record.ended_at = Some(Timestamp(self.clock_now()));
        record.result = Some(encode(&id)?);
        record.child = Some(id.clone());
        record.owns = (close == ParentClose::Cancel).then(|| id.clone());
        self.write(record, revision, ops).await;
        Ok(id)
    }

    /// Starts something in the commit that notes it, and waits for its end.
    async fn started(
        &self,
        name: &str,
        kind: StepKind,
        request: Option<Request>,
        order: impl Fn(&str) -> Result<Vec<Op>>,
    ) -> Result<Json> {
        let (mut record, mut revision) = match self.ask(name, kind, request).await? {
            Asked::Open(record, revision) => (record, revision),
            Asked::Ended(record) | Asked::Outdated(record) => return outcome(&record),
            Asked::Never => return std::future::pending().await,
        };
        let id = self.own_id(&record);
        if revision.is_none() {
            let ops = match order(&id) {
                Ok(ops) => ops,
                Err(error) => return self.conclude(record, None, Err(error)).await,
            };
            record.status = StepStatus::Waiting;
            record.attempts = 1;
            record.owns = Some(id.clone());
            record.child = Some(id.clone());
            record.waits = Some(WorkflowWait {
                job: Some(id.clone()),
                ..WorkflowWait::default()
            });
            self.write(record.clone(), None, ops).await;
            revision = self.revision_of(&record);
        }
        let key = end_key(&self.0.run, &called(&record.step()));
        // Without a moment at which it is over, it ends with the value.
        let end = self.until_key(&record, revision, key, None).await?;
        let end = end.unwrap_or_else(|| serde_json::Value::Null.into());
        let result = decode::<End>(name, &end).and_then(|end| result_of(kind, &id, end));
        self.conclude(record, revision, result).await
    }

    fn own_id(&self, record: &Record) -> String {
        format!("{}{OWNED_BY}{}", self.0.run, called(&record.step()))
    }

    /// The key of the next effect that bears this name.
    fn next_effect_key(&self, name: &str) -> String {
        let step = self.0.journal().next(&self.named(name));
        format!("{}{OWNED_BY}{}", self.0.run, called(&step))
    }

    fn revision_of(&self, record: &Record) -> Option<Seq> {
        let journal = self.0.journal();
        journal.kept(&record.step()).map(|(_, revision)| revision)
    }
}

fn result_of(kind: StepKind, id: &str, end: End) -> Result<Json> {
    if end.status == JobStatus::Completed {
        return Ok(end.result.unwrap_or_else(|| serde_json::Value::Null.into()));
    }
    let (what, code) = match kind {
        StepKind::Child => ("child", "CHILD_FAILED"),
        _ => ("job", "JOB_FAILED"),
    };
    let why = end.error.map_or_else(String::new, |why| format!(": {why}"));
    Err(
        Error::new(Kind::Unprocessable, format!("{what} {id} {}{why}", end.status))
            .with_code(code)
            .with_details(serde_json::json!({ "id": id, "status": end.status })),
    )
}
