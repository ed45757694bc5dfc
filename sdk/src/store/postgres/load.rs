//! What a group of batches may touch, loaded in one round trip.
//!
//! A row that is not loaded is taken for absent, so each operation names here every row that its rules look at.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::failure::Fault;
use super::link::Rows;
use super::query::{Query, number, numbers, texts};
use super::row::{self, job_columns, limit, millis, remembered_columns, schedule_columns};
use super::turns;
use crate::store::memory::State;
use crate::store::turn::BLOCKED_MAX;
use crate::store::{Claim, Entry, Op, rules};
use crate::wire::{Json, UniqueMode};

/// The rows that operations look at, by what they are found by.
#[derive(Default)]
pub(super) struct Needs<'b> {
    entries: BTreeSet<(&'b str, &'b str)>,
    events: BTreeSet<&'b str>,
    jobs: BTreeSet<&'b str>,
    unique_keys: BTreeSet<&'b str>,
    throttle_keys: BTreeSet<&'b str>,
    revived: BTreeSet<&'b str>,
    schedules: BTreeSet<&'b str>,
    remembered: BTreeSet<(&'b str, &'b str)>,
    /// By the moment at which they ask what is due.
    claims: BTreeMap<DateTime<Utc>, Vec<&'b Claim>>,
    /// How many queued jobs may leave their place in the queue other than by a claim.
    moved: usize,
    /// The jobs that may end, one an operation.
    ends: Vec<&'b str>,
    /// The keys of concurrency of jobs that are made, by id.
    keys: BTreeMap<&'b str, &'b str>,
}

/// What kind of rows a query loads.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Entries,
    Events,
    Jobs,
    Running,
    Rates,
    Schedules,
    Remembered,
}

impl<'b> Needs<'b> {
    pub(super) fn add(&mut self, op: &'b Op, at: DateTime<Utc>) {
        match op {
            Op::Put(put) => drop(self.entries.insert((&put.namespace, &put.key))),
            Op::Delete(delete) => drop(self.entries.insert((&delete.namespace, &delete.key))),
            Op::Check { namespace, key, .. } => drop(self.entries.insert((namespace, key))),
            Op::Emit(emit) => drop(self.events.insert(&emit.id)),
            Op::Enqueue(order) => {
                self.job_or_schedule(&order.id);
                self.unique_keys.extend(order.unique_key.as_deref());
                self.keys
                    .extend(order.concurrency.as_ref().map(|of| (&*order.id, &*of.key)));
                self.throttle_keys.extend(order.throttle_key.as_deref());
                self.moved += usize::from(order.unique_mode != UniqueMode::Ignore);
            }
            Op::Schedule(order) => self.job_or_schedule(&order.id),
            Op::Claim(claim) => self.claims.entry(at).or_default().push(claim),
            Op::Settle(settle) => {
                self.jobs.insert(&settle.job);
                self.ends.push(&settle.job);
            }
            Op::Progress { job, .. } | Op::AcknowledgeCancel { job, .. } => drop(self.jobs.insert(job)),
            Op::Cancel { id } => {
                self.job_or_schedule(id);
                self.moved += 1;
                self.ends.push(id);
            }
            Op::Wake { job } => {
                self.jobs.insert(job);
                self.moved += 1;
            }
            Op::Revive { job } => {
                self.jobs.insert(job);
                self.revived.insert(job);
            }
            Op::Redrive(redrive) => {
                self.job_or_schedule(&redrive.id);
                self.jobs.insert(&redrive.job);
                self.revived.insert(&redrive.job);
                // The new one has its key of concurrency, and may end in the same group.
                self.ends.push(&redrive.job);
            }
            Op::Expire { job } => {
                self.jobs.insert(job);
                self.moved += 1;
                self.ends.push(job);
            }
            Op::Tick { schedule, .. } => drop(self.schedules.insert(schedule)),
            Op::Remember(remember) => drop(self.remembered.insert((&remember.scope, &remember.key))),
            Op::Forget { scope, key } => drop(self.remembered.insert((scope, key))),
            // Looks at tables as a whole, so it is done where they are.
            Op::Prune(_) => {}
        }
    }

    fn job_or_schedule(&mut self, id: &'b str) {
        self.jobs.insert(id);
        self.schedules.insert(id);
    }

    /// The queries that load them.
    pub(super) fn queries(&self) -> Vec<(Kind, Query<'b>)> {
        let mut queries = Vec::new();
        if !self.entries.is_empty() {
            // The value stays where it is: no rule looks at it.
            let sql = "SELECT s.ns, s.key, s.version, s.revision, s.updated_at, s.expires_at \
                       FROM unnest($1, $2) AS k(ns, key) JOIN {s}.state s ON s.ns = k.ns AND s.key = k.key";
            queries.push((Kind::Entries, Query::new(sql, pairs(&self.entries))));
        }
        if !self.events.is_empty() {
            let sql = "SELECT id FROM {s}.event WHERE id = ANY($1)";
            queries.push((Kind::Events, Query::new(sql, [texts(self.events.iter().copied())])));
        }
        let mut jobs = |sql, values| queries.push((Kind::Jobs, Query::new(sql, values)));
        if !self.jobs.is_empty() {
            let sql = concat!("SELECT ", job_columns!(), " FROM {s}.job WHERE id = ANY($1)");
            jobs(sql, vec![texts(self.jobs.iter().copied())]);
        }
        if !self.unique_keys.is_empty() {
            let sql = concat!(
                "SELECT ",
                job_columns!(),
                " FROM {s}.job WHERE unique_key = ANY($1) AND unique_key IS NOT NULL AND status <= 2"
            );
            jobs(sql, vec![texts(self.unique_keys.iter().copied())]);
        }
        if !self.throttle_keys.is_empty() {
            let sql = concat!(
                "SELECT ",
                job_columns!(),
                " FROM {s}.job WHERE throttle_key = ANY($1) AND throttle_key IS NOT NULL"
            );
            jobs(sql, vec![texts(self.throttle_keys.iter().copied())]);
        }
        if !self.revived.is_empty() {
            let sql = concat!(
                "SELECT ",
                job_columns!(),
                " FROM {s}.job WHERE unique_key IS NOT NULL AND status <= 2 AND unique_key = ANY(ARRAY(\
                 SELECT unique_key FROM {s}.job WHERE id = ANY($1) AND unique_key IS NOT NULL))"
            );
            jobs(sql, vec![texts(self.revived.iter().copied())]);
        }
        for (at, claims) in &self.claims {
            jobs(DUE, self.due(*at, claims));
        }
        if !self.claims.is_empty() || !self.ends.is_empty() {
            queries.push((Kind::Running, turns::running()));
        }
        if !self.ends.is_empty() {
            let made_here = self.ends.iter().filter_map(|id| self.keys.get(id).copied());
            queries.push((Kind::Jobs, turns::of_jobs(self.ends.iter().copied(), made_here)));
        }
        let wants = self.claims.values().flatten().flat_map(|claim| &claim.wants);
        let rated: BTreeSet<&str> = wants
            .filter(|want| want.rate.is_some())
            .map(|want| &*want.name)
            .collect();
        if !rated.is_empty() {
            let sql = "SELECT name, next FROM {s}.rate WHERE name = ANY($1)";
            queries.push((Kind::Rates, Query::new(sql, [texts(rated)])));
        }
        if !self.schedules.is_empty() {
            let sql = concat!("SELECT ", schedule_columns!(), " FROM {s}.schedule WHERE id = ANY($1)");
            queries.push((
                Kind::Schedules,
                Query::new(sql, [texts(self.schedules.iter().copied())]),
            ));
        }
        if !self.remembered.is_empty() {
            let sql = concat!(
                "SELECT ",
                remembered_columns!(),
                ", r.scope, r.key FROM unnest($1, $2) AS k(scope, key) \
                 JOIN {s}.remembered r ON r.scope = k.scope AND r.key = k.key"
            );
            queries.push((Kind::Remembered, Query::new(sql, pairs(&self.remembered))));
        }
        queries
    }

    /// What [`DUE`] is asked: so many of each name that the claims of the group find enough, whatever the others of the group
    /// take, cancel or wake.
    fn due(&self, at: DateTime<Utc>, claims: &[&'b Claim]) -> Vec<super::query::Value<'b>> {
        let taken_by_all = self.claims.values().flatten().map(|claim| claim.limit);
        let taken: usize = taken_by_all.fold(0, usize::saturating_add);
        let mut names: BTreeMap<&'b str, usize> = BTreeMap::new();
        for claim in claims {
            for (name, slots) in rules::rooms(&claim.wants) {
                let most = names.entry(name).or_default();
                *most = most.saturating_add(slots);
            }
        }
        // Those that others may take come on top, and each job goes to one.
        let most = |slots: &usize| limit(slots.saturating_add(taken).min(taken.saturating_add(self.moved)));
        let set_aside = BLOCKED_MAX.saturating_mul(self.claims.values().map(Vec::len).sum());
        // A job that is not due for this claim may be for a later one.
        let later = if self.claims.len() > 1 {
            taken.saturating_add(set_aside)
        } else {
            0
        };
        vec![
            texts(names.keys().copied()),
            numbers(names.values().map(most)),
            number(millis(at)),
            number(limit((1 + self.moved).saturating_add(later))),
            number(limit(set_aside)),
        ]
    }
}

/// The first due jobs of each name, and the first that wait for their time.
///
/// Goes from priority to priority, two seeks in the index each, so that jobs of a later day cost nothing however many they are.
/// Of jobs with keys some may be set aside, so where any are queued it reads as many more.
const DUE: &str = concat!(
    "WITH RECURSIVE wanted(name, most) AS (SELECT * FROM unnest($1, $2)), level(name, most, priority) AS (\
     SELECT name, most, (SELECT max(j.priority) FROM {s}.job j WHERE j.status = 1 AND j.name = wanted.name) FROM wanted \
     UNION ALL \
     SELECT name, most, (SELECT max(j.priority) FROM {s}.job j \
     WHERE j.status = 1 AND j.name = level.name AND j.priority < level.priority) FROM level WHERE priority IS NOT NULL) \
     SELECT ",
    job_columns!(),
    " FROM (SELECT picked.* FROM level CROSS JOIN LATERAL (\
     (SELECT * FROM {s}.job j WHERE j.status = 1 AND j.name = level.name AND j.priority = level.priority \
     AND j.run_at <= $3 ORDER BY j.run_at, j.seq LIMIT level.most + (SELECT count(*) FROM (\
     SELECT 1 FROM {s}.job WHERE status = 1 AND concurrency_key IS NOT NULL LIMIT $5) keyed)) \
     UNION ALL \
     (SELECT * FROM {s}.job j WHERE j.status = 1 AND j.name = level.name AND j.priority = level.priority \
     AND j.run_at > $3 ORDER BY j.run_at LIMIT $4)) picked WHERE level.priority IS NOT NULL) due"
);

fn pairs<'b>(of: &BTreeSet<(&'b str, &'b str)>) -> [super::query::Value<'b>; 2] {
    let first = texts(of.iter().map(|(first, _)| *first));
    [first, texts(of.iter().map(|(_, second)| *second))]
}

/// Puts loaded rows into the state.
pub(super) fn fill(state: &mut State, kind: Kind, rows: Rows) -> Result<(), Fault> {
    for row in &rows {
        match kind {
            Kind::Entries => {
                let entry = Entry {
                    key: row::get(row, 1)?,
                    value: Json::from(serde_json::Value::Null),
                    version: row::unsigned(row, 2)?,
                    revision: row::unsigned(row, 3)?,
                    updated_at: row::moment(row, 4)?,
                    expires_at: row::moment_or_none(row, 5)?,
                };
                state.entries.put((row::get(row, 0)?, entry.key.clone()), entry);
            }
            Kind::Events => state.event_ids.put(row::get(row, 0)?, ()),
            Kind::Jobs => {
                let job = row::job(row)?;
                state.jobs.put(job.id.clone(), job);
            }
            Kind::Running => state.running.put(row::get(row, 0)?, row::unsigned(row, 1)?),
            Kind::Rates => state.rates.put(row::get(row, 0)?, row::get(row, 1)?),
            Kind::Schedules => {
                let schedule = row::schedule(row)?;
                state.schedules.put(schedule.id.clone(), schedule);
            }
            Kind::Remembered => {
                let key = (row::get(row, 5)?, row::get(row, 6)?);
                state.remembered.put(key, row::remembered(row)?);
            }
        }
    }
    Ok(())
}
