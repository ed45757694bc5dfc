//! Steps: work that is done until it succeeds or is given up, and whose outcome is written down once.

use std::future::{Future, IntoFuture};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::handle::{Handle, decode, encode};
use super::journal::{Asked, Waiting, outcome};
use super::limits::{LINGER, RESULT_MAX_BYTES};
use super::record::{Fault, Record, Request, StepKind, called, step_of};
use crate::contract::DEFAULT_ATTEMPTS;
use crate::error::{Error, Kind, Result};
use crate::jobs::OWNED_BY;
use crate::lifecycle::panic_message;
use crate::policy::{Backoff, jitter};
use crate::store::{Op, Seq};
use crate::wire::{Json, StepStatus, Timestamp};

/// How a step is tried.
#[derive(Clone, Debug)]
pub struct StepPolicy {
    /// How many failures end it; 10 unless said, which with the default backoff is about a quarter of an hour.
    pub attempts: u32,
    /// The wait between failures.
    pub backoff: Backoff,
    /// The longest that one attempt may take; as long as it likes unless said.
    pub timeout: Option<Duration>,
    /// Codes of errors that another attempt would not mend. Those that are [`hopeless`](Error::hopeless) are never tried again.
    pub give_up_on: Vec<String>,
    /// Whether only what may pass by itself ([`Kind::retryable`]) is tried again, and not every failure. A call does so whatever is said
    /// here: the callee said what it thinks of the request.
    pub only_retryable: bool,
}

impl Default for StepPolicy {
    fn default() -> Self {
        StepPolicy {
            attempts: DEFAULT_ATTEMPTS,
            backoff: Backoff::default(),
            timeout: None,
            give_up_on: Vec::new(),
            only_retryable: false,
        }
    }
}

impl StepPolicy {
    /// How long to wait before the next attempt; `None` is to give up.
    fn wait(&self, error: &Error, attempts: u32) -> Option<Duration> {
        let given_up = attempts >= self.attempts
            || error.hopeless()
            || self.give_up_on.iter().any(|code| code == error.code())
            // An answer that is still being made comes later.
            || (self.only_retryable && !error.kind().retryable() && error.code() != "REQUEST_IN_PROGRESS");
        let wait = || {
            error
                .retry_after()
                .unwrap_or_else(|| self.backoff.wait(attempts, jitter()))
        };
        (!given_up).then(wait)
    }
}

/// A step to be done; awaiting it does it. See [`Handle::step`].
#[must_use = "a step is done when it is awaited"]
#[derive(Debug)]
pub struct Step<'a, F> {
    handle: &'a Handle,
    name: String,
    request: Option<Result<Json>>,
    policy: StepPolicy,
    work: F,
}

impl Handle {
    /// A step: work whose outcome is written down once and never done again, however often the process dies.
    ///
    /// The work itself is done at least once: a process may die between doing it and writing it down. So what it does elsewhere should
    /// bear [`Handle::effect_key`], by which the receiver knows it again.
    pub fn step<T, F, Fut>(&self, name: impl Into<String>, work: F) -> Step<'_, F>
    where
        T: Serialize + DeserializeOwned + Send,
        F: Fn() -> Fut + Send + Sync,
        Fut: Future<Output = Result<T>> + Send,
    {
        Step {
            handle: self,
            name: name.into(),
            request: None,
            policy: StepPolicy::default(),
            work,
        }
    }

    /// The key that an effect of a step bears at every attempt and every replay, for the receiver's `Idempotency-Key`. It is made of
    /// the name: steps of a loop need names of their own.
    pub fn effect_key(&self, step: &str) -> String {
        format!("{}{OWNED_BY}{}", self.0.run, called(&step_of(&self.named(step), 0)))
    }
}

impl<F> Step<'_, F> {
    /// How many failures end it; 1 is never to try again.
    pub fn attempts(mut self, most: u32) -> Self {
        self.policy.attempts = most;
        self
    }

    /// The wait between failures.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.policy.backoff = backoff;
        self
    }

    /// The longest that one attempt may take.
    pub fn timeout(mut self, most: Duration) -> Self {
        self.policy.timeout = Some(most);
        self
    }

    /// An error of this code is not tried again.
    pub fn give_up_on(mut self, code: impl Into<String>) -> Self {
        self.policy.give_up_on.push(code.into());
        self
    }

    /// All of how it is tried.
    pub fn policy(mut self, policy: StepPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// What the work is given: written down beside the step, and where a replay comes with another one, the run ends and says so.
    pub fn given<I: Serialize + ?Sized>(mut self, input: &I) -> Self {
        self.request = Some(encode(input));
        self
    }
}

impl<'a, T, F, Fut> IntoFuture for Step<'a, F>
where
    T: Serialize + DeserializeOwned + Send + 'a,
    F: Fn() -> Fut + Send + Sync + 'a,
    Fut: Future<Output = Result<T>> + Send + 'a,
{
    type Output = Result<T>;
    type IntoFuture = BoxFuture<'a, Result<T>>;

    fn into_future(self) -> BoxFuture<'a, Result<T>> {
        async move {
            let request = self.request.transpose()?.map(|json| Request::of(json.text()));
            let work = || {
                let work = (self.work)();
                async move { encode(&work.await?) }.boxed()
            };
            let result = self
                .handle
                .perform(&self.name, StepKind::Step, request, &self.policy, &work)
                .await?;
            decode(&self.name, &result)
        }
        .boxed()
    }
}

/// Work with its types erased.
pub(super) type Work<'a> = dyn Fn() -> BoxFuture<'a, Result<Json>> + Send + Sync + 'a;

impl Handle {
    /// Does a step, unless the journal holds its outcome.
    pub(super) async fn perform(
        &self,
        name: &str,
        kind: StepKind,
        request: Option<Request>,
        policy: &StepPolicy,
        work: &Work<'_>,
    ) -> Result<Json> {
        let (mut record, mut revision) = match self.ask(name, kind, request).await? {
            Asked::Open(record, revision) => (record, revision),
            Asked::Ended(record) | Asked::Outdated(record) => return outcome(&record),
            Asked::Never => return std::future::pending().await,
        };
        if let Some(until) = record.waits.as_ref().and_then(|waits| waits.until) {
            revision = self.rest(&record, revision, until).await;
        }
        let result = loop {
            let tried = {
                let _active = self.active(record.clone());
                attempt(policy.timeout, work).await
            };
            record.attempts += 1;
            let error = match tried {
                Ok(result) => break Ok(result),
                Err(error) => error,
            };
            let Some(wait) = policy.wait(&error, record.attempts) else {
                break Err(error);
            };
            tracing::warn!(run = self.0.run, step = name, attempts = record.attempts, error = %error.chain(), "a step failed and is tried again");
            record.error = Some(Fault::of(&error));
            if wait <= LINGER {
                let _active = self.active(record.clone());
                tokio::time::sleep(wait).await;
            } else {
                let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
                revision = self.rest(&record, revision, Timestamp(self.clock_now() + wait)).await;
            }
        };
        self.conclude(record, revision, result).await
    }

    /// Waits for the next attempt; the run may be out of memory meanwhile.
    async fn rest(&self, record: &Record, revision: Option<Seq>, until: Timestamp) -> Option<Seq> {
        let waiting = Waiting {
            record: record.clone(),
            revision,
            unless: None,
            until: Some(until.0),
        };
        self.until_moment(waiting, until.0).await;
        revision
    }

    /// Writes down how a step ended.
    pub(super) async fn conclude(&self, record: Record, revision: Option<Seq>, result: Result<Json>) -> Result<Json> {
        self.conclude_with(record, revision, result, Vec::new()).await
    }

    /// Writes down how a step ended, and does something else in the same commit.
    pub(super) async fn conclude_with(
        &self,
        mut record: Record,
        revision: Option<Seq>,
        result: Result<Json>,
        ops: Vec<Op>,
    ) -> Result<Json> {
        let result = result.and_then(|json| fits(&record.name, json));
        record.ended_at = Some(Timestamp(self.clock_now()));
        record.waits = None;
        record.owns = None;
        match result {
            Ok(json) => {
                record.status = StepStatus::Completed;
                record.error = None;
                record.result = Some(json);
            }
            Err(error) => {
                record.status = StepStatus::Failed;
                record.error = Some(Fault::of(&error));
            }
        }
        self.write(record.clone(), revision, ops).await;
        // As a replay will read it, so that code cannot tell the two apart.
        outcome(&record)
    }
}

async fn attempt(timeout: Option<Duration>, work: &Work<'_>) -> Result<Json> {
    let work = AssertUnwindSafe(async { work().await }).catch_unwind();
    let outcome = match timeout {
        None => work.await,
        Some(most) => tokio::time::timeout(most, work).await.map_err(|_| {
            Error::new(
                Kind::DeadlineExceeded,
                format!("the step took longer than its {} ms", most.as_millis()),
            )
        })?,
    };
    outcome.unwrap_or_else(|panic| {
        Err(Error::internal(format!("the step panicked: {}", panic_message(&*panic))).with_code("PANIC"))
    })
}

fn fits(step: &str, result: Json) -> Result<Json> {
    if result.text().len() <= RESULT_MAX_BYTES {
        return Ok(result);
    }
    Err(Error::new(
        Kind::TooLarge,
        format!("the result of step {step:?} is larger than {RESULT_MAX_BYTES} bytes; keep it elsewhere and give its address"),
    )
    .with_code("STEP_RESULT_TOO_LARGE"))
}
