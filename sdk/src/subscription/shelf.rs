use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::name::{Namespace, Prefix};
use crate::state::State;
use crate::store::{self, Batch, Condition, Op, Outcome, Seq, Store};
use crate::wire::Json;

/// Names the log; see [`Shelf::log`].
const LOG: &str = "log";

/// Where the kernel keeps what it knows of subscriptions and groups. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    state: State,
    store: Arc<dyn Store>,
    clock: Clock,
}

/// Something kept, and the condition under which it may be replaced.
#[derive(Clone, Debug)]
pub(super) struct Kept<T> {
    pub(super) value: T,
    pub(super) condition: Condition,
}

/// A subscription at its source.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct OutRecord {
    /// Which events.
    pub(super) event: String,
    /// What is up to this was taken by the subscriber.
    pub(super) taken: Seq,
    /// What is up to this was taken or not wanted.
    pub(super) scanned: Seq,
    /// When it was first made.
    pub(super) created_at: DateTime<Utc>,
}

/// A subscription at its subscriber.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct InRecord {
    /// The log that the sequence is of.
    pub(super) log: String,
    /// What is up to this has had its effect.
    pub(super) sequence: Seq,
    /// The event that is being tried again.
    pub(super) failing: Option<Failing>,
    /// How many dead letters there are of it.
    pub(super) dead: u64,
    /// The event that lives of the process began with, and none has come to the end of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) begun: Option<Begun>,
}

/// An event that was begun, written down before its handler ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Begun {
    pub(super) sequence: Seq,
    /// In how many lives of the process.
    pub(super) lives: u32,
}

/// An event that has failed and is tried again.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Failing {
    pub(super) sequence: Seq,
    /// The event's id; absent where an earlier version wrote it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) event: Option<String>,
    pub(super) failures: u32,
    pub(super) retry_at: DateTime<Utc>,
    pub(super) error: String,
}

impl Shelf {
    pub(super) fn new(store: Arc<dyn Store>, clock: Clock) -> Self {
        let state = State::new(Arc::clone(&store), Namespace::kernel("subscriptions"), clock.clone());
        Shelf { state, store, clock }
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    pub(super) async fn load<T: DeserializeOwned>(&self, key: &str) -> Result<Option<Kept<T>>> {
        let Some(entry) = self.state.entry(key).await? else {
            return Ok(None);
        };
        let value = entry
            .value
            .to()
            .map_err(|error| Error::internal(format!("the kernel cannot read its own {key:?}")).with_source(error))?;
        Ok(Some(Kept {
            value,
            condition: Condition::Revision(entry.revision),
        }))
    }

    /// Everything under a prefix, by the rest of its key.
    pub(super) async fn list<T: DeserializeOwned>(&self, prefix: &'static str) -> Result<Vec<(String, T)>> {
        let all = self.state.list(&Prefix::new(prefix)?).await?;
        Ok(all
            .into_iter()
            .map(|(key, value)| (key[prefix.len()..].to_owned(), value))
            .collect())
    }

    /// A page under a prefix, by the rest of its key.
    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        prefix: &'static str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<T>> {
        let after = after.map(|rest| format!("{prefix}{rest}"));
        let page = self.state.page(&Prefix::new(prefix)?, after, limit).await?;
        page.iter()
            .map(|entry| {
                entry
                    .value
                    .to()
                    .map_err(|error| Error::internal("the kernel cannot read its own list").with_source(error))
            })
            .collect()
    }

    pub(super) fn put<T: Serialize>(&self, key: &str, value: &T, condition: Condition) -> Result<Op> {
        let value = Json::of(value)
            .map_err(|error| Error::internal("what the kernel keeps has no JSON form").with_source(error))?;
        self.state.put_op(key, value, condition, None)
    }

    pub(super) fn delete(&self, key: &str, condition: Condition) -> Result<Op> {
        self.state.delete_op(key, condition)
    }

    /// Commits, and gives the revision of the last write, or `None` where somebody came in between.
    pub(super) async fn commit(&self, ops: Vec<Op>) -> Result<Option<Seq>> {
        let batch = Batch {
            at: self.clock.now(),
            ops,
        };
        match self.store.commit(batch).await {
            Ok(outcomes) => Ok(Some(last_revision(&outcomes))),
            Err(store::Error::Refused {
                why: store::Refusal::Version { .. },
                ..
            }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The operation that changes how many dead letters the record of a key counts. The count lies in a field of the same name in
    /// every record that has one.
    pub(super) async fn count_dead(&self, key: &str, by: i64) -> Result<Option<Op>> {
        let Some(mut kept) = self.load::<serde_json::Value>(key).await? else {
            return Ok(None);
        };
        let count = kept.value["dead"].as_i64().unwrap_or(0).saturating_add(by).max(0);
        kept.value["dead"] = count.into();
        self.put(key, &kept.value, kept.condition).map(Some)
    }

    /// The name of this service's log, and whether it begins now: a store that was lost took its subscriptions along, and its sequence
    /// starts again, so that a cursor of the old one means nothing.
    pub(super) async fn log(&self) -> Result<(String, bool)> {
        if let Some(kept) = self.load(LOG).await? {
            return Ok((kept.value, false));
        }
        let name = crate::name::new_id();
        match self.commit(vec![self.put(LOG, &name, Condition::Absent)?]).await? {
            Some(_) => Ok((name, true)),
            // Another replica of this service was first.
            None => match self.load(LOG).await? {
                Some(kept) => Ok((kept.value, false)),
                None => Err(Error::internal("the log's name was written and is not there")),
            },
        }
    }
}

/// The revision of the last write among outcomes; 0 where nothing was written.
pub(super) fn last_revision(outcomes: &[Outcome]) -> Seq {
    let written = outcomes.iter().rev().find_map(|outcome| match outcome {
        Outcome::Written(entry) => Some(entry.revision),
        _ => None,
    });
    written.unwrap_or(0)
}

/// Where an outgoing subscription is kept.
pub(super) fn out_key(subscriber: &str, id: &str) -> String {
    format!("out/{subscriber}/{id}")
}

/// Where an incoming subscription is kept; the rest of it names the holder of its dead letters.
pub(super) fn in_key(holder: &str) -> String {
    format!("in/{holder}")
}

/// Where a group is kept.
pub(super) fn group_key(name: &str) -> String {
    format!("group/{name}")
}

/// Where a dead letter is kept.
pub(super) fn dead_key(id: &str) -> String {
    format!("dead/{id}")
}
