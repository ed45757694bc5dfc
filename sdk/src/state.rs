//! Versioned state: a namespace of keys, with conditions, expiry, transactions and a watch that never skips a committed change.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::name::{Key, Namespace, Prefix};
use crate::store::{Batch, Change, ChangeQuery, Condition, Delete, Entry, Op, Outcome, Put, Scan, Seq, Store};
use crate::wire::Json;

/// Entries read from the store at once: a page is some tens of kilobytes, and the reader's thread is shared.
const PAGE: usize = 256;
/// Attempts of a read-change-write before the key is said to be contended.
const UPDATE_ATTEMPTS: usize = 64;

/// One namespace of a service's state. Cheap to clone.
///
/// The namespace `wire` is what `/v1/sys/state` reads and writes; others are reached by the service's own code alone.
#[derive(Clone, Debug)]
pub struct State {
    store: Arc<dyn Store>,
    namespace: Namespace,
    clock: Clock,
}

impl State {
    /// A namespace of a store.
    pub fn new(store: Arc<dyn Store>, namespace: Namespace, clock: Clock) -> Self {
        State {
            store,
            namespace,
            clock,
        }
    }

    /// The entry of a key.
    ///
    /// # Errors
    /// Where the key is malformed or the store cannot be read.
    pub async fn entry(&self, key: &str) -> Result<Option<Entry>> {
        Key::new(key)?;
        Ok(self.store.get(self.namespace.as_str(), key).await?)
    }

    /// The value of a key.
    ///
    /// # Errors
    /// As [`State::entry`], and `INTERNAL` where the value is not a `T`.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        self.entry(key).await?.map(|entry| self.decode(&entry)).transpose()
    }

    /// Writes a key.
    ///
    /// # Errors
    /// Where the key is malformed or the store refuses.
    pub async fn put<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<Entry> {
        self.write(key, encode(value)?, Condition::Any, None).await
    }

    /// Writes a key where a condition holds, for as long as `ttl` where given.
    ///
    /// # Errors
    /// `VERSION_CONFLICT` where the condition does not hold.
    pub async fn write(&self, key: &str, value: Json, condition: Condition, ttl: Option<Duration>) -> Result<Entry> {
        let mut batch = Batch::new(self.clock.now());
        batch.ops.push(self.put_op(key, value, condition, ttl)?);
        match self.store.commit(batch).await?.into_iter().next() {
            Some(Outcome::Written(entry)) => Ok(entry),
            other => Err(Error::internal(format!("a put came to {other:?}"))),
        }
    }

    /// The operation that writes a key, for a batch.
    ///
    /// # Errors
    /// Where the key is malformed.
    pub fn put_op(&self, key: &str, value: Json, condition: Condition, ttl: Option<Duration>) -> Result<Op> {
        Ok(Op::Put(Put {
            namespace: self.namespace.to_string(),
            key: Key::new(key)?.to_string(),
            value,
            condition,
            expires_at: ttl.map(|ttl| self.clock.now() + ttl),
        }))
    }

    /// The operation that deletes a key, for a batch.
    ///
    /// # Errors
    /// Where the key is malformed.
    pub fn delete_op(&self, key: &str, condition: Condition) -> Result<Op> {
        Ok(Op::Delete(Delete {
            namespace: self.namespace.to_string(),
            key: Key::new(key)?.to_string(),
            condition,
        }))
    }

    /// The operation that lets a batch happen only where a condition holds of a key that it does not write.
    ///
    /// # Errors
    /// Where the key is malformed.
    pub fn check_op(&self, key: &str, condition: Condition) -> Result<Op> {
        Ok(Op::Check {
            namespace: self.namespace.to_string(),
            key: Key::new(key)?.to_string(),
            condition,
        })
    }

    /// Deletes a key where a condition holds; gives whether it was there.
    ///
    /// # Errors
    /// `VERSION_CONFLICT` where the condition does not hold.
    pub async fn delete(&self, key: &str, condition: Condition) -> Result<bool> {
        let mut batch = Batch::new(self.clock.now());
        batch.ops.push(self.delete_op(key, condition)?);
        Ok(matches!(
            self.store.commit(batch).await?.first(),
            Some(Outcome::Deleted(true))
        ))
    }

    /// Reads, changes and writes a key, again and again until nobody came in between. The change is called once an attempt;
    /// `None` from it leaves the key alone.
    ///
    /// # Errors
    /// `CONFLICT` after 64 attempts; the change's own errors.
    pub async fn update<T, F>(&self, key: &str, mut change: F) -> Result<Option<Entry>>
    where
        T: Serialize + DeserializeOwned,
        F: FnMut(Option<T>) -> Result<Option<T>>,
    {
        for _ in 0..UPDATE_ATTEMPTS {
            let entry = self.entry(key).await?;
            let condition = entry
                .as_ref()
                .map_or(Condition::Absent, |entry| Condition::Revision(entry.revision));
            let current = entry.as_ref().map(|entry| self.decode(entry)).transpose()?;
            let Some(next) = change(current)? else { return Ok(entry) };
            match self.write(key, encode(&next)?, condition, None).await {
                Ok(entry) => return Ok(Some(entry)),
                Err(error) if error.code() == "VERSION_CONFLICT" => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::conflict(format!(
            "{key:?} is written by too many at once; split it into several keys"
        )))
    }

    /// Adds to a number and gives the sum; an absent key is 0.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where the value is no whole number or the sum does not fit 64 bits.
    pub async fn increment(&self, key: &str, by: i64) -> Result<i64> {
        let mut sum = 0;
        self.update(key, |current: Option<serde_json::Value>| {
            let current = match current {
                None => 0,
                Some(value) => value
                    .as_i64()
                    .ok_or_else(|| Error::invalid(format!("{key:?} holds no whole number")))?,
            };
            sum = current
                .checked_add(by)
                .ok_or_else(|| Error::invalid(format!("{key:?} would not fit 64 bits")))?;
            Ok(Some(sum.into()))
        })
        .await?;
        Ok(sum)
    }

    /// Subtracts from a number and gives the rest; an absent key is 0.
    ///
    /// # Errors
    /// As [`State::increment`].
    pub async fn decrement(&self, key: &str, by: i64) -> Result<i64> {
        let by = by
            .checked_neg()
            .ok_or_else(|| Error::invalid("the number does not fit 64 bits"))?;
        self.increment(key, by).await
    }

    /// A page of entries under a prefix, in key order, after a key.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn page(&self, prefix: &Prefix, after: Option<String>, limit: usize) -> Result<Vec<Entry>> {
        let scan = Scan {
            namespace: self.namespace.to_string(),
            prefix: prefix.clone(),
            after,
            limit,
        };
        Ok(self.store.scan(scan).await?)
    }

    /// Every entry under a prefix, decoded, read in pages.
    ///
    /// # Errors
    /// As [`State::get`].
    pub async fn list<T: DeserializeOwned>(&self, prefix: &Prefix) -> Result<Vec<(String, T)>> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let page = self.page(prefix, after, PAGE).await?;
            let full = page.len() == PAGE;
            after = page.last().map(|entry| entry.key.clone());
            for entry in page {
                let value = self.decode(&entry)?;
                all.push((entry.key, value));
            }
            if !full {
                return Ok(all);
            }
        }
    }

    /// Follows changes under a prefix from a place in commit order; 0 is everything that is kept, [`State::now`] is what comes next.
    pub fn watch(&self, prefix: Prefix, after: Seq) -> Watch {
        Watch {
            heads: self.store.heads(),
            state: self.clone(),
            prefix,
            after,
        }
    }

    /// The place in commit order that is now.
    pub fn now(&self) -> Seq {
        self.store.heads().borrow().seq
    }

    fn decode<T: DeserializeOwned>(&self, entry: &Entry) -> Result<T> {
        entry.value.to().map_err(|error| {
            Error::internal(format!(
                "{}/{} holds another shape than its reader expects",
                self.namespace, entry.key
            ))
            .with_source(error)
        })
    }
}

/// Committed changes, as they come.
#[derive(Debug)]
pub struct Watch {
    heads: tokio::sync::watch::Receiver<crate::store::Heads>,
    state: State,
    prefix: Prefix,
    after: Seq,
}

impl Watch {
    /// The next changes, at least one, in commit order. Cancel-safe.
    ///
    /// # Errors
    /// Where the store cannot be read or is closed.
    pub async fn next(&mut self) -> Result<Vec<Change>> {
        loop {
            let head = self.heads.borrow_and_update().change;
            if head > self.after {
                let query = ChangeQuery {
                    namespace: self.state.namespace.to_string(),
                    prefix: self.prefix.clone(),
                    after: self.after,
                    limit: PAGE,
                };
                let changes = self.state.store.changes(query).await?;
                if let Some(last) = changes.last() {
                    self.after = last.seq;
                    return Ok(changes);
                }
                // Nothing up to the head was ours; it need not be read again.
                self.after = head;
            }
            self.heads
                .changed()
                .await
                .map_err(|_| Error::unavailable("the store is closed"))?;
        }
    }
}

fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Json> {
    Json::of(value).map_err(|error| Error::invalid("the value has no JSON form").with_source(error))
}
