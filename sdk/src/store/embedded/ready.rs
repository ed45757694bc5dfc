//! The queue of jobs that may run, in memory: a window onto the index of queued jobs, so that a claim need not seek in it.
//!
//! The index is the truth. A line holds the first jobs of one name and priority and knows whether there are more; a claim
//! takes from the lines and goes to the index only when one runs out. What a transaction does to the queue is noted, and
//! taken back with it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rusqlite::{Connection, params};

use super::row::{millis, signed};
use crate::store::{Job, turn};
use crate::wire::JobStatus;

/// Jobs of one name and priority that are held in memory: filling so many costs a claim a tenth of a millisecond, which is
/// little when it is shared by as many jobs, and they weigh some kilobytes.
const WINDOW: usize = 256;

/// When a job is due, in milliseconds, and its sequence: the order in a line.
pub(super) type Place = (i64, i64);

/// The queue of one store. Only names that were asked for are held.
#[derive(Debug, Default)]
pub(super) struct Ready {
    names: HashMap<String, usize>,
    /// By priority; `None` where they are to be read anew.
    lines: Vec<Option<BTreeMap<i32, Window>>>,
    /// What the open transaction did, latest last.
    done: Vec<Step>,
    /// What the open transaction has made ready.
    fresh: HashSet<i64>,
}

/// The first queued jobs of one name and priority.
#[derive(Debug, Default)]
struct Window {
    held: BTreeSet<Place>,
    /// Whether the index has more of them.
    more: bool,
}

/// What was done to a name.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Its lines were read, as the open transaction sees them.
    Read(usize),
    /// A job came.
    Came(usize, i32, Place),
    /// A job went.
    Went(usize, i32, Place),
}

/// Where a claim may take from: a name that is held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'n> {
    pub(super) name: &'n str,
    held: usize,
}

/// A job that is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub(super) priority: i32,
    pub(super) run_at: i64,
    pub(super) seq: i64,
}

impl Due {
    /// The order in which due jobs start.
    pub(super) fn order(&self) -> (i64, i64) {
        (turn::turn(self.priority, self.run_at), self.seq)
    }
}

impl Ready {
    /// Notes that a job is queued now; does nothing for any other.
    pub(super) fn add(&mut self, job: &Job) {
        if job.status != JobStatus::Queued {
            return;
        }
        self.promoted(&job.name, job.priority, (millis(job.run_at), signed(job.seq)));
    }

    /// Notes that a job of a name and priority is queued now at its place.
    pub(super) fn promoted(&mut self, name: &str, priority: i32, place: Place) {
        self.fresh.insert(place.1);
        if let Some(&name) = self.names.get(name) {
            self.step(Step::Came(name, priority, place));
        }
    }

    /// Notes that a job which is queued will not be any more, or not at its place.
    pub(super) fn remove(&mut self, job: &Job) {
        if job.status == JobStatus::Queued
            && let Some(&name) = self.names.get(&job.name)
        {
            let place = (millis(job.run_at), signed(job.seq));
            self.step(Step::Went(name, job.priority, place));
        }
    }

    /// Whether the open transaction made a job ready, so that it may yet come to nothing.
    pub(super) fn is_fresh(&self, job: &Job) -> bool {
        self.fresh.contains(&signed(job.seq))
    }

    /// A line to take from; its name is held from now on.
    pub(super) fn line<'n>(&mut self, conn: &Connection, name: &'n str) -> rusqlite::Result<Line<'n>> {
        let known = self.names.get(name).copied();
        if let Some(known) = known.filter(|known| self.lines[*known].is_some()) {
            return Ok(Line { name, held: known });
        }
        let mut lower = conn.prepare_cached(
            "SELECT max(priority) FROM job INDEXED BY job_ready WHERE status = 1 AND name = ?1 AND priority < ?2",
        )?;
        let mut windows = BTreeMap::new();
        let mut below = i64::MAX;
        while let Some(priority) = lower.query_row(params![name, below], |row| row.get::<_, Option<i32>>(0))? {
            let window = Window {
                more: true,
                ..Window::default()
            };
            windows.insert(priority, window);
            below = i64::from(priority);
        }
        let known = known.unwrap_or_else(|| {
            self.lines.push(None);
            self.names.insert(name.to_owned(), self.lines.len() - 1);
            self.lines.len() - 1
        });
        self.lines[known] = Some(windows);
        self.done.push(Step::Read(known));
        Ok(Line { name, held: known })
    }

    /// The job of a name whose turn it is, among those that are due at a moment in milliseconds. It stays where it is.
    pub(super) fn first(&mut self, conn: &Connection, line: Line<'_>, at: i64) -> rusqlite::Result<Option<Due>> {
        let mut first: Option<Due> = None;
        for (&priority, window) in self.lines[line.held].iter_mut().flatten() {
            if window.held.is_empty() && window.more {
                window.fill(conn, line.name, priority)?;
            }
            let Some(&(run_at, seq)) = window.held.first().filter(|(run_at, _)| *run_at <= at) else {
                continue;
            };
            let due = Due { priority, run_at, seq };
            if first.is_none_or(|first| due.order() < first.order()) {
                first = Some(due);
            }
        }
        Ok(first)
    }

    /// Takes a job out, to run it.
    pub(super) fn take(&mut self, line: Line<'_>, due: Due) {
        self.step(Step::Went(line.held, due.priority, (due.run_at, due.seq)));
    }

    /// When the next job of a name will be due after a moment, both in milliseconds.
    pub(super) fn next_due(&self, conn: &Connection, line: Line<'_>, at: i64) -> rusqlite::Result<Option<i64>> {
        let mut next: Option<i64> = None;
        for (&priority, window) in self.lines[line.held].iter().flatten() {
            let held = window.held.range((at.saturating_add(1), i64::MIN)..).next();
            let due = match held {
                Some((run_at, _)) => Some(*run_at),
                None if window.more => conn
                    .prepare_cached(
                        "SELECT min(run_at) FROM job INDEXED BY job_ready \
                         WHERE status = 1 AND name = ?1 AND priority = ?2 AND run_at > ?3",
                    )?
                    .query_row(params![line.name, priority, at], |row| row.get(0))?,
                None => None,
            };
            next = due.into_iter().chain(next).min();
        }
        Ok(next)
    }

    /// How much the open transaction has done; what comes after it can be taken back.
    pub(super) fn mark(&self) -> usize {
        self.done.len()
    }

    /// Takes back what the open transaction did after a mark.
    pub(super) fn roll_back(&mut self, mark: usize) {
        for step in self.done.split_off(mark).into_iter().rev() {
            match step {
                Step::Read(name) => self.lines[name] = None,
                Step::Came(name, priority, place) => self.go(name, priority, place),
                Step::Went(name, priority, place) => self.come(name, priority, place),
            }
        }
    }

    /// Keeps what the transaction did.
    pub(super) fn commit(&mut self) {
        self.done.clear();
        self.fresh.clear();
        for lines in self.lines.iter_mut().flatten() {
            lines.retain(|_, window| window.more || !window.held.is_empty());
        }
    }

    fn step(&mut self, step: Step) {
        self.done.push(step);
        match step {
            Step::Read(_) => {}
            Step::Came(name, priority, place) => self.come(name, priority, place),
            Step::Went(name, priority, place) => self.go(name, priority, place),
        }
    }

    fn come(&mut self, name: usize, priority: i32, place: Place) {
        if let Some(lines) = &mut self.lines[name] {
            lines.entry(priority).or_default().add(place);
        }
    }

    fn go(&mut self, name: usize, priority: i32, place: Place) {
        if let Some(window) = self.lines[name].as_mut().and_then(|lines| lines.get_mut(&priority)) {
            window.held.remove(&place);
        }
    }
}

impl Window {
    fn add(&mut self, place: Place) {
        // Behind the window the index knows it.
        if self.more && self.held.last().is_none_or(|last| place > *last) {
            return;
        }
        self.held.insert(place);
        if self.held.len() > WINDOW {
            self.held.pop_last();
            self.more = true;
        }
    }

    fn fill(&mut self, conn: &Connection, name: &str, priority: i32) -> rusqlite::Result<()> {
        let mut first = conn.prepare_cached(
            "SELECT run_at, seq FROM job INDEXED BY job_ready \
             WHERE status = 1 AND name = ?1 AND priority = ?2 ORDER BY run_at, seq LIMIT ?3",
        )?;
        let places = first.query_map(params![name, priority, WINDOW as i64], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        self.held = places.collect::<rusqlite::Result<_>>()?;
        self.more = self.held.len() == WINDOW;
        Ok(())
    }
}
