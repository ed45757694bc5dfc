use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::dead::letter;
use super::group::{DELIVERIES_MAX, GroupRecord, HELD_MAX, HeldEvent};
use super::groups::{ATTEMPTS, Groups, contended};
use super::shelf::{Kept, dead_key, group_key};
use super::{Advance, Arrival, DEAD_MAX};
use crate::error::{Error, Kind, Result};
use crate::name::{GroupName, TopicFilter, new_id};
use crate::store::{Condition, Direction, Event, EventQuery, Op, Seq};
use crate::wire::{self, DeadLetter, DeadLetterKind, EventGap, Fetch, Fetched, FetchedEvent};

/// Events of one fetch unless said, and at most.
const FETCH: usize = 32;
const FETCH_MAX: usize = 128;
/// Longest that a fetch waits for an event: shorter than proxies wait for an answer.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// How long a consumer has for its handful unless it says so, and at most.
const VISIBILITY: Duration = Duration::from_secs(30);
const VISIBILITY_MAX: Duration = Duration::from_secs(3_600);
/// Groups of one service. Each costs a row, and names come from callers.
const GROUPS_MAX: usize = 100;
/// Unwanted events after which the place is written down, so that the next fetch does not read them all again.
const NOTE_EVERY: u64 = 10_000;

/// What is to be committed for a fetch, and what it answers then.
struct Plan {
    record: GroupRecord,
    ops: Vec<Op>,
    given: Vec<FetchedEvent>,
    lease: String,
    gap: Option<EventGap>,
    died: u64,
}

impl Groups {
    /// Gives the next events of a group to a consumer, and makes the group where there is none. Cancel-safe in this sense: what a
    /// dropped fetch had taken is given to another when its time is over.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where a name, a place or a bound does not fit; what keeps the store from being read or written.
    pub async fn fetch(&self, name: &str, fetch: &Fetch) -> Result<Fetched> {
        GroupName::new(name)?;
        let wait = bounded("wait", fetch.wait, Duration::ZERO, WAIT_MAX)?;
        let until = Instant::now() + wait;
        let mut heads = self.0.shelf.store().heads();
        loop {
            let head = heads.borrow_and_update().event;
            let freed = self.0.freed.notified();
            let (fetched, next_due) = self.try_fetch(name, fetch, head).await?;
            if !fetched.events.is_empty() || fetched.gap.is_some() || Instant::now() >= until {
                return Ok(fetched);
            }
            let due = next_due.map_or(until, |due| until.min(Instant::now() + due));
            tokio::select! {
                () = tokio::time::sleep_until(due) => {}
                () = freed => {}
                changed = heads.wait_for(|now| now.event != head) => {
                    if changed.is_err() {
                        return Err(Error::unavailable("the store is closed"));
                    }
                }
            }
        }
    }

    async fn try_fetch(&self, name: &str, fetch: &Fetch, head: Seq) -> Result<(Fetched, Option<Duration>)> {
        let key = group_key(name);
        let _turn = self.0.turn.lock().await;
        for _ in 0..ATTEMPTS {
            let kept = match self.0.shelf.load::<GroupRecord>(&key).await? {
                Some(kept) => kept,
                None => self.make(fetch).await?,
            };
            same_filter(name, &kept.value, fetch)?;
            let plan = self.plan(name, &kept.value, fetch, head).await?;
            let due = plan.record.next_due(self.0.shelf.clock().now());
            if plan.record == kept.value && kept.condition != Condition::Absent {
                return Ok((nothing(plan.gap), due));
            }
            let mut ops = plan.ops;
            ops.push(self.0.shelf.put(&key, &plan.record, kept.condition)?);
            if self.0.shelf.commit(ops).await?.is_none() {
                continue;
            }
            self.0.fetched.add(plan.given.len() as u64);
            self.0
                .again
                .add(plan.given.iter().filter(|event| event.delivery > 1).count() as u64);
            self.0.died.add(plan.died);
            if plan.given.is_empty() {
                return Ok((nothing(plan.gap), due));
            }
            let fetched = Fetched {
                lease: Some(plan.lease),
                events: plan.given,
                gap: plan.gap,
            };
            return Ok((fetched, None));
        }
        Err(contended(name))
    }

    async fn make(&self, fetch: &Fetch) -> Result<Kept<GroupRecord>> {
        if self.0.shelf.list::<GroupRecord>("group/").await?.len() >= GROUPS_MAX {
            return Err(Error::invalid(format!(
                "a service has at most {GROUPS_MAX} groups; delete one that is no longer read"
            )));
        }
        TopicFilter::parse(fetch.event.as_deref())?;
        let read = self.place(fetch.from.as_deref().unwrap_or("end")).await?;
        let record = GroupRecord::new(fetch.event.clone(), read, self.0.shelf.clock().now());
        Ok(Kept {
            value: record,
            condition: Condition::Absent,
        })
    }

    /// What a fetch gives out: first what was given before and not acknowledged in time, then what is new.
    async fn plan(&self, name: &str, record: &GroupRecord, fetch: &Fetch, head: Seq) -> Result<Plan> {
        let most = fetch.max.unwrap_or(FETCH).clamp(1, FETCH_MAX);
        let visibility = bounded("visibility", fetch.visibility, VISIBILITY, VISIBILITY_MAX)?;
        let now = self.0.shelf.clock().now();
        let mut plan = Plan {
            record: record.clone(),
            ops: Vec::new(),
            given: Vec::new(),
            lease: new_id(),
            gap: None,
            died: 0,
        };
        if record.has_due(now) {
            self.give_again(name, &mut plan, most, now + visibility).await?;
        }
        let room = (most - plan.given.len()).min(HELD_MAX.saturating_sub(plan.record.held.len()));
        if room == 0 || plan.record.read >= head {
            return Ok(plan);
        }
        let floor = self.0.events.floor().await?;
        if plan.record.read < floor {
            plan.gap = Some(EventGap {
                from: plan.record.read.to_string(),
                to: floor.to_string(),
            });
            plan.record.read = floor;
        }
        let query = EventQuery {
            filter: TopicFilter::parse(plan.record.event.as_deref())?,
            after: plan.record.read,
            before: None,
            since: None,
            direction: Direction::Forward,
            limit: room,
        };
        let events = self.0.events.read(query).await?;
        if events.is_empty() && head.saturating_sub(plan.record.read) >= NOTE_EVERY {
            plan.record.read = head;
        }
        for event in events {
            plan.record.read = event.seq;
            plan.record.held.push(HeldEvent {
                sequence: event.seq,
                deliveries: 1,
                lease: plan.lease.clone(),
                until: now + visibility,
                error: None,
                letter: None,
            });
            plan.given.push(shown(event.seq, 1, self.0.events.to_wire(event)));
        }
        Ok(plan)
    }

    async fn give_again(&self, name: &str, plan: &mut Plan, most: usize, until: DateTime<Utc>) -> Result<()> {
        let now = self.0.shelf.clock().now();
        for mut held in std::mem::take(&mut plan.record.held) {
            if held.until > now || plan.given.len() >= most {
                plan.record.held.push(held);
                continue;
            }
            let old = match &held.letter {
                Some(letter) => self.0.shelf.load::<DeadLetter>(&dead_key(letter)).await?,
                None => None,
            };
            let event = match &old {
                Some(kept) => kept.value.event.clone(),
                None => match self.event_at(held.sequence).await? {
                    Some(event) => self.0.events.to_wire(event),
                    // Retention has dropped it meanwhile; there is nothing left to give.
                    None => continue,
                },
            };
            let full = old.is_none() && plan.record.dead >= DEAD_MAX;
            if held.deliveries >= DELIVERIES_MAX && !full {
                self.bury(name, plan, &held, old, event)?;
                continue;
            }
            held.deliveries = held.deliveries.saturating_add(1);
            held.lease.clone_from(&plan.lease);
            held.until = until;
            plan.given.push(shown(held.sequence, held.deliveries, event));
            plan.record.held.push(held);
        }
        Ok(())
    }

    /// Makes a dead letter of an event, or lays the one that it was redriven from back.
    fn bury(
        &self,
        name: &str,
        plan: &mut Plan,
        held: &HeldEvent,
        old: Option<Kept<DeadLetter>>,
        event: wire::Event,
    ) -> Result<()> {
        plan.died += 1;
        let said = held
            .error
            .clone()
            .unwrap_or_else(|| "no consumer acknowledged it in its time".to_owned());
        let op = match old {
            Some(kept) => {
                let laid_back = DeadLetter {
                    attempts: kept.value.attempts + held.deliveries,
                    error: said,
                    redriven: false,
                    ..kept.value
                };
                self.0.shelf.put(&dead_key(&laid_back.id), &laid_back, kept.condition)?
            }
            None => {
                let arrival = Arrival {
                    event: Arc::new(event),
                    sequence: held.sequence,
                    attempt: held.deliveries,
                    gap: false,
                    advance: Advance::new(Vec::new()),
                };
                let error = Error::new(Kind::DeadlineExceeded, said).with_code("NOT_ACKNOWLEDGED");
                let new = letter(&self.0.shelf, DeadLetterKind::Group, name, &arrival, &error);
                plan.record.dead += 1;
                self.0.shelf.put(&dead_key(&new.id), &new, Condition::Absent)?
            }
        };
        plan.ops.push(op);
        Ok(())
    }

    async fn event_at(&self, sequence: Seq) -> Result<Option<Event>> {
        let query = EventQuery {
            filter: TopicFilter::All,
            after: sequence.saturating_sub(1),
            before: Some(sequence + 1),
            since: None,
            direction: Direction::Forward,
            limit: 1,
        };
        Ok(self.0.events.read(query).await?.into_iter().next())
    }
}

fn shown(sequence: Seq, delivery: u32, event: wire::Event) -> FetchedEvent {
    FetchedEvent {
        cursor: sequence.to_string(),
        delivery,
        event,
    }
}

fn nothing(gap: Option<EventGap>) -> Fetched {
    Fetched {
        lease: None,
        events: Vec::new(),
        gap,
    }
}

fn same_filter(name: &str, record: &GroupRecord, fetch: &Fetch) -> Result<()> {
    match &fetch.event {
        Some(event) if Some(event) != record.event.as_ref() => Err(Error::invalid(format!(
            "group {name:?} reads {:?}, and a group reads one thing; leave event out, or use another group",
            record.event.as_deref().unwrap_or("*")
        ))),
        _ => Ok(()),
    }
}

fn bounded(field: &str, millis: Option<u64>, unsaid: Duration, most: Duration) -> Result<Duration> {
    let duration = millis.map_or(unsaid, Duration::from_millis);
    if duration > most {
        return Err(Error::invalid(format!("{field} is at most {} ms", most.as_millis())));
    }
    Ok(duration)
}
