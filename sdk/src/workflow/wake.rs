//! The kernel task behind runs at rest: it wakes those whose event has come, and forgets those whose job is forgotten.

use std::time::Duration;

use super::flows::Flows;
use super::keys;
use super::limits::PAGE;
use super::matching::holds;
use super::rest::Registration;
use crate::error::{Error, Result};
use crate::name::TopicFilter;
use crate::store::{Batch, Direction, Entry, Event, EventQuery, Op, Seq};

/// Between looks at what other processes of the service have registered, and at what may be forgotten.
const SWEEP: Duration = Duration::from_secs(60);
/// Runs forgotten at once: their journals are deleted in one batch, which must not hold up a writer.
const FORGET: usize = 20;

impl Flows {
    /// Wakes runs at rest until the store is closed.
    ///
    /// # Errors
    /// Where the store is closed.
    pub async fn keep_awake(&self) -> Result<()> {
        let mut heads = self.store().heads();
        let mut sweep = tokio::time::interval(SWEEP);
        let mut read_up_to = self.events().head();
        loop {
            tokio::select! {
                _ = sweep.tick() => {
                    if let Err(error) = self.sweep().await {
                        tracing::warn!(error = %error.chain(), "runs at rest could not be looked through; trying again");
                    }
                }
                () = self.registered() => {}
                changed = async { heads.wait_for(|heads| heads.event > read_up_to).await.map(drop) } => {
                    changed.map_err(|_| Error::unavailable("the store is closed"))?;
                }
            }
            // Noted before the log is read: what comes meanwhile is found the next time.
            let head = heads.borrow_and_update().event.max(read_up_to);
            match self.wake_up_to(read_up_to, head).await {
                Ok(()) => read_up_to = head,
                Err(error) => {
                    tracing::warn!(error = %error.chain(), "the log could not be read for runs at rest; trying again");
                    tokio::time::sleep(super::drive::RETRY.wait(3, crate::policy::jitter())).await;
                }
            }
        }
    }

    /// Wakes the runs at rest whose event is in the log up to a place, of which a part was read before.
    async fn wake_up_to(&self, read_up_to: Seq, head: Seq) -> Result<()> {
        // What is new here is read from where its run has read; all others share one reading of what is new in the log.
        let behind = |registration: &Registration| registration.after < read_up_to;
        for (key, mut registration) in self.waiting(behind) {
            if self.find(&mut registration, read_up_to).await? {
                self.wake(&key, &registration).await?;
            } else if let Some(kept) = self.registrations().get_mut(&key) {
                kept.after = kept.after.max(registration.after);
            }
        }
        let mut after = read_up_to;
        while after < head && !self.registrations().is_empty() {
            let events = self.log(TopicFilter::All, after, head).await?;
            let found = |registration: &Registration| {
                let filter = TopicFilter::parse(Some(&registration.event));
                let matching = asked(registration);
                let wanted = |event: &&Event| filter.as_ref().is_ok_and(|filter| filter.matches(&event.topic));
                let new = events.iter().filter(|event| event.seq > registration.after);
                new.filter(wanted).any(|event| holds(event.data.as_ref(), &matching))
            };
            for (key, registration) in self.waiting(found) {
                self.wake(&key, &registration).await?;
            }
            after = match events.last() {
                Some(last) if events.len() == PAGE => last.seq,
                _ => head,
            };
        }
        for registration in self.registrations().values_mut() {
            // One that came while this ran has read the log by itself, and is behind the next time.
            if registration.after >= read_up_to {
                registration.after = registration.after.max(head);
            }
        }
        Ok(())
    }

    fn waiting(&self, which: impl Fn(&Registration) -> bool) -> Vec<(String, Registration)> {
        let registrations = self.registrations();
        let chosen = registrations.iter().filter(|(_, registration)| which(registration));
        chosen
            .map(|(key, registration)| (key.clone(), registration.clone()))
            .collect()
    }

    async fn wake(&self, key: &str, registration: &Registration) -> Result<()> {
        let wake = Op::Wake {
            job: registration.run.clone(),
        };
        let batch = Batch {
            at: self.clock().now(),
            ops: vec![wake],
        };
        self.store().commit(batch).await?;
        self.registrations().remove(key);
        Ok(())
    }

    async fn log(&self, filter: TopicFilter, after: Seq, head: Seq) -> Result<Vec<Event>> {
        let query = EventQuery {
            filter,
            after,
            before: Some(head + 1),
            since: None,
            direction: Direction::Forward,
            limit: PAGE,
        };
        Ok(self.store().events(query).await?)
    }

    /// Whether the log holds the event up to a place; where not, the registration has been read up to there.
    async fn find(&self, registration: &mut Registration, head: Seq) -> Result<bool> {
        let filter = TopicFilter::parse(Some(&registration.event))?;
        let matching = asked(registration);
        loop {
            let events = self.log(filter.clone(), registration.after, head).await?;
            if events.iter().any(|event| holds(event.data.as_ref(), &matching)) {
                return Ok(true);
            }
            match events.last() {
                Some(last) if events.len() == PAGE => registration.after = last.seq,
                _ => {
                    registration.after = head;
                    return Ok(false);
                }
            }
        }
    }

    /// Takes up what is registered in the store, and forgets what may be.
    async fn sweep(&self) -> Result<()> {
        let mut after = None;
        loop {
            let page = self.store().scan(keys::scan(keys::WAIT, after, PAGE)).await?;
            let last = page.last().map(|entry| entry.key.clone());
            let full = page.len() == PAGE;
            for entry in page {
                self.take_up(entry).await?;
            }
            if !full {
                break;
            }
            after = last;
        }
        while self.forget().await? {}
        Ok(())
    }

    async fn take_up(&self, entry: Entry) -> Result<()> {
        let Ok(registration) = entry.value.to::<Registration>() else {
            return Ok(());
        };
        let run = self.store().job(&registration.run).await?;
        if run.is_some_and(|run| !run.status.ended()) {
            self.registrations().entry(entry.key).or_insert(registration);
        } else {
            self.registrations().remove(&entry.key);
            let batch = Batch::new(self.clock().now()).with(keys::delete(entry.key));
            self.store().commit(batch).await?;
        }
        Ok(())
    }

    /// Forgets the journals of the runs that ended first, where their jobs are forgotten; says whether there may be more.
    async fn forget(&self) -> Result<bool> {
        let page = self.store().scan(keys::scan(keys::ENDED, None, FORGET)).await?;
        let full = page.len() == FORGET;
        for entry in &page {
            let Some(run) = keys::run_of_ended(&entry.key) else {
                continue;
            };
            if self.store().job(run).await?.is_some() {
                return Ok(false);
            }
            self.forget_run(run).await?;
            let mut batch = Batch::new(self.clock().now()).with(keys::delete(entry.key.clone()));
            batch.ops.extend(self.forget_chain(run).await?);
            self.store().commit(batch).await?;
        }
        Ok(full)
    }

    async fn forget_run(&self, run: &str) -> Result<()> {
        loop {
            let page = self.store().scan(keys::scan(&keys::of_run(run), None, PAGE)).await?;
            if page.is_empty() {
                return Ok(());
            }
            let ops = page.into_iter().map(|entry| keys::delete(entry.key)).collect();
            let batch = Batch {
                at: self.clock().now(),
                ops,
            };
            self.store().commit(batch).await?;
        }
    }
}

fn asked(registration: &Registration) -> serde_json::Value {
    let matching = registration.matching.as_ref();
    matching.map(crate::wire::Json::value).unwrap_or_default()
}
