//! The statements that write jobs and schedules.

use super::query::{Query, free_texts, numbers, numbers_or_null, reals, texts, texts_or_null};
use super::row::{duration_millis, json_text, millis, millis_or_none, signed, status_number};
use super::write::Diff;
use crate::store::memory::Table;
use crate::store::{Job, Schedule, rules};

/// Writes what changed in what was ordered. It comes first: a job that has let go of its unique key did so for one that takes it up.
pub(super) fn rewrite<'a>(queries: &mut Vec<Query<'a>>, before: &'a Table<String, Job>, diff: &Diff<'a, String, Job>) {
    let ordered = |job: &'a Job| (&job.params, &job.unique_key, &job.redriven_as, job.start_by);
    let rewritten = |(id, job): &(&'a String, &'a Job)| before.get(*id).is_some_and(|old| ordered(old) != ordered(job));
    let rows: Vec<&'a Job> = diff
        .changed
        .iter()
        .filter(|row| rewritten(row))
        .map(|(_, job)| *job)
        .collect();
    if rows.is_empty() {
        return;
    }
    let each = || rows.iter().copied();
    queries.push(Query::new(
        "UPDATE {s}.job t SET params = u.params, unique_key = u.unique_key, redriven_as = u.redriven_as, \
         start_by = u.start_by FROM unnest($1, $2, $3, $4, $5) AS u(seq, params, unique_key, redriven_as, start_by) \
         WHERE t.seq = u.seq",
        [
            numbers(each().map(|job| signed(job.seq))),
            texts_or_null(each().map(|job| json_text(&job.params))),
            texts_or_null(each().map(|job| job.unique_key.as_deref())),
            texts_or_null(each().map(|job| job.redriven_as.as_deref())),
            numbers_or_null(each().map(|job| millis_or_none(job.start_by))),
        ],
    ));
}

/// Writes jobs: no operation removes one.
pub(super) fn jobs<'a>(queries: &mut Vec<Query<'a>>, diff: &Diff<'a, String, Job>) {
    // Those that ended come first: they let go of a unique key that another may have taken up in the same group.
    let (ended, living): (Vec<_>, Vec<_>) = diff.changed.iter().copied().partition(|(_, job)| !rules::lives(job));
    for changed in [ended, living] {
        if !changed.is_empty() {
            queries.push(update(&changed));
        }
    }
    if !diff.new.is_empty() {
        queries.push(insert(&diff.new));
    }
}

fn insert<'a>(rows: &[(&'a String, &'a Job)]) -> Query<'a> {
    let each = || rows.iter().map(|(_, job)| *job);
    let errors = || each().map(|job| job.error.as_ref());
    Query::new(
        "INSERT INTO {s}.job (seq, id, name, params, status, priority, created_at, run_at, started_at, completed_at, \
         attempt, failures, max_attempts, backoff_base, backoff_factor, backoff_cap, timeout, unique_key, schedule_id, \
         progress, result, error, error_stack, trace, owner, cancel_acknowledged_at, deadline, concurrency_key, \
         concurrency_limit, turn, start_by, heartbeat, throttle_key, redrive_of, redriven_as, attempt_bytes) \
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, \
         $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36)",
        [
            numbers(each().map(|job| signed(job.seq))),
            texts(each().map(|job| job.id.as_str())),
            texts(each().map(|job| job.name.as_str())),
            texts_or_null(each().map(|job| json_text(&job.params))),
            numbers(each().map(|job| status_number(job.status))),
            numbers(each().map(|job| i64::from(job.priority))),
            numbers(each().map(|job| millis(job.created_at))),
            numbers(each().map(|job| millis(job.run_at))),
            numbers_or_null(each().map(|job| millis_or_none(job.started_at))),
            numbers_or_null(each().map(|job| millis_or_none(job.completed_at))),
            numbers(each().map(|job| i64::from(job.attempt))),
            numbers(each().map(|job| i64::from(job.failures))),
            numbers(each().map(|job| i64::from(job.max_attempts))),
            numbers(each().map(|job| signed(job.backoff.base))),
            reals(each().map(|job| job.backoff.factor)),
            numbers(each().map(|job| signed(job.backoff.cap))),
            numbers_or_null(each().map(|job| duration_millis(job.timeout))),
            texts_or_null(each().map(|job| job.unique_key.as_deref())),
            texts_or_null(each().map(|job| job.schedule_id.as_deref())),
            texts_or_null(each().map(|job| json_text(&job.progress))),
            texts_or_null(each().map(|job| json_text(&job.result))),
            free_texts(errors().map(|error| error.map(|error| error.message.as_str()))),
            free_texts(errors().map(|error| error.and_then(|error| error.stack.as_deref()))),
            texts_or_null(each().map(|job| job.trace.as_deref())),
            texts_or_null(each().map(|job| job.owner.as_deref())),
            numbers_or_null(each().map(|job| millis_or_none(job.cancel_acknowledged_at))),
            numbers_or_null(each().map(|job| millis_or_none(job.deadline))),
            texts_or_null(each().map(|job| job.concurrency.as_ref().map(|of| of.key.as_str()))),
            numbers_or_null(each().map(|job| job.concurrency.as_ref().map(|of| i64::from(of.limit)))),
            numbers_or_null(each().map(|job| millis_or_none(job.turn))),
            numbers_or_null(each().map(|job| millis_or_none(job.start_by))),
            numbers_or_null(each().map(|job| duration_millis(job.heartbeat))),
            texts_or_null(each().map(|job| job.throttle_key.as_deref())),
            texts_or_null(each().map(|job| job.redrive_of.as_deref())),
            texts_or_null(each().map(|job| job.redriven_as.as_deref())),
            numbers(each().map(|job| signed(job.attempt_bytes))),
        ],
    )
}

/// Writes what a transition changes.
fn update<'a>(rows: &[(&'a String, &'a Job)]) -> Query<'a> {
    let each = || rows.iter().map(|(_, job)| *job);
    let errors = || each().map(|job| job.error.as_ref());
    Query::new(
        "UPDATE {s}.job t SET status = u.status, run_at = u.run_at, started_at = u.started_at, \
         completed_at = u.completed_at, attempt = u.attempt, failures = u.failures, progress = u.progress, \
         result = u.result, error = u.error, error_stack = u.error_stack, owner = u.owner, \
         cancel_acknowledged_at = u.cancel_acknowledged_at, deadline = u.deadline, turn = u.turn, \
         attempt_bytes = u.attempt_bytes \
         FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) AS u(seq, status, run_at, started_at, \
         completed_at, attempt, failures, progress, result, error, error_stack, owner, cancel_acknowledged_at, deadline, \
         turn, attempt_bytes) \
         WHERE t.seq = u.seq",
        [
            numbers(each().map(|job| signed(job.seq))),
            numbers(each().map(|job| status_number(job.status))),
            numbers(each().map(|job| millis(job.run_at))),
            numbers_or_null(each().map(|job| millis_or_none(job.started_at))),
            numbers_or_null(each().map(|job| millis_or_none(job.completed_at))),
            numbers(each().map(|job| i64::from(job.attempt))),
            numbers(each().map(|job| i64::from(job.failures))),
            texts_or_null(each().map(|job| json_text(&job.progress))),
            texts_or_null(each().map(|job| json_text(&job.result))),
            free_texts(errors().map(|error| error.map(|error| error.message.as_str()))),
            free_texts(errors().map(|error| error.and_then(|error| error.stack.as_deref()))),
            texts_or_null(each().map(|job| job.owner.as_deref())),
            numbers_or_null(each().map(|job| millis_or_none(job.cancel_acknowledged_at))),
            numbers_or_null(each().map(|job| millis_or_none(job.deadline))),
            numbers_or_null(each().map(|job| millis_or_none(job.turn))),
            numbers(each().map(|job| signed(job.attempt_bytes))),
        ],
    )
}

/// Writes schedules: no operation removes one.
pub(super) fn schedules<'a>(queries: &mut Vec<Query<'a>>, diff: &Diff<'a, String, Schedule>) {
    if !diff.new.is_empty() {
        queries.push(insert_schedules(&diff.new));
    }
    if diff.changed.is_empty() {
        return;
    }
    let each = || diff.changed.iter().map(|(_, schedule)| *schedule);
    queries.push(Query::new(
        "UPDATE {s}.schedule t SET next_run = u.next_run, last_run = u.last_run, cancelled_at = u.cancelled_at \
         FROM unnest($1, $2, $3, $4) AS u(seq, next_run, last_run, cancelled_at) WHERE t.seq = u.seq",
        [
            numbers(each().map(|schedule| signed(schedule.seq))),
            numbers_or_null(each().map(|schedule| millis_or_none(schedule.next_run))),
            numbers_or_null(each().map(|schedule| millis_or_none(schedule.last_run))),
            numbers_or_null(each().map(|schedule| millis_or_none(schedule.cancelled_at))),
        ],
    ));
}

fn insert_schedules<'a>(rows: &[(&'a String, &'a Schedule)]) -> Query<'a> {
    let each = || rows.iter().map(|(_, schedule)| *schedule);
    Query::new(
        "INSERT INTO {s}.schedule (seq, id, name, params, cron, timezone, catch_up, created_at, next_run, last_run, \
         cancelled_at, priority, max_attempts, backoff_base, backoff_factor, backoff_cap, timeout, max_elapsed, overlap, \
         start_within, heartbeat) \
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, \
         $21)",
        [
            numbers(each().map(|schedule| signed(schedule.seq))),
            texts(each().map(|schedule| schedule.id.as_str())),
            texts(each().map(|schedule| schedule.name.as_str())),
            texts_or_null(each().map(|schedule| json_text(&schedule.params))),
            texts(each().map(|schedule| schedule.cron.as_str())),
            texts(each().map(|schedule| schedule.timezone.as_str())),
            numbers(each().map(|schedule| schedule.catch_up as i64)),
            numbers(each().map(|schedule| millis(schedule.created_at))),
            numbers_or_null(each().map(|schedule| millis_or_none(schedule.next_run))),
            numbers_or_null(each().map(|schedule| millis_or_none(schedule.last_run))),
            numbers_or_null(each().map(|schedule| millis_or_none(schedule.cancelled_at))),
            numbers(each().map(|schedule| i64::from(schedule.priority))),
            numbers(each().map(|schedule| i64::from(schedule.max_attempts))),
            numbers(each().map(|schedule| signed(schedule.backoff.base))),
            reals(each().map(|schedule| schedule.backoff.factor)),
            numbers(each().map(|schedule| signed(schedule.backoff.cap))),
            numbers_or_null(each().map(|schedule| duration_millis(schedule.timeout))),
            numbers_or_null(each().map(|schedule| duration_millis(schedule.max_elapsed))),
            numbers(each().map(|schedule| schedule.overlap as i64)),
            numbers_or_null(each().map(|schedule| duration_millis(schedule.start_within))),
            numbers_or_null(each().map(|schedule| duration_millis(schedule.heartbeat))),
        ],
    )
}
