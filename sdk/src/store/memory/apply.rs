//! What an operation does to the model's state, events and remembered requests.

use chrono::{DateTime, Utc};

use super::State;
use crate::store::{
    Change, Condition, Delete, Emit, Entry, Event, Op, Outcome, Put, Refusal, Remember, Remembered, Result, kept, rules,
};

type Applied = Result<Outcome, Refusal>;

impl State {
    pub(super) fn apply(&mut self, op: &Op, at: DateTime<Utc>) -> Applied {
        match op {
            Op::Put(put) => self.put(put, at),
            Op::Delete(delete) => self.delete(delete, at),
            Op::Check {
                namespace,
                key,
                condition,
            } => self.check(namespace, key, *condition, at).map(|_| Outcome::Done),
            Op::Emit(emit) => self.emit(emit, at),
            Op::Enqueue(order) => self.enqueue(order, at),
            Op::Claim(claim) => Ok(self.claim(claim, at)),
            Op::Settle(settle) => self.settle(settle, at),
            Op::Progress { job, attempt, progress } => self.progress(job, *attempt, progress),
            Op::Cancel { id } => self.cancel(id, at),
            Op::AcknowledgeCancel { job, attempt } => Ok(self.acknowledge(job, *attempt, at)),
            Op::Revive { job } => self.revive(job, at),
            Op::Redrive(redrive) => self.redrive(redrive, at),
            Op::Expire { job } => self.expire(job, at),
            Op::Wake { job } => Ok(self.wake(job, at)),
            Op::Schedule(order) => self.schedule(order, at),
            Op::Tick { schedule, from, next } => self.tick(schedule, *from, *next),
            Op::Remember(remember) => self.remember(remember, at),
            Op::Forget { scope, key } => {
                self.remembered.remove(&(scope.clone(), key.clone()));
                Ok(Outcome::Done)
            }
            Op::Prune(retention) => Ok(Outcome::Pruned(self.prune(retention, at))),
        }
    }

    fn put(&mut self, put: &Put, at: DateTime<Utc>) -> Applied {
        let current = self.check(&put.namespace, &put.key, put.condition, at)?;
        let entry = Entry {
            key: put.key.clone(),
            value: put.value.clone(),
            version: current.map_or(1, |version| version + 1),
            revision: self.next_seq(),
            updated_at: at,
            expires_at: put.expires_at,
        };
        self.note_change(&put.namespace, &put.key, entry.revision, Some(entry.clone()), at);
        self.entries
            .put((put.namespace.clone(), put.key.clone()), entry.clone());
        Ok(Outcome::Written(entry))
    }

    fn delete(&mut self, delete: &Delete, at: DateTime<Utc>) -> Applied {
        let current = self.check(&delete.namespace, &delete.key, delete.condition, at)?;
        if current.is_some() {
            self.remove_entry(&delete.namespace, &delete.key, at);
        }
        Ok(Outcome::Deleted(current.is_some()))
    }

    /// The version of a key for which a condition holds.
    fn check(
        &self,
        namespace: &str,
        key: &str,
        condition: Condition,
        at: DateTime<Utc>,
    ) -> Result<Option<u64>, Refusal> {
        let current = self.live(namespace, key, at);
        rules::check(condition, key, current.map(|entry| (entry.version, entry.revision)))?;
        Ok(current.map(|entry| entry.version))
    }

    /// Removes an entry and tells watchers.
    pub(in crate::store) fn remove_entry(&mut self, namespace: &str, key: &str, at: DateTime<Utc>) {
        let seq = self.next_seq();
        self.note_change(namespace, key, seq, None, at);
        self.entries.remove(&(namespace.to_owned(), key.to_owned()));
    }

    fn note_change(&mut self, namespace: &str, key: &str, seq: u64, entry: Option<Entry>, at: DateTime<Utc>) {
        let key = key.to_owned();
        let change = Change { seq, key, entry, at };
        self.marks.kept.changes += kept::of_change(namespace, &change.key, change.entry.as_ref());
        self.changes.put(seq, (namespace.to_owned(), change));
        self.marks.heads.change = seq;
    }

    fn emit(&mut self, emit: &Emit, at: DateTime<Utc>) -> Applied {
        if self.event_ids.get(&emit.id).is_some() {
            return Err(Refusal::EventExists);
        }
        let seq = self.next_seq();
        let event = Event {
            seq,
            id: emit.id.clone(),
            topic: emit.topic.clone(),
            data: emit.data.clone(),
            at,
            trace: emit.trace.clone(),
        };
        self.marks.kept.events += kept::of_event(&event);
        self.event_ids.put(emit.id.clone(), ());
        self.events.put(seq, event);
        self.marks.heads.event = seq;
        Ok(Outcome::Emitted(seq))
    }

    fn remember(&mut self, remember: &Remember, at: DateTime<Utc>) -> Applied {
        let kept = self.remembered(&remember.scope, &remember.key, at).cloned();
        rules::check_remembered(kept, remember)?;
        let kept = Remembered {
            fingerprint: remember.fingerprint.clone(),
            answer: remember.answer.clone(),
            owner: remember.owner.clone(),
            expires_at: remember.expires_at,
        };
        self.remembered
            .put((remember.scope.clone(), remember.key.clone()), kept);
        Ok(Outcome::Done)
    }
}
