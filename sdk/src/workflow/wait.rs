//! Waiting: for a moment, a signal, an event, or the end of something that the run has started.
//!
//! A run that only waits leaves memory after [`super::LINGER`] and gives up its slot; what it waits for wakes it, and the journal brings its
//! code back to where it was.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;

use super::handle::{Handle, Shared, decode, encode};
use super::journal::{Asked, Waiting, outcome};
use super::keys;
use super::limits::{WAIT_MAX, WAITS_MAX};
use super::matching::holds;
use super::record::{Record, Request, StepKind, called};
use crate::contract::{Payload, Topic};
use crate::error::{Error, Kind, Result};
use crate::jobs::RUNS;
use crate::name::TopicFilter;
use crate::store::Seq;
use crate::wire::{Json, Timestamp, WorkflowWait};

impl Handle {
    /// Sleeps. The moment of waking is fixed when the run first comes here, and holds across restarts.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where it is longer than ten years.
    pub async fn sleep(&self, duration: Duration) -> Result<()> {
        let (record, revision) = match self.ask("sleep", StepKind::Sleep, None).await? {
            Asked::Open(record, revision) => (record, revision),
            Asked::Ended(record) | Asked::Outdated(record) => return outcome(&record).map(drop),
            Asked::Never => return std::future::pending().await,
        };
        let until = self
            .deadline(&record, Some(duration))?
            .unwrap_or_else(|| self.clock_now());
        let waiting = Waiting {
            record: record.clone(),
            revision,
            unless: None,
            until: Some(until),
        };
        self.until_moment(waiting, until).await;
        self.conclude(record, revision, encode(&())).await.map(drop)
    }

    /// Waits for a signal that is sent to this run, also one that came before it was asked for; `None` where the time is over.
    ///
    /// A signal is like a promise: the first value sent under a name is its value, whoever asks for it how often.
    ///
    /// # Errors
    /// Where the value is not a `T`, or the wait is longer than ten years.
    pub async fn signal<T: DeserializeOwned>(
        &self,
        name: &str,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<Option<T>> {
        let (mut record, revision) = match self.ask(&format!("signal {name}"), StepKind::Signal, None).await? {
            Asked::Open(record, revision) => (record, revision),
            Asked::Ended(record) | Asked::Outdated(record) => return decode(name, &outcome(&record)?),
            Asked::Never => return std::future::pending().await,
        };
        let until = self.deadline(&record, timeout.into())?;
        record.waits.get_or_insert_with(WorkflowWait::default).signal = Some(name.to_owned());
        let came = self
            .until_key(&record, revision, keys::signal(&self.0.run, name), until)
            .await?;
        record.signal = came.is_some().then(|| name.to_owned());
        let value = came.unwrap_or_else(nothing);
        decode(name, &self.conclude(record, revision, Ok(value)).await?)
    }

    /// Waits for an event of this service whose data holds what is given, also one that was emitted since the run began and before it
    /// was asked for; `None` where the time is over.
    ///
    /// `matching` is a JSON value of which the data must hold every field; `null` matches all.
    ///
    /// # Errors
    /// Where the event is another service's, its data are no `T`, or the wait is longer than ten years.
    pub async fn wait_event<T: Payload>(
        &self,
        topic: &Topic<T>,
        matching: serde_json::Value,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<Option<T>> {
        if topic.service != self.0.flows.service() {
            return Err(Error::invalid(format!(
                "event {} is of another service; a run waits for events of its own service's log",
                topic.name
            )));
        }
        let event = self.wait_event_by_name(topic.name, matching, timeout.into()).await?;
        let data = |event: EventSeen| event.data.unwrap_or_else(nothing);
        event.map(|event| decode(topic.name, &data(event))).transpose()
    }

    /// [`Handle::wait_event`] for a name, or `prefix*`, that is known at run time alone.
    ///
    /// # Errors
    /// Where the name is malformed or the wait is longer than ten years.
    pub async fn wait_event_by_name(
        &self,
        filter: &str,
        matching: serde_json::Value,
        timeout: Option<Duration>,
    ) -> Result<Option<EventSeen>> {
        let wanted = TopicFilter::parse(Some(filter))?;
        let asked = serde_json::json!({ "event": filter, "matching": matching });
        let request = Some(Request::of(&asked.to_string()));
        let (mut record, revision) = match self.ask(&format!("event {filter}"), StepKind::Event, request).await? {
            Asked::Open(record, revision) => (record, revision),
            Asked::Ended(record) | Asked::Outdated(record) => return decode(filter, &outcome(&record)?),
            Asked::Never => return std::future::pending().await,
        };
        let until = self.deadline(&record, timeout)?;
        let waits = record.waits.get_or_insert_with(WorkflowWait::default);
        waits.event = Some(filter.to_owned());
        waits.matching = (!matching.is_null()).then(|| matching.clone().into());
        let seen = self
            .until_event(&mut record, revision, wanted, &matching, until)
            .await?;
        let registered = revision.map(|_| keys::delete(keys::wait(&self.0.run, &called(&record.step()))));
        let ops = registered.into_iter().collect();
        decode(filter, &self.conclude_with(record, revision, encode(&seen), ops).await?)
    }

    /// Waits until a moment.
    pub(super) async fn until_moment(&self, waiting: Waiting, until: DateTime<Utc>) {
        let _waits = Waits::new(&self.0, waiting);
        while let Ok(left) = (until - self.clock_now()).to_std()
            && !left.is_zero()
        {
            tokio::time::sleep(left).await;
        }
    }

    /// Waits until a key of the run is there and gives its value.
    pub(super) async fn until_key(
        &self,
        record: &Record,
        revision: Option<Seq>,
        key: String,
        until: Option<DateTime<Utc>>,
    ) -> Result<Option<Json>> {
        self.check_waits()?;
        let waiting = Waiting {
            record: record.clone(),
            revision,
            unless: Some(key.clone()),
            until,
        };
        let _waits = Waits::new(&self.0, waiting);
        let store = self.0.flows.store();
        loop {
            let bell = self.0.bell.notified();
            tokio::pin!(bell);
            // From here on no ring is missed, also one that comes while the store is read.
            bell.as_mut().enable();
            if let Some(entry) = self.read(|| store.get(RUNS, &key)).await {
                return Ok(Some(entry.value));
            }
            tokio::select! {
                () = bell => {}
                () = self.passed(until) => return Ok(None),
            }
        }
    }

    async fn until_event(
        &self,
        record: &mut Record,
        revision: Option<Seq>,
        wanted: TopicFilter,
        matching: &serde_json::Value,
        until: Option<DateTime<Utc>>,
    ) -> Result<Option<EventSeen>> {
        self.check_waits()?;
        let mut after = record.after.unwrap_or(self.0.since);
        record.after = Some(after);
        let waits = Waits::new(
            &self.0,
            Waiting {
                record: record.clone(),
                revision,
                unless: None,
                until,
            },
        );
        let mut follow = self.0.flows.events().follow(wanted, after, None);
        loop {
            let events = tokio::select! {
                // What is in the log already comes before what the clock says.
                biased;
                events = follow.next() => match events {
                    Ok(events) => events,
                    Err(error) => {
                        tracing::warn!(run = self.0.run, error = %error.chain(), "the log could not be read; trying again");
                        tokio::time::sleep(super::drive::RETRY.wait(3, crate::policy::jitter())).await;
                        continue;
                    }
                },
                () = self.passed(until) => return Ok(None),
            };
            for event in events {
                after = event.seq;
                if holds(event.data.as_ref(), matching) {
                    // Where this run continues as new, the next one reads on behind it.
                    record.after = Some(after);
                    return Ok(Some(EventSeen {
                        id: event.id,
                        event: event.topic,
                        timestamp: Timestamp(event.at),
                        data: event.data,
                    }));
                }
            }
            waits.read_up_to(after);
        }
    }

    /// When a wait that was begun, or begins now, is over.
    pub(super) fn deadline(&self, record: &Record, timeout: Option<Duration>) -> Result<Option<DateTime<Utc>>> {
        if timeout.is_some_and(|timeout| timeout > WAIT_MAX) {
            return Err(Error::invalid("a run waits at most ten years"));
        }
        let begun = record.waits.as_ref().and_then(|waits| waits.until);
        // Bounded above, so it is in chrono's range.
        let fresh = timeout.and_then(|timeout| TimeDelta::from_std(timeout).ok());
        let fresh = fresh.map(|timeout| self.clock_now() + timeout);
        Ok(begun.map(|at| at.0).or(fresh))
    }

    async fn passed(&self, until: Option<DateTime<Utc>>) {
        let Some(until) = until else {
            return std::future::pending().await;
        };
        while let Ok(left) = (until - self.clock_now()).to_std()
            && !left.is_zero()
        {
            tokio::time::sleep(left).await;
        }
    }

    fn check_waits(&self) -> Result<()> {
        if self.0.journal().waits.len() < WAITS_MAX {
            return Ok(());
        }
        Err(Error::new(
            Kind::TooLarge,
            format!("a run waits for at most {WAITS_MAX} things at once"),
        )
        .with_code("TOO_MANY_WAITS"))
    }
}

/// An event that a run waited for.
#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct EventSeen {
    /// Its id.
    pub id: String,
    /// Its name.
    pub event: String,
    /// When it was emitted.
    pub timestamp: Timestamp,
    /// The facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Json>,
}

fn nothing() -> Json {
    serde_json::Value::Null.into()
}

/// Notes that a step waits, for as long as this lives.
struct Waits<'a> {
    shared: &'a Shared,
    ticket: u64,
}

impl<'a> Waits<'a> {
    fn new(shared: &'a Shared, waiting: Waiting) -> Self {
        let mut journal = shared.journal();
        let ticket = journal.ticket();
        journal.waits.insert(ticket, waiting);
        drop(journal);
        Waits { shared, ticket }
    }

    /// A run that is taken up anew need not read again what was read.
    fn read_up_to(&self, after: Seq) {
        if let Some(waiting) = self.shared.journal().waits.get_mut(&self.ticket) {
            waiting.record.after = Some(after);
        }
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.shared.journal().waits.remove(&self.ticket);
    }
}
