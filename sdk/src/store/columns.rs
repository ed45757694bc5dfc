//! The columns of a record, in the order in which both databases read them: the place of a name here is its number there.

/// Of an entry.
macro_rules! entry_columns {
    () => {
        "key, value, version, revision, updated_at, expires_at"
    };
}
/// Of a change.
macro_rules! change_columns {
    () => {
        "seq, key, value, version, at, expires_at"
    };
}
/// Of an event.
macro_rules! event_columns {
    () => {
        "seq, id, topic, data, at, trace"
    };
}
/// Of a job.
macro_rules! job_columns {
    () => {
        "seq, id, name, params, status, priority, created_at, run_at, started_at, completed_at, attempt, failures, \
         max_attempts, backoff_base, backoff_factor, backoff_cap, timeout, unique_key, schedule_id, progress, result, \
         error, error_stack, trace, owner, cancel_acknowledged_at, deadline, concurrency_key, concurrency_limit, turn, \
         start_by, heartbeat, throttle_key, redrive_of, redriven_as, attempt_bytes"
    };
}
/// Of an ended attempt.
macro_rules! attempt_columns {
    () => {
        "attempt, started_at, ended_at, ending, error, error_stack, trace"
    };
}
/// Of a schedule.
macro_rules! schedule_columns {
    () => {
        "seq, id, name, params, cron, timezone, catch_up, created_at, next_run, last_run, cancelled_at, priority, \
         max_attempts, backoff_base, backoff_factor, backoff_cap, timeout, max_elapsed, \
         overlap, start_within, heartbeat"
    };
}
/// Of a remembered request.
macro_rules! remembered_columns {
    () => {
        "fingerprint, owner, status, body, expires_at"
    };
}
pub(in crate::store) use {
    attempt_columns, change_columns, entry_columns, event_columns, job_columns, remembered_columns, schedule_columns,
};
