//! Where a run keeps what: the keys of the kernel's namespace.
//!
//! | key | holds |
//! |---|---|
//! | `run/{run}/head` | whose child it is, what it was forked from |
//! | `run/{run}/step/{name}#{occurrence}` | the journal |
//! | `run/{run}/signal/{name}` | a signal that came |
//! | `run/{run}/signalled` | written with each signal, so that a run that continues as new leaves none behind |
//! | `run/{run}/end/{called}` | how a job or a child of it ended |
//! | `run/{run}/failing` | why it failed, while what it did is being undone |
//! | `chain/{first run}` | in which run a workflow goes on that continued as new |
//! | `wait/{run}/{called}` | an event that a run waits for without being in memory |
//! | `ended/{millis}/{run}` | what may be forgotten once the job is |

use chrono::{DateTime, Utc};

use crate::jobs::RUNS;
use crate::name::Prefix;
use crate::store::{Condition, Delete, Op, Put, Scan, Seq};
use crate::wire::Json;

pub(super) const ENDED: &str = "ended/";
pub(super) const WAIT: &str = "wait/";

pub(super) fn of_run(run: &str) -> String {
    format!("run/{run}/")
}

pub(super) fn head(run: &str) -> String {
    format!("run/{run}/head")
}

pub(super) fn step(run: &str, step: &str) -> String {
    format!("run/{run}/step/{step}")
}

pub(super) fn signal(run: &str, name: &str) -> String {
    format!("run/{run}/signal/{name}")
}

pub(super) fn signalled(run: &str) -> String {
    format!("run/{run}/signalled")
}

pub(super) fn chain(first: &str) -> String {
    format!("chain/{first}")
}

pub(super) fn failing(run: &str) -> String {
    format!("run/{run}/failing")
}

pub(super) fn wait(run: &str, called: &str) -> String {
    format!("{WAIT}{run}/{called}")
}

/// Padded, so that the order of keys is the order of time.
pub(super) fn ended(at: DateTime<Utc>, run: &str) -> String {
    format!("{ENDED}{:015}/{run}", at.timestamp_millis())
}

/// The run that an ended key is about.
pub(super) fn run_of_ended(key: &str) -> Option<&str> {
    key.splitn(3, '/').nth(2)
}

pub(super) fn put(key: String, value: Json, condition: Condition) -> Op {
    Op::Put(Put {
        namespace: RUNS.to_owned(),
        key,
        value,
        condition,
        expires_at: None,
    })
}

pub(super) fn delete(key: String) -> Op {
    Op::Delete(Delete {
        namespace: RUNS.to_owned(),
        key,
        condition: Condition::Any,
    })
}

pub(super) fn absent(key: String) -> Op {
    check(key, None)
}

/// Holds where the key is as it was read: at this revision, or not there.
pub(super) fn check(key: String, revision: Option<Seq>) -> Op {
    Op::Check {
        namespace: RUNS.to_owned(),
        key,
        condition: revision.map_or(Condition::Absent, Condition::Revision),
    }
}

/// A page under a prefix that is one of these keys.
pub(super) fn scan(prefix: &str, after: Option<String>, limit: usize) -> Scan {
    Scan {
        namespace: RUNS.to_owned(),
        prefix: Prefix::new(prefix).expect("it ends in a slash, and the id of a run is short"),
        after,
        limit,
    }
}
