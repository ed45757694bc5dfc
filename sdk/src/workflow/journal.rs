//! The journal of one run in memory: what was read of it, what the code has asked for since, and what is to be written down next.

use std::collections::{BTreeMap, HashMap};
use std::task::Waker;

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;

use super::limits::{STEPS_MAX, STEPS_SUGGESTED};
use super::record::{Fault, Record, Request, StepKind, step_of};
use super::undo::Undo;
use crate::error::{Error, Kind, Result};
use crate::name::TaskName;
use crate::store::{Op, Seq};
use crate::wire::{Json, StepStatus, Timestamp, WorkflowWait};

/// See the [module](self).
#[derive(Default)]
pub(super) struct Journal {
    kept: BTreeMap<String, Kept>,
    occurrences: HashMap<String, u32>,
    next_index: u32,
    next_ticket: u64,
    /// Ended steps of the journal that the code has not asked for yet.
    pub(super) unvisited: usize,
    /// Counts what the code has asked for, so that a standstill is seen.
    pub(super) visits: u64,
    /// Whether the code has caught up with the journal. Until then nothing is done that the journal does not hold.
    pub(super) live: bool,
    /// Steps that are not in the journal and wait until the code has caught up with it.
    pub(super) held: BTreeMap<u64, Held>,
    /// What is to be written down with the next commit.
    pub(super) outbox: Vec<Entry>,
    /// Steps that are being done.
    pub(super) active: BTreeMap<u64, Record>,
    /// Steps that wait for something to come.
    pub(super) waits: BTreeMap<u64, Waiting>,
    /// Why the code cannot go on under this journal.
    pub(super) changed: Option<Error>,
    /// What is to be undone if the run fails, in the order in which it was done.
    pub(super) undo: Vec<Undo>,
    /// The input of the run that this one continues as.
    pub(super) continuing: Option<Json>,
    /// How often the code asked whether to continue as new, until it was told to.
    asked_to_continue: u64,
    told_to_continue: bool,
}

/// What the code is told that asks whether to continue as new.
pub(super) enum Suggested {
    No,
    Yes,
    /// For the first time, at this how-manieth question, which is to be written down.
    Now(u64),
}

pub(super) struct Kept {
    pub(super) record: Record,
    pub(super) revision: Seq,
    visited: bool,
}

pub(super) struct Held {
    pub(super) step: String,
    /// A version marker can be told that it is older than the journal; any other step is a change of the code.
    pub(super) marker: bool,
    /// What the marker was told.
    pub(super) outdated: bool,
    pub(super) waker: Option<Waker>,
}

pub(super) struct Entry {
    pub(super) record: Record,
    pub(super) revision: Option<Seq>,
    pub(super) ops: Vec<Op>,
    pub(super) done: oneshot::Sender<()>,
}

#[derive(Clone)]
pub(super) struct Waiting {
    pub(super) record: Record,
    pub(super) revision: Option<Seq>,
    /// The run may not rest where this key is there.
    pub(super) unless: Option<String>,
    pub(super) until: Option<DateTime<Utc>>,
}

/// What the journal says of a step that is asked for.
pub(super) enum Asked {
    /// It has ended.
    Ended(Record),
    /// It is not in the journal, or with a revision where it was begun.
    Open(Record, Option<Seq>),
    /// It is a version marker, and the journal was written by code that did not have it.
    Outdated(Record),
    /// The code has changed, and the run ends without going on.
    Never,
}

impl Journal {
    pub(super) fn new(records: Vec<(Record, Seq)>) -> Self {
        let mut journal = Journal::default();
        for (record, revision) in records {
            journal.next_index = journal.next_index.max(record.index + 1);
            journal.unvisited += usize::from(counts(&record));
            let kept = Kept {
                record,
                revision,
                visited: false,
            };
            journal.kept.insert(kept.record.step(), kept);
        }
        journal
    }

    /// Looks a step up by its name, and how often the name was asked for before.
    ///
    /// # Errors
    /// Where the name is malformed or the run has too many steps.
    pub(super) fn ask(
        &mut self,
        name: &str,
        kind: StepKind,
        request: Option<Request>,
        at: DateTime<Utc>,
    ) -> Result<Asked> {
        TaskName::new(name)?;
        self.visits += 1;
        let count = self.occurrences.entry(name.to_owned()).or_default();
        let occurrence = *count;
        *count += 1;
        let step = step_of(name, occurrence);
        let Some(kept) = self.kept.get_mut(&step) else {
            if self.kept.len() + self.active.len() + self.waits.len() >= STEPS_MAX {
                return Err(Error::new(
                    Kind::TooLarge,
                    format!(
                        "a run has at most {STEPS_MAX} steps; continue it as new before that, or split it into children"
                    ),
                )
                .with_code("TOO_MANY_STEPS"));
            }
            let record = Record {
                index: self.next_index,
                name: name.to_owned(),
                occurrence,
                kind,
                request,
                status: StepStatus::Running,
                attempts: 0,
                started_at: Timestamp(at),
                ended_at: None,
                result: None,
                error: None,
                waits: None,
                after: None,
                owns: None,
                child: None,
                signal: None,
            };
            self.next_index += 1;
            return Ok(Asked::Open(record, None));
        };
        if let Some(difference) = difference(&kept.record, kind, request.as_ref()) {
            self.changed
                .get_or_insert(changed(&format!("step {step:?} {difference}")));
            return Ok(Asked::Never);
        }
        if !kept.visited {
            kept.visited = true;
            self.unvisited -= usize::from(counts(&kept.record));
        }
        let record = kept.record.clone();
        Ok(if record.ended() {
            Asked::Ended(record)
        } else {
            Asked::Open(record, Some(kept.revision))
        })
    }

    /// The step that is asked for next under a name.
    pub(super) fn next(&self, name: &str) -> String {
        step_of(name, self.occurrences.get(name).copied().unwrap_or_default())
    }

    /// Notes what was written down.
    pub(super) fn keep(&mut self, record: Record, revision: Seq) {
        let kept = Kept {
            record,
            revision,
            visited: true,
        };
        self.kept.insert(kept.record.step(), kept);
    }

    pub(super) fn ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket
    }

    /// The code has caught up: what was held goes on.
    pub(super) fn go_live(&mut self) {
        self.live = true;
        self.wake_held();
    }

    /// Nothing moves although the journal holds more: the markers are told so; where there are none, the code has changed.
    pub(super) fn stalled(&mut self) {
        let mut markers = self.held.values_mut().filter(|held| held.marker).peekable();
        if markers.peek().is_some() {
            markers.for_each(|held| held.outdated = true);
            self.wake_held();
            return;
        }
        let asked = self.held.values().next().map(|held| held.step.as_str());
        self.changed = Some(self.diverged(asked));
    }

    /// What is said where the code does not ask for what the journal holds.
    pub(super) fn diverged(&self, asked: Option<&str>) -> Error {
        let left = self.kept.values().filter(|kept| counts(&kept.record) && !kept.visited);
        let left = left.min_by_key(|kept| kept.record.index);
        let journal = left.map_or_else(String::new, |kept| {
            format!("step {:?} at place {}", kept.record.step(), kept.record.index)
        });
        match asked {
            Some(step) => changed(&format!(
                "the journal goes on with {journal}, and the code asks for {step:?}"
            )),
            None => changed(&format!(
                "the journal has {journal}, and the code no longer asks for it"
            )),
        }
    }

    /// Whether to continue as new. A replay is told what the code was told then.
    pub(super) fn suggestion(&mut self, marker: &str) -> Suggested {
        if self.told_to_continue {
            return Suggested::Yes;
        }
        self.asked_to_continue += 1;
        let asked = self.asked_to_continue;
        let noted = self.kept.get(&step_of(marker, 0)).map(|kept| &kept.record.result);
        if let Some(noted) = noted {
            let noted = noted.as_ref().and_then(|number| number.to().ok()).unwrap_or(asked);
            if asked < noted {
                return Suggested::No;
            }
        } else if !self.live || self.kept.len() < STEPS_SUGGESTED {
            return Suggested::No;
        }
        self.told_to_continue = true;
        Suggested::Now(asked)
    }

    /// The last event that the run was given, by its place in the log.
    pub(super) fn last_event(&self) -> Option<Seq> {
        let events = self.kept.values().map(|kept| &kept.record);
        let events = events.filter(|record| record.kind == StepKind::Event && record.status == StepStatus::Completed);
        let given = events.filter(|record| record.result.as_ref().is_some_and(|result| result.text() != "null"));
        given.filter_map(|record| record.after).max()
    }

    /// Whether a signal of this name was given to the code.
    pub(super) fn took_signal(&self, name: &str) -> bool {
        let mut records = self.kept.values().map(|kept| &kept.record);
        records.any(|record| record.signal.as_deref() == Some(name))
    }

    /// The jobs and children that end with the run.
    pub(super) fn owned(&self) -> Vec<String> {
        let records = self.kept.values().map(|kept| &kept.record);
        records.filter_map(|record| record.owns.clone()).collect()
    }

    /// What was written down of a step.
    pub(super) fn kept(&self, step: &str) -> Option<(&Record, Seq)> {
        self.kept.get(step).map(|kept| (&kept.record, kept.revision))
    }

    /// How many steps there are.
    pub(super) fn steps(&self) -> usize {
        self.kept.len()
    }

    fn wake_held(&mut self) {
        for held in self.held.values_mut() {
            if let Some(waker) = held.waker.take() {
                waker.wake();
            }
        }
    }
}

impl Waiting {
    /// The record of a run at rest.
    pub(super) fn resting(&self) -> Record {
        let mut record = self.record.clone();
        record.status = StepStatus::Waiting;
        let waits = record.waits.get_or_insert_with(WorkflowWait::default);
        waits.until = self.until.map(Timestamp);
        record
    }
}

/// Whether code that no longer asks for this has changed. What only began may have lost a race; what undoes is asked for at the end.
fn counts(record: &Record) -> bool {
    record.ended() && record.kind != StepKind::Undo
}

fn difference(kept: &Record, kind: StepKind, request: Option<&Request>) -> Option<String> {
    if kept.kind != kind {
        let (was, is) = (kept.kind.as_str(), kind.as_str());
        return Some(format!("was journalled as a {was}, and the code now asks for a {is}"));
    }
    let hash = |request: Option<&Request>| request.map(|request| request.hash.clone());
    if hash(kept.request.as_ref()) == hash(request) {
        return None;
    }
    let shown = |request: Option<&Request>| request.map_or("nothing", |request| &request.shown).to_owned();
    Some(format!(
        "was journalled with {}, and the code now asks for it with {}",
        shown(kept.request.as_ref()),
        shown(request)
    ))
}

fn changed(what: &str) -> Error {
    Error::conflict(format!(
        "the code has changed under this run: {what}; bring the old code back and resume the run, guard the change with a version \
         marker, or fork the run from an earlier step"
    ))
    .with_code(CHANGED)
}

/// The code of a run that ended since its workflow is another one than its journal was written by.
pub const CHANGED: &str = "WORKFLOW_CHANGED";

/// A step that failed for good.
pub(super) fn outcome(record: &Record) -> Result<Json> {
    match &record.error {
        Some(fault) if record.status == StepStatus::Failed => Err(Fault::error(fault)),
        _ => Ok(record.result.clone().unwrap_or_else(|| serde_json::Value::Null.into())),
    }
}
