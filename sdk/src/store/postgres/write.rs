//! What changed in a loaded state, as one statement a table and kind of change.

use super::query::{Query, free_texts, numbers, numbers_or_null, texts, texts_or_null};
use super::row::{end_number, json_text, millis, millis_or_none, signed};
use super::write_jobs;
use crate::store::memory::{State, Table};
use crate::store::{Attempt, Change, Entry, Event, Remembered};
use crate::wire::Json;

/// What became of the rows of a table.
pub(super) struct Diff<'a, K, V> {
    pub(super) new: Vec<(&'a K, &'a V)>,
    pub(super) changed: Vec<(&'a K, &'a V)>,
    pub(super) gone: Vec<&'a K>,
}

impl<'a, K: Ord + Clone, V: PartialEq> Diff<'a, K, V> {
    pub(super) fn of(before: &'a Table<K, V>, after: &'a Table<K, V>) -> Self {
        let (mut new, mut changed) = (Vec::new(), Vec::new());
        for (key, value) in after.iter() {
            match before.get(key) {
                None => new.push((key, value)),
                Some(old) if old != value => changed.push((key, value)),
                Some(_) => {}
            }
        }
        let gone = before.iter().map(|(key, _)| key);
        Diff {
            new,
            changed,
            gone: gone.filter(|key| after.get(*key).is_none()).collect(),
        }
    }

    /// New and changed alike.
    fn kept(self) -> Vec<(&'a K, &'a V)> {
        let mut kept = self.new;
        kept.extend(self.changed);
        kept
    }
}

/// The statements that bring the tables from one state to the other.
pub(super) fn queries<'a>(before: &'a State, after: &'a State) -> Vec<Query<'a>> {
    let mut queries = Vec::new();
    let entries = Diff::of(&before.entries, &after.entries);
    delete_pairs(
        &mut queries,
        "DELETE FROM {s}.state t USING unnest($1, $2) AS k(a, b) WHERE t.ns = k.a AND t.key = k.b",
        &entries.gone,
    );
    upsert_entries(&mut queries, &entries.kept());
    insert_changes(&mut queries, &Diff::of(&before.changes, &after.changes).new);
    insert_events(&mut queries, &Diff::of(&before.events, &after.events).new);
    let jobs = Diff::of(&before.jobs, &after.jobs);
    write_jobs::rewrite(&mut queries, &before.jobs, &jobs);
    write_jobs::jobs(&mut queries, &jobs);
    insert_attempts(&mut queries, after, &Diff::of(&before.attempts, &after.attempts).new);
    write_jobs::schedules(&mut queries, &Diff::of(&before.schedules, &after.schedules));
    upsert_rates(&mut queries, &Diff::of(&before.rates, &after.rates).kept());
    let remembered = Diff::of(&before.remembered, &after.remembered);
    delete_pairs(
        &mut queries,
        "DELETE FROM {s}.remembered t USING unnest($1, $2) AS k(a, b) WHERE t.scope = k.a AND t.key = k.b",
        &remembered.gone,
    );
    upsert_remembered(&mut queries, &remembered.kept());
    queries
}

fn delete_pairs<'a>(queries: &mut Vec<Query<'a>>, sql: &'static str, gone: &[&'a (String, String)]) {
    if !gone.is_empty() {
        let first = texts(gone.iter().map(|(first, _)| first.as_str()));
        let second = texts(gone.iter().map(|(_, second)| second.as_str()));
        queries.push(Query::new(sql, [first, second]));
    }
}

fn upsert_entries<'a>(queries: &mut Vec<Query<'a>>, rows: &[(&'a (String, String), &'a Entry)]) {
    if rows.is_empty() {
        return;
    }
    let each = || rows.iter().copied();
    queries.push(Query::new(
        "INSERT INTO {s}.state (ns, key, value, version, revision, updated_at, expires_at) \
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (ns, key) DO UPDATE SET value = excluded.value, \
         version = excluded.version, revision = excluded.revision, updated_at = excluded.updated_at, \
         expires_at = excluded.expires_at",
        [
            texts(each().map(|((namespace, _), _)| namespace.as_str())),
            texts(each().map(|((_, key), _)| key.as_str())),
            texts(each().map(|(_, entry)| entry.value.text())),
            numbers(each().map(|(_, entry)| signed(entry.version))),
            numbers(each().map(|(_, entry)| signed(entry.revision))),
            numbers(each().map(|(_, entry)| millis(entry.updated_at))),
            numbers_or_null(each().map(|(_, entry)| millis_or_none(entry.expires_at))),
        ],
    ));
}

fn insert_changes<'a>(queries: &mut Vec<Query<'a>>, rows: &[(&'a u64, &'a (String, Change))]) {
    if rows.is_empty() {
        return;
    }
    let each = || rows.iter().map(|(_, row)| *row);
    let entries = || each().map(|(_, change)| change.entry.as_ref());
    queries.push(Query::new(
        "INSERT INTO {s}.change (seq, ns, key, value, version, at, expires_at) \
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)",
        [
            numbers(each().map(|(_, change)| signed(change.seq))),
            texts(each().map(|(namespace, _)| namespace.as_str())),
            texts(each().map(|(_, change)| change.key.as_str())),
            texts_or_null(entries().map(|entry| entry.map(|entry| Json::text(&entry.value)))),
            numbers(entries().map(|entry| signed(entry.map_or(0, |entry| entry.version)))),
            numbers(each().map(|(_, change)| millis(change.at))),
            numbers_or_null(entries().map(|entry| millis_or_none(entry.and_then(|entry| entry.expires_at)))),
        ],
    ));
}

fn insert_events<'a>(queries: &mut Vec<Query<'a>>, rows: &[(&'a u64, &'a Event)]) {
    if rows.is_empty() {
        return;
    }
    let each = || rows.iter().map(|(_, event)| *event);
    queries.push(Query::new(
        "INSERT INTO {s}.event (seq, id, topic, data, at, trace) SELECT * FROM unnest($1, $2, $3, $4, $5, $6)",
        [
            numbers(each().map(|event| signed(event.seq))),
            texts(each().map(|event| event.id.as_str())),
            texts(each().map(|event| event.topic.as_str())),
            texts_or_null(each().map(|event| json_text(&event.data))),
            numbers(each().map(|event| millis(event.at))),
            texts_or_null(each().map(|event| event.trace.as_deref())),
        ],
    ));
}

fn insert_attempts<'a>(queries: &mut Vec<Query<'a>>, state: &'a State, rows: &[(&'a (String, u32), &'a Attempt)]) {
    if rows.is_empty() {
        return;
    }
    let each = || rows.iter().map(|(_, attempt)| *attempt);
    // An attempt ends with its job at hand.
    let seqs = rows
        .iter()
        .map(|((job, _), _)| state.jobs.get(job).map_or(0, |job| signed(job.seq)));
    let errors = || each().map(|attempt| attempt.error.as_ref());
    queries.push(Query::new(
        "INSERT INTO {s}.attempt (job, attempt, started_at, ended_at, ending, error, error_stack, trace) \
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            numbers(seqs),
            numbers(each().map(|attempt| i64::from(attempt.attempt))),
            numbers(each().map(|attempt| millis(attempt.started_at))),
            numbers(each().map(|attempt| millis(attempt.ended_at))),
            numbers(each().map(|attempt| end_number(attempt.end))),
            free_texts(errors().map(|error| error.map(|error| error.message.as_str()))),
            free_texts(errors().map(|error| error.and_then(|error| error.stack.as_deref()))),
            free_texts(each().map(|attempt| attempt.trace.as_deref())),
        ],
    ));
}

fn upsert_rates<'a>(queries: &mut Vec<Query<'a>>, rows: &[(&'a String, &'a i64)]) {
    if rows.is_empty() {
        return;
    }
    queries.push(Query::new(
        "INSERT INTO {s}.rate (name, next) SELECT * FROM unnest($1, $2) ON CONFLICT (name) DO UPDATE SET next = excluded.next",
        [
            texts(rows.iter().map(|(name, _)| name.as_str())),
            numbers(rows.iter().map(|(_, next)| **next)),
        ],
    ));
}

fn upsert_remembered<'a>(queries: &mut Vec<Query<'a>>, rows: &[(&'a (String, String), &'a Remembered)]) {
    if rows.is_empty() {
        return;
    }
    let each = || rows.iter().copied();
    let answers = || each().map(|(_, kept)| kept.answer.as_ref());
    queries.push(Query::new(
        "INSERT INTO {s}.remembered (scope, key, fingerprint, owner, status, body, expires_at) \
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (scope, key) DO UPDATE SET \
         fingerprint = excluded.fingerprint, owner = excluded.owner, status = excluded.status, body = excluded.body, \
         expires_at = excluded.expires_at",
        [
            texts(each().map(|((scope, _), _)| scope.as_str())),
            texts(each().map(|((_, key), _)| key.as_str())),
            texts(each().map(|(_, kept)| kept.fingerprint.as_str())),
            texts(each().map(|(_, kept)| kept.owner.as_str())),
            numbers_or_null(answers().map(|answer| answer.map(|answer| i64::from(answer.status)))),
            free_texts(answers().map(|answer| answer.map(|answer| answer.body.as_str()))),
            numbers(each().map(|(_, kept)| millis(kept.expires_at))),
        ],
    ));
}
