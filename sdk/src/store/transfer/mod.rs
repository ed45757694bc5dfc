//! Moving what a store holds into another, whatever keeps either: ids, versions, sequences, attempts, schedules, remembered
//! requests and horizons stay what they are, so a cursor or an `ETag` of before is good after.
//!
//! [`Contents`] is one moment of a store, whole and in memory. It is taken without opening the store for work, so that nothing is
//! claimed, queued anew or pruned by looking, and it is put into an empty store alone. [`write()`] and [`read`] make lines of JSON of
//! it, [`violations`] says what in it cannot be.

mod check;
mod dump;
pub(in crate::store) mod field;
mod sizes;
#[cfg(test)]
mod tests;

pub use check::violations;
pub use dump::{FORMAT, Flaw, read, write};
pub use sizes::{Kind, Sizes, sizes};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::memory::{Marks, State};
use super::{kept, rules};
use crate::store::{Attempt, Change, Entry, Event, Heads, Job, Kept, Remembered, Schedule, Seq};

/// How far a store has come, its horizons, and how many rows it says it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meta {
    /// The last sequence.
    pub seq: Seq,
    /// The last event's.
    pub event_head: Seq,
    /// The last change of state's.
    pub change_head: Seq,
    /// The highest event sequence that retention has eaten.
    pub event_floor: Seq,
    /// The same for changes of state.
    pub change_floor: Seq,
    /// Rows of state, expired ones too.
    pub entries: u64,
    /// Changes kept.
    pub changes: u64,
    /// Events kept.
    pub events: u64,
    /// Jobs waiting or running.
    pub jobs_live: u64,
    /// Jobs that have ended and are kept.
    pub jobs_ended: u64,
    /// Bytes of what retention may drop. A dump does not say them: they follow from its rows.
    #[serde(skip)]
    pub kept: Kept,
}

/// Everything that a store holds at one moment, each kind in the order of its key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contents {
    /// What the store says of itself.
    pub meta: Meta,
    /// State, by namespace and key; expired entries that are not yet dropped among it.
    pub entries: Vec<(String, Entry)>,
    /// Changes of state, each with its namespace.
    pub changes: Vec<(String, Change)>,
    /// Events.
    pub events: Vec<Event>,
    /// Jobs.
    pub jobs: Vec<Job>,
    /// Ended attempts, each with the sequence of its job.
    pub attempts: Vec<(Seq, Attempt)>,
    /// Schedules, cancelled ones too.
    pub schedules: Vec<Schedule>,
    /// What is remembered of requests, by scope and key.
    pub remembered: Vec<(String, String, Remembered)>,
    /// How far the rates of names are used up: by name, the moment of the next start if they came evenly, in microseconds since 1970.
    pub rates: Vec<(String, i64)>,
}

impl Contents {
    /// Rows of all kinds.
    pub fn rows(&self) -> u64 {
        let logs = self.entries.len() + self.changes.len() + self.events.len();
        (logs + self.jobs.len() + self.attempts.len() + self.schedules.len() + self.remembered.len() + self.rates.len())
            as u64
    }

    /// The counts that the rows come to.
    pub(in crate::store) fn counted(&self) -> Meta {
        let live = self.jobs.iter().filter(|job| rules::lives(job)).count();
        let ended = self.jobs.iter().zip(self.attempt_bytes());
        let ended = ended.filter(|(job, _)| !rules::lives(job));
        let changes = self.changes.iter();
        let changes = changes.map(|(space, row)| kept::of_change(space, &row.key, row.entry.as_ref()));
        let kept = Kept {
            events: self.events.iter().map(kept::of_event).sum(),
            changes: changes.sum(),
            jobs: ended
                .map(|(job, bytes)| kept::moved(kept::of_job(job), job.attempt_bytes, bytes))
                .sum(),
        };
        Meta {
            entries: self.entries.len() as u64,
            changes: self.changes.len() as u64,
            events: self.events.len() as u64,
            jobs_live: live as u64,
            jobs_ended: (self.jobs.len() - live) as u64,
            kept,
            ..self.meta
        }
    }

    /// The bytes of the attempts of each job, in the order of the jobs.
    pub(in crate::store) fn attempt_bytes(&self) -> Vec<u64> {
        let mut of_job: BTreeMap<Seq, u64> = BTreeMap::new();
        for (job, attempt) in &self.attempts {
            *of_job.entry(*job).or_default() += kept::of_attempt(attempt);
        }
        let bytes = |job: &Job| of_job.get(&job.seq).copied().unwrap_or_default();
        self.jobs.iter().map(bytes).collect()
    }

    /// Failures as every store keeps them, whichever version wrote them down.
    fn plain(&mut self) {
        let of_jobs = self.jobs.iter_mut().filter_map(|job| job.error.as_mut());
        let of_attempts = self
            .attempts
            .iter_mut()
            .filter_map(|(_, attempt)| attempt.error.as_mut());
        of_jobs.chain(of_attempts).for_each(rules::plain_failure);
        let traces = self
            .attempts
            .iter_mut()
            .filter_map(|(_, attempt)| attempt.trace.as_mut());
        traces.for_each(rules::plain);
    }

    /// Fills in what a dump does not say.
    fn weigh(&mut self) {
        let bytes = self.attempt_bytes();
        for (job, bytes) in self.jobs.iter_mut().zip(bytes) {
            job.attempt_bytes = bytes;
        }
        self.meta.kept = self.counted().kept;
    }

    /// What the model holds.
    pub(in crate::store) fn of(state: &State) -> Self {
        let Marks {
            heads,
            event_floor,
            change_floor,
            kept: _,
        } = state.marks;
        let mut jobs: Vec<Job> = state.jobs.values().cloned().collect();
        jobs.sort_by_key(|job| job.seq);
        let mut schedules: Vec<Schedule> = state.schedules.values().cloned().collect();
        schedules.sort_by_key(|schedule| schedule.seq);
        let seq_of = |id: &String| state.jobs.get(id).map_or(0, |job| job.seq);
        let attempts = state.attempts.iter().map(|((id, _), row)| (seq_of(id), row.clone()));
        let mut attempts: Vec<(Seq, Attempt)> = attempts.collect();
        attempts.sort_by_key(|(job, attempt)| (*job, attempt.attempt));
        let remembered = state.remembered.iter();
        let mut contents = Contents {
            meta: Meta {
                seq: heads.seq,
                event_head: heads.event,
                change_head: heads.change,
                event_floor,
                change_floor,
                ..Meta::default()
            },
            entries: state
                .entries
                .iter()
                .map(|((space, _), row)| (space.clone(), row.clone()))
                .collect(),
            changes: state.changes.values().cloned().collect(),
            events: state.events.values().cloned().collect(),
            jobs,
            attempts,
            schedules,
            remembered: remembered
                .map(|((scope, key), row)| (scope.clone(), key.clone(), row.clone()))
                .collect(),
            rates: state.rates.iter().map(|(name, next)| (name.clone(), *next)).collect(),
        };
        contents.meta = Meta {
            kept: state.marks.kept,
            ..contents.counted()
        };
        contents
    }

    /// The model that holds them.
    pub(in crate::store) fn state(&self) -> State {
        let mut state = State::at(self.meta.marks());
        for (space, entry) in &self.entries {
            state.entries.put((space.clone(), entry.key.clone()), entry.clone());
        }
        for row in &self.changes {
            state.changes.put(row.1.seq, row.clone());
        }
        for event in &self.events {
            state.event_ids.put(event.id.clone(), ());
            state.events.put(event.seq, event.clone());
        }
        let mut ids = BTreeMap::new();
        for job in &self.jobs {
            ids.insert(job.seq, &job.id);
            state.put_job(job.clone());
        }
        for (job, attempt) in &self.attempts {
            if let Some(id) = ids.get(job) {
                state.attempts.put(((*id).clone(), attempt.attempt), attempt.clone());
            }
        }
        for schedule in &self.schedules {
            state.schedules.put(schedule.id.clone(), schedule.clone());
        }
        for (scope, key, kept) in &self.remembered {
            state.remembered.put((scope.clone(), key.clone()), kept.clone());
        }
        for (name, next) in &self.rates {
            state.rates.put(name.clone(), *next);
        }
        // The bytes are in it already; writing the jobs has counted them again.
        state.marks = self.meta.marks();
        state.end_batch(true);
        state
    }
}

impl Meta {
    /// Whether a store of which this is said has never been written to.
    pub(in crate::store) fn is_new(&self) -> bool {
        *self == Meta::default()
    }

    pub(in crate::store) fn marks(&self) -> Marks {
        Marks {
            heads: Heads {
                seq: self.seq,
                event: self.event_head,
                change: self.change_head,
                ..Heads::default()
            },
            event_floor: self.event_floor,
            change_floor: self.change_floor,
            kept: self.kept,
        }
    }
}

/// The sentence for a store that holds something already.
pub(in crate::store) fn not_empty(place: &str) -> super::Error {
    super::Error::Unusable(format!(
        "{place} holds data already, and a dump goes into an empty store alone; move that data away, or name another place"
    ))
}

/// The sentence for a place where there is no store.
pub(in crate::store) fn not_there(place: &str) -> super::Error {
    super::Error::Unusable(format!(
        "{place} is not there; check the name of the service and where its data lies"
    ))
}

/// Refuses what no store could have held.
pub(in crate::store) fn check_fit(contents: &Contents) -> super::Result<()> {
    match violations(contents).as_slice() {
        [] => Ok(()),
        [first, rest @ ..] => Err(super::Error::Unusable(format!(
            "the data cannot be taken in: {first}{}",
            if rest.is_empty() {
                String::new()
            } else {
                format!(", and {} more faults", rest.len())
            }
        ))),
    }
}
