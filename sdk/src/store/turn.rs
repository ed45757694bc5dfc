//! Whose turn it is: the order in which due jobs start, and how many of one key run at a time.
//!
//! Every job is made `queued`. A claim goes through what is due in the order of [`turn`] and meets with each what [`Room::meet`]
//! says: where a job's key is full the job becomes `pending` and notes its turn, so that what is ready to run is never hidden behind
//! what is not. Whatever ends a running job of a key [promotes](promoted) the next ones of it.
//!
//! Nothing is stuck, since for each key and name this holds: where a job waits for its turn, one of that key runs, or one of that key
//! and name is queued and due. A job begins to wait while others of its key run, the end of each promotes at least the first of
//! every name where none runs any more, and a queued one that is cancelled promotes as if it had run.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::rate::Budget;
use super::rules;
use crate::store::{Claim, Concurrency, Job, Seq};

/// What one step of priority is worth: a job waits as long before it is equal to one of the next step that comes then.
///
/// With a minute, the steps that people give, from -10 to 10, are some minutes of waiting, which is what a queue under load takes
/// anyway: less would make them mean nothing there, and with an hour the lowest would wait for most of a day. Who wants one kind of
/// job before any other gives it a priority of a thousand, the highest there is. A job that waits for its key notes its turn, so a change of this leaves
/// those that wait then where they are.
pub(super) const AGEING_STEP: Duration = Duration::from_secs(60);
/// Jobs that one claim may set aside because their key is full: each is a row that is written, and the commit holds others up
/// meanwhile. A claim that comes to the bound is made again at once.
pub(super) const BLOCKED_MAX: usize = 64;
/// Jobs of one name that the end of one promotes: the next for the place that it leaves and, while there is room, one more, for places
/// that were lost where jobs of one key have several limits, or where a program that knew of no keys ended one.
pub(super) const PROMOTED_MAX: usize = 2;

/// A job's turn, in milliseconds: the moment from which it waits, put forward by its priority. The lowest is first, and of two the
/// one that was made first.
pub(super) fn turn(priority: i32, run_at: i64) -> i64 {
    let step = i64::try_from(AGEING_STEP.as_millis()).unwrap_or(i64::MAX);
    run_at.saturating_sub(i64::from(priority).saturating_mul(step))
}

/// A job's turn as a moment, for the row of one that waits for its key.
pub(super) fn turn_of(job: &Job) -> DateTime<Utc> {
    let step = TimeDelta::from_std(AGEING_STEP).unwrap_or(TimeDelta::MAX);
    let ahead = step.checked_mul(job.priority).unwrap_or_default();
    job.run_at.checked_sub_signed(ahead).unwrap_or(job.run_at)
}

/// The order in which due jobs start.
pub(super) fn order(job: &Job) -> (i64, Seq) {
    (turn(job.priority, job.run_at.timestamp_millis()), job.seq)
}

/// What a claim may still take, and how many jobs it has set aside.
pub(super) struct Room<'c> {
    names: Vec<OfName<'c>>,
    limit: usize,
    blocked: usize,
}

/// What a claim may still take of a name.
struct OfName<'c> {
    name: &'c str,
    slots: usize,
    budget: Option<Budget>,
}

/// What becomes of a due job that a claim meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meeting {
    /// It starts.
    Start,
    /// Its key is full: it waits for its turn.
    Block,
    /// There is no room for its name.
    Pass,
}

impl<'c> Room<'c> {
    /// The room of a claim at a moment, where `kept` is what the store keeps of a name's rate.
    pub(super) fn of(claim: &'c Claim, at: DateTime<Utc>, kept: impl Fn(&str) -> Option<i64>) -> Self {
        let of_name = |(name, slots): (&'c str, usize)| {
            let rate = rules::rate(&claim.wants, name);
            let budget = rate.and_then(|rate| Budget::new(&rate, kept(name), at));
            OfName {
                name,
                slots: budget.map_or(slots, |budget| budget.room().min(slots)),
                budget,
            }
        };
        Room {
            names: rules::rooms(&claim.wants).into_iter().map(of_name).collect(),
            limit: claim.limit,
            blocked: 0,
        }
    }

    /// The names of which it takes.
    pub(super) fn names(&self) -> impl Iterator<Item = &'c str> {
        self.names.iter().map(|of| of.name)
    }

    /// How many jobs of a name it may take.
    pub(super) fn of_name(&self, name: &str) -> usize {
        let found = self.names.iter().find(|of| of.name == name);
        found.map_or(0, |of| of.slots.min(self.limit))
    }

    /// What is to be kept of the rates of which it has taken.
    pub(super) fn spent(&self) -> impl Iterator<Item = (&'c str, i64)> {
        self.names.iter().filter_map(|of| Some((of.name, of.budget?.kept()?)))
    }

    /// When to claim again, where the next job that is not due yet will be at `waiting`.
    pub(super) fn next_due(&self, at: DateTime<Utc>, waiting: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        if self.stopped() {
            return Some(at);
        }
        let opens = self.names.iter().filter_map(|of| of.budget?.opens_at());
        opens.chain(waiting).min()
    }

    /// Whether it goes on to the next job.
    pub(super) fn is_open(&self) -> bool {
        self.limit > 0 && !self.stopped()
    }

    /// Whether it has stopped before it was full, so that there may be more to take at once.
    fn stopped(&self) -> bool {
        self.blocked >= BLOCKED_MAX
    }

    /// Says what becomes of the next due job, of whose key so many run.
    pub(super) fn meet(&mut self, job: &Job, running: u64) -> Meeting {
        let Some(of) = self.names.iter_mut().find(|of| of.name == job.name && of.slots > 0) else {
            return Meeting::Pass;
        };
        if job.concurrency.as_ref().is_some_and(|key| !fits(key, running)) {
            self.blocked += 1;
            return Meeting::Block;
        }
        of.slots -= 1;
        of.budget.iter_mut().for_each(Budget::spend);
        self.limit -= 1;
        Meeting::Start
    }
}

/// Whether one more may run where so many of the key do. One may always run alone, whatever limit a row says.
fn fits(key: &Concurrency, running: u64) -> bool {
    running < u64::from(key.limit.max(1))
}

/// How many of the jobs of one name that wait for a key are queued again, where one has ended and so many run: `waiting` are the
/// first of them in the order of their turns.
pub(super) fn promoted<'k>(waiting: impl IntoIterator<Item = &'k Concurrency>, running: u64) -> usize {
    let next = (running..).zip(waiting).take(PROMOTED_MAX);
    next.take_while(|(running, key)| fits(key, *running)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_priority_is_worth_a_minute_of_waiting() {
        assert_eq!(turn(1, 60_000), turn(0, 0));
        assert!(turn(1, 59_999) < turn(0, 0) && turn(1, 60_001) > turn(0, 0));
        assert_eq!(turn(i32::MIN, i64::MAX), i64::MAX);
    }

    #[test]
    fn an_end_promotes_the_next_and_one_more_where_there_is_room() {
        let keys = |limits: &[u32]| -> Vec<Concurrency> {
            let key = |limit: &u32| Concurrency {
                key: "k".to_owned(),
                limit: *limit,
            };
            limits.iter().map(key).collect()
        };
        for (limits, running, expected) in [
            (&[1, 1, 1][..], 0, 1),
            (&[3, 3, 3], 2, 1),
            (&[3, 3, 3], 0, 2),
            (&[1, 9], 1, 0),
            (&[0], 0, 1),
            (&[], 0, 0),
        ] {
            assert_eq!(
                promoted(&keys(limits), running),
                expected,
                "{limits:?} beside {running}"
            );
        }
    }
}
