//! What an operation does to the tables of state, events and remembered requests.
//!
//! Every operation looks before it writes: where it is refused it has written nothing. So a batch of one needs no savepoint.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::counters::Counters;
use super::ready::Ready;
use super::row::{self, millis, millis_or_none, remembered_columns, signed, text};
use crate::store::{
    Condition, Delete, Emit, Entry, Event, Op, Outcome, Put, Refusal, Remember, Remembered, Seq, kept, rules,
};
use crate::wire::Json;

/// Why an operation did not happen.
pub(super) enum Halt {
    /// A rule of the data.
    Refused(Refusal),
    /// The database.
    Sql(rusqlite::Error),
}

impl From<Refusal> for Halt {
    fn from(why: Refusal) -> Self {
        Halt::Refused(why)
    }
}

impl From<rusqlite::Error> for Halt {
    fn from(error: rusqlite::Error) -> Self {
        Halt::Sql(error)
    }
}

/// What operations work on: the writer's connection inside a transaction, its numbers and its queue of jobs.
pub(super) struct Tables<'w> {
    pub(super) conn: &'w Connection,
    pub(super) counters: &'w mut Counters,
    pub(super) ready: &'w mut Ready,
}

impl Tables<'_> {
    pub(super) fn apply(&mut self, op: &Op, at: DateTime<Utc>) -> Result<Outcome, Halt> {
        match op {
            Op::Put(put) => self.put(put, at),
            Op::Delete(delete) => self.delete(delete, at),
            Op::Check {
                namespace,
                key,
                condition,
            } => {
                self.check(namespace, key, *condition, at)?;
                Ok(Outcome::Done)
            }
            Op::Emit(emit) => self.emit(emit, at),
            Op::Enqueue(order) => self.enqueue(order, at),
            Op::Claim(claim) => self.claim(claim, at),
            Op::Settle(settle) => self.settle(settle, at),
            Op::Progress { job, attempt, progress } => self.progress(job, *attempt, progress),
            Op::Cancel { id } => self.cancel(id, at),
            Op::AcknowledgeCancel { job, attempt } => self.acknowledge(job, *attempt, at),
            Op::Revive { job } => self.revive(job, at),
            Op::Redrive(redrive) => self.redrive(redrive, at),
            Op::Expire { job } => self.expire(job, at),
            Op::Wake { job } => self.wake(job, at),
            Op::Schedule(order) => self.schedule(order, at),
            Op::Tick { schedule, from, next } => self.tick(schedule, *from, *next),
            Op::Remember(remember) => self.remember(remember, at),
            Op::Forget { scope, key } => self.forget(scope, key),
            Op::Prune(retention) => Ok(Outcome::Pruned(self.prune(retention, at)?)),
        }
    }

    fn put(&mut self, put: &Put, at: DateTime<Utc>) -> Result<Outcome, Halt> {
        let (kept, current) = self.check(&put.namespace, &put.key, put.condition, at)?;
        let version = current.map_or(1, |kept| kept.version + 1);
        let revision = self.counters.next_seq();
        let entry = Entry {
            key: put.key.clone(),
            value: put.value.clone(),
            version,
            revision,
            updated_at: at,
            expires_at: put.expires_at,
        };
        self.write_entry(&put.namespace, &entry)?;
        self.counters.entries += u64::from(kept.is_none());
        self.note_change(&put.namespace, &put.key, revision, Some(&entry), at)?;
        Ok(Outcome::Written(entry))
    }

    pub(super) fn write_entry(&self, namespace: &str, entry: &Entry) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached(
                "INSERT INTO state (ns, key, value, version, revision, updated_at, expires_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (ns, key) DO UPDATE SET value = excluded.value, \
                 version = excluded.version, revision = excluded.revision, updated_at = excluded.updated_at, \
                 expires_at = excluded.expires_at",
            )?
            .execute(params![
                namespace,
                entry.key,
                entry.value.text(),
                signed(entry.version),
                signed(entry.revision),
                millis(entry.updated_at),
                millis_or_none(entry.expires_at)
            ])?;
        Ok(())
    }

    fn delete(&mut self, delete: &Delete, at: DateTime<Utc>) -> Result<Outcome, Halt> {
        let (_, current) = self.check(&delete.namespace, &delete.key, delete.condition, at)?;
        if current.is_some() {
            self.remove_entry(&delete.namespace, &delete.key, at)?;
        }
        Ok(Outcome::Deleted(current.is_some()))
    }

    /// What is kept of a key for which a condition holds, and what of it is not over.
    fn check(
        &self,
        namespace: &str,
        key: &str,
        condition: Condition,
        at: DateTime<Utc>,
    ) -> Result<(Option<Kept>, Option<Kept>), Halt> {
        let kept = self.kept(namespace, key)?;
        let current = kept.filter(|kept| !rules::expired(kept.expires_at, at));
        rules::check(condition, key, current.map(|kept| (kept.version, kept.revision)))?;
        Ok((kept, current))
    }

    /// Removes an entry and tells watchers.
    pub(super) fn remove_entry(&mut self, namespace: &str, key: &str, at: DateTime<Utc>) -> rusqlite::Result<()> {
        let seq = self.counters.next_seq();
        self.note_change(namespace, key, seq, None, at)?;
        self.conn
            .prepare_cached("DELETE FROM state WHERE ns = ?1 AND key = ?2")?
            .execute([namespace, key])?;
        self.counters.entries -= 1;
        Ok(())
    }

    pub(super) fn note_change(
        &mut self,
        namespace: &str,
        key: &str,
        seq: Seq,
        entry: Option<&Entry>,
        at: DateTime<Utc>,
    ) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached(
                "INSERT INTO change (seq, ns, key, value, version, at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                signed(seq),
                namespace,
                key,
                entry.map(|entry| Json::text(&entry.value)),
                signed(entry.map_or(0, |entry| entry.version)),
                millis(at),
                millis_or_none(entry.and_then(|entry| entry.expires_at))
            ])?;
        self.counters.changes += 1;
        self.counters.kept.changes += kept::of_change(namespace, key, entry);
        self.counters.change_head = seq;
        Ok(())
    }

    fn kept(&self, namespace: &str, key: &str) -> rusqlite::Result<Option<Kept>> {
        self.conn
            .prepare_cached("SELECT version, revision, expires_at FROM state WHERE ns = ?1 AND key = ?2")?
            .query_row([namespace, key], |row| {
                Ok(Kept {
                    version: row::unsigned(row, 0)?,
                    revision: row::unsigned(row, 1)?,
                    expires_at: row::moment_or_none(row, 2)?,
                })
            })
            .optional()
    }

    fn emit(&mut self, emit: &Emit, at: DateTime<Utc>) -> Result<Outcome, Halt> {
        let event = Event {
            seq: self.counters.next_seq(),
            id: emit.id.clone(),
            topic: emit.topic.clone(),
            data: emit.data.clone(),
            at,
            trace: emit.trace.clone(),
        };
        if !self.insert_event(&event)? {
            return Err(Refusal::EventExists.into());
        }
        Ok(Outcome::Emitted(event.seq))
    }

    /// Whether the id was free.
    pub(super) fn insert_event(&mut self, event: &Event) -> rusqlite::Result<bool> {
        let written = self
            .conn
            .prepare_cached(
                "INSERT INTO event (seq, id, topic, data, at, trace) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                 ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![
                signed(event.seq),
                event.id,
                event.topic,
                text(&event.data),
                millis(event.at),
                event.trace
            ])?;
        if written > 0 {
            self.counters.events += 1;
            self.counters.kept.events += kept::of_event(event);
            self.counters.event_head = event.seq;
        }
        Ok(written > 0)
    }

    fn remember(&mut self, remember: &Remember, at: DateTime<Utc>) -> Result<Outcome, Halt> {
        let kept = self
            .conn
            .prepare_cached(concat!(
                "SELECT ",
                remembered_columns!(),
                " FROM remembered WHERE scope = ?1 AND key = ?2"
            ))?
            .query_row([&remember.scope, &remember.key], row::remembered)
            .optional()?;
        let kept = kept.filter(|kept| !rules::expired(Some(kept.expires_at), at));
        rules::check_remembered(kept, remember)?;
        let kept = Remembered {
            fingerprint: remember.fingerprint.clone(),
            answer: remember.answer.clone(),
            owner: remember.owner.clone(),
            expires_at: remember.expires_at,
        };
        self.write_remembered(&remember.scope, &remember.key, &kept)?;
        Ok(Outcome::Done)
    }

    pub(super) fn write_remembered(&self, scope: &str, key: &str, kept: &Remembered) -> rusqlite::Result<()> {
        let answer = kept.answer.as_ref();
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO remembered (scope, key, fingerprint, owner, status, body, expires_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                scope,
                key,
                kept.fingerprint,
                kept.owner,
                answer.map(|answer| answer.status),
                answer.map(|answer| &answer.body),
                millis(kept.expires_at)
            ])?;
        Ok(())
    }

    fn forget(&mut self, scope: &str, key: &str) -> Result<Outcome, Halt> {
        self.conn
            .prepare_cached("DELETE FROM remembered WHERE scope = ?1 AND key = ?2")?
            .execute([scope, key])?;
        Ok(Outcome::Done)
    }
}

/// What a condition looks at.
#[derive(Clone, Copy)]
struct Kept {
    version: u64,
    revision: Seq,
    expires_at: Option<DateTime<Utc>>,
}
