//! Committing: state, events and jobs in one call, all of it or none.

use std::collections::BTreeMap;

use axum::response::Response;
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};

use super::extract::{Body, parse};
use super::idempotency::{Keyed, Known};
use super::respond::{Failure, json};
use super::state::{self, TRANSACTION_MAX};
use super::{events, jobs};
use crate::auth::{Access, Need, Word};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::events::Events;
use crate::jobs::Created;
use crate::service::{Route, Routes};
use crate::store::{self, Answer, Batch, Condition, Op, Outcome, Refusal};
use crate::wire::{
    CheckState, CommitOp, CommitRequest, CommitResult, Committed, DeletedState, Emitted, Entry, Json, Timestamp,
};

/// Tries of a commit under a key while others write the keys that it writes without a condition.
const ATTEMPTS: usize = 16;

pub(super) fn routes() -> Routes {
    Routes::new().with(
        Route::post("/v1/sys/commit", Access::Credential, commit)
            .says("State, events and jobs in one atomic call, with conditions a key; all of it is durable when this answers.")
            .header(
                "Idempotency-Key",
                "The first answer is stored in the same commit and repeated.",
            )
            .takes::<CommitRequest>()
            .gives::<Committed>(200, "All of it was done.")
            .fails(&[
                (400, "An operation does not fit; details.op says which, from 0."),
                (404, "No handler has a job's name; details.op says which operation."),
                (409, "A condition does not hold; details.op says which operation."),
                (422, "Another body came under this Idempotency-Key."),
            ]),
    )
}

/// An operation, and what it will have come to.
struct Planned {
    op: Op,
    result: CommitResult,
}

async fn commit(context: Context, headers: HeaderMap, Body(body): Body) -> Result<Response, Failure> {
    let request: CommitRequest = parse(&body)?;
    if !(1..=TRANSACTION_MAX).contains(&request.ops.len()) {
        return Err(Error::invalid(format!("a commit has 1 to {TRANSACTION_MAX} operations")).into());
    }
    for (index, op) in request.ops.iter().enumerate() {
        context.allow(&need(op)).map_err(|error| at_op(index, &error))?;
    }
    match Keyed::read(&headers, "commit", &context, &body)? {
        None => {
            let planned = plan(&context, request.ops, context.clock().now())?;
            Ok(json(StatusCode::OK, &apply(&context, planned).await?))
        }
        Some(keyed) => commit_once(&context, &request.ops, &keyed).await,
    }
}

async fn apply(context: &Context, planned: Vec<Planned>) -> Result<Committed> {
    let at = context.clock().now();
    let (ops, results): (Vec<Op>, Vec<CommitResult>) =
        planned.into_iter().map(|planned| (planned.op, planned.result)).unzip();
    let outcomes = context
        .kernel()
        .store
        .commit(Batch { at, ops })
        .await
        .map_err(refused)?;
    Ok(told(results, outcomes))
}

/// Commits together with the answer. What a write without a condition comes to is known only once it is done, so such keys are read
/// first and pinned to what they were; where somebody came in between, it is done again.
async fn commit_once(context: &Context, ops: &[CommitOp], keyed: &Keyed) -> Result<Response, Failure> {
    for _ in 0..ATTEMPTS {
        let at = context.clock().now();
        let mut planned = plan(context, ops.to_vec(), at)?;
        let pinned = pin(context, &mut planned, at).await?;
        let (ops, results): (Vec<Op>, Vec<CommitResult>) =
            planned.into_iter().map(|planned| (planned.op, planned.result)).unzip();
        let foreseen = Committed { results };
        // First of all: a commit that was done before would be refused by its own effect.
        let mut batch = Batch::new(at).with(keyed.remember(context, Some(answer(&foreseen)?), false));
        batch.ops.extend(ops);
        match context.kernel().store.commit(batch).await.map_err(without_first) {
            Ok(outcomes) => {
                let committed = told(foreseen.results.clone(), outcomes.into_iter().skip(1).collect());
                if committed != foreseen {
                    // A job's unique key was taken: the living job is put in the place of the one foreseen.
                    let correct = keyed.remember(context, Some(answer(&committed)?), true);
                    context.kernel().store.commit(Batch::new(at).with(correct)).await?;
                }
                return Ok(json(StatusCode::OK, &committed));
            }
            Err(store::Error::Refused {
                why: Refusal::Remembered(remembered),
                ..
            }) => match keyed.compare(context, *remembered).await? {
                Known::Answered(response) => return Ok(response),
                // The effect and its answer are one commit: there is no running one.
                Known::Unknown => return Err(events::outcome_unknown().into()),
            },
            Err(store::Error::Refused {
                op,
                why: Refusal::Version { .. },
            }) if pinned.contains(&op) => {}
            Err(error) => return Err(refused(error).into()),
        }
    }
    Err(Error::conflict("the keys of this commit are written by too many at once; send it again").into())
}

fn answer(committed: &Committed) -> Result<Answer> {
    let body = serde_json::to_string(committed)
        .map_err(|error| Error::internal("an answer has no JSON form").with_source(error))?;
    Ok(Answer { status: 200, body })
}

/// The right to an operation: that of the syscall which does the same alone. What a check says of a key is what reading it says.
fn need(op: &CommitOp) -> Need<'_> {
    match op {
        CommitOp::Put(put) => Need::one(Word::StateWrite, &put.key),
        CommitOp::Delete(delete) => Need::one(Word::StateWrite, &delete.key),
        CommitOp::Check(check) => Need::one(Word::StateRead, &check.key),
        CommitOp::Emit(emit) => Need::one(Word::EventEmit, &emit.event),
        CommitOp::Job(create) => Need::one(Word::JobCreate, &create.name),
    }
}

fn plan(context: &Context, ops: Vec<CommitOp>, at: DateTime<Utc>) -> Result<Vec<Planned>> {
    ops.into_iter()
        .enumerate()
        .map(|(index, op)| plan_one(context, op, at).map_err(|error| at_op(index, &error)))
        .collect()
}

fn plan_one(context: &Context, op: CommitOp, at: DateTime<Utc>) -> Result<Planned> {
    let state = context.state();
    let features = context.kernel().settings.features;
    Ok(match op {
        CommitOp::Put(put) => {
            let ttl = put.ttl.map(state::ttl).transpose()?;
            let value = put.value.unwrap_or_else(|| Json::from(serde_json::Value::Null));
            let entry = Entry {
                key: put.key.clone(),
                value: value.clone(),
                version: 1,
                updated_at: Timestamp(at),
                expires_at: ttl.map(|ttl| Timestamp(at + ttl)),
            };
            Planned {
                op: state.put_op(&put.key, value, state::expected(put.expected_version), ttl)?,
                result: CommitResult::Put(entry),
            }
        }
        CommitOp::Delete(delete) => Planned {
            op: state.delete_op(&delete.key, state::expected(delete.expected_version))?,
            result: CommitResult::Delete(DeletedState {
                key: delete.key,
                deleted: true,
            }),
        },
        CommitOp::Check(check) => Planned {
            op: state.check_op(&check.key, state::expected(Some(check.expected_version)))?,
            result: CommitResult::Check(CheckState {
                key: check.key,
                expected_version: check.expected_version,
            }),
        },
        CommitOp::Emit(_) if !features.events => return Err(switched_off("events")),
        CommitOp::Emit(emit) => {
            Events::check_from_outside(&emit.event, &context.kernel().own_events)?;
            let emit = Events::emit_op(&emit.event, emit.data)?;
            let id = emit.id.clone();
            Planned {
                op: emit.into(),
                result: CommitResult::Emit(Emitted {
                    id,
                    timestamp: Timestamp(at),
                }),
            }
        }
        CommitOp::Job(_) if !features.jobs => return Err(switched_off("jobs")),
        CommitOp::Job(create) => {
            let op = context.jobs().create_op(*create)?;
            let foreseen = jobs::shape(jobs::foresee(&op, at));
            Planned {
                op,
                result: CommitResult::Job(Box::new(foreseen)),
            }
        }
    })
}

/// Pins each write to the version that its key has, and foresees what it comes to; gives the operations whose condition is ours.
async fn pin(context: &Context, planned: &mut [Planned], at: DateTime<Utc>) -> Result<Vec<usize>> {
    let mut versions: BTreeMap<String, Option<u64>> = BTreeMap::new();
    let mut pinned = Vec::new();
    for (index, planned) in planned.iter_mut().enumerate() {
        let (key, condition, expires_at) = match &mut planned.op {
            Op::Put(put) => {
                // The moment of expiry is told in the answer, so it is the batch's own.
                (put.key.clone(), &mut put.condition, &mut put.expires_at)
            }
            Op::Delete(delete) => (delete.key.clone(), &mut delete.condition, &mut None),
            _ => continue,
        };
        if !versions.contains_key(&key) {
            let entry = context.state().entry(&key).await?;
            versions.insert(key.clone(), entry.map(|entry| entry.version));
        }
        let current = versions.get(&key).copied().flatten();
        if *condition == Condition::Any {
            *condition = current.map_or(Condition::Absent, Condition::Version);
            pinned.push(index);
        }
        let next = match &mut planned.result {
            CommitResult::Put(entry) => {
                entry.version = current.unwrap_or(0) + 1;
                *expires_at = entry.expires_at.map(|at| at.0);
                entry.updated_at = Timestamp(at);
                Some(entry.version)
            }
            CommitResult::Delete(deleted) => {
                deleted.deleted = current.is_some();
                None
            }
            _ => current,
        };
        versions.insert(key, next);
    }
    Ok(pinned)
}

/// What was foreseen, corrected by what the store says.
fn told(foreseen: Vec<CommitResult>, outcomes: Vec<Outcome>) -> Committed {
    let results = foreseen
        .into_iter()
        .zip(outcomes)
        .map(|(result, outcome)| match (result, outcome) {
            (CommitResult::Put(_), Outcome::Written(entry)) => CommitResult::Put(state::shape(entry)),
            (CommitResult::Delete(deleted), Outcome::Deleted(there)) => CommitResult::Delete(DeletedState {
                deleted: there,
                ..deleted
            }),
            (CommitResult::Job(_), Outcome::Duplicate(job) | Outcome::Changed(job)) => {
                CommitResult::Job(Box::new(jobs::shape(Created::Job(job, true))))
            }
            (result, _) => result,
        })
        .collect();
    Committed { results }
}

/// The error of a commit that the store refused, with the operation that it was for.
fn refused(error: store::Error) -> Error {
    match error {
        store::Error::Refused { op, .. } => at_op(op, &error.into()),
        other => other.into(),
    }
}

/// Counts operations as the request does, without the one that remembers it.
fn without_first(error: store::Error) -> store::Error {
    match error {
        store::Error::Refused { op, why } => store::Error::Refused {
            op: op.saturating_sub(1),
            why,
        },
        other => other,
    }
}

fn at_op(index: usize, error: &Error) -> Error {
    let mut details = error.details().cloned().unwrap_or_else(|| serde_json::json!({}));
    if let Some(details) = details.as_object_mut() {
        details.insert("op".to_owned(), index.into());
    }
    Error::new(error.kind(), format!("ops[{index}]: {}", error.message()))
        .with_code(error.code().to_owned())
        .with_details(details)
}

fn switched_off(family: &str) -> Error {
    Error::not_found(format!("{family} are switched off here")).with_code("SWITCHED_OFF")
}
