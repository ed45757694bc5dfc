//! The way in: names get the prefix.

use super::Prefixed;
use crate::store::{Batch, Condition, Op};

/// Asks for nothing and answers [`Outcome::Done`](crate::store::Outcome::Done).
pub(super) const NOTHING: Op = Op::Check {
    namespace: String::new(),
    key: String::new(),
    condition: Condition::Any,
};

impl Prefixed {
    pub(super) fn op(&self, mut op: Op) -> Op {
        let put = |name: &mut String| name.insert_str(0, self.prefix.as_str());
        match &mut op {
            Op::Put(write) => put(&mut write.key),
            Op::Delete(delete) => put(&mut delete.key),
            Op::Check { key, .. } => put(key),
            Op::Emit(emit) => put(&mut emit.topic),
            Op::Enqueue(order) => {
                put(&mut order.name);
                order.unique_key.iter_mut().for_each(put);
                order.concurrency.iter_mut().for_each(|of| put(&mut of.key));
                order.throttle_key.iter_mut().for_each(put);
            }
            Op::Claim(claim) => claim.wants.iter_mut().for_each(|want| put(&mut want.name)),
            Op::Schedule(order) => put(&mut order.name),
            Op::Remember(remember) => put(&mut remember.scope),
            Op::Forget { scope, .. } => put(scope),
            Op::Settle(_)
            | Op::Progress { .. }
            | Op::Cancel { .. }
            | Op::AcknowledgeCancel { .. }
            | Op::Revive { .. }
            | Op::Redrive(_)
            | Op::Expire { .. }
            | Op::Wake { .. }
            | Op::Tick { .. }
            | Op::Prune(_) => {}
        }
        op
    }
}

/// Which operations of a batch are on keys, so that a refusal of theirs names one.
pub(super) fn keyed(batch: &Batch) -> Vec<bool> {
    let of_key = |op: &Op| matches!(op, Op::Put(_) | Op::Delete(_) | Op::Check { .. });
    batch.ops.iter().map(of_key).collect()
}

/// The id of the job or schedule that an operation is about.
pub(super) fn named_id(op: &Op) -> Option<&str> {
    match op {
        Op::Settle(settle) => Some(&settle.job),
        Op::Progress { job, .. }
        | Op::AcknowledgeCancel { job, .. }
        | Op::Revive { job }
        | Op::Expire { job }
        | Op::Wake { job } => Some(job),
        Op::Redrive(redrive) => Some(&redrive.job),
        Op::Cancel { id } => Some(id),
        Op::Tick { schedule, .. } => Some(schedule),
        _ => None,
    }
}

/// The id of the job or schedule that an operation makes.
pub(super) fn made_id(op: &Op) -> Option<&str> {
    match op {
        Op::Enqueue(order) => Some(&order.id),
        Op::Redrive(redrive) => Some(&redrive.id),
        Op::Schedule(order) => Some(&order.id),
        _ => None,
    }
}
