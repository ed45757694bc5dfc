-- Moments are integer milliseconds since the epoch, durations integer milliseconds, JSON the text it came as.

-- One row: how far the sequence has come, the horizons, and the counts that would be slow to take anew.
CREATE TABLE meta (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    seq          INTEGER NOT NULL,
    event_head   INTEGER NOT NULL,
    change_head  INTEGER NOT NULL,
    event_floor  INTEGER NOT NULL,
    change_floor INTEGER NOT NULL,
    entries      INTEGER NOT NULL,
    changes      INTEGER NOT NULL,
    events       INTEGER NOT NULL,
    jobs_live    INTEGER NOT NULL,
    jobs_ended   INTEGER NOT NULL
) STRICT;
INSERT INTO meta VALUES (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

CREATE TABLE state (
    ns         TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    value      TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    revision   INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (ns, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX state_expiry ON state (expires_at) WHERE expires_at IS NOT NULL;

-- The revision of what was written is the sequence; a delete has no value.
CREATE TABLE change (
    seq        INTEGER PRIMARY KEY,
    ns         TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    value      TEXT,
    version    INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;

CREATE TABLE event (
    seq   INTEGER PRIMARY KEY,
    id    TEXT    NOT NULL UNIQUE,
    topic TEXT    NOT NULL,
    data  TEXT,
    at    INTEGER NOT NULL,
    trace TEXT
) STRICT;
CREATE INDEX event_topic ON event (topic, seq);

-- status: 0 pending, 1 queued, 2 running, 3 completed, 4 failed, 5 cancelled
CREATE TABLE job (
    seq             INTEGER PRIMARY KEY,
    id              TEXT    NOT NULL UNIQUE,
    name            TEXT    NOT NULL,
    params          TEXT,
    status          INTEGER NOT NULL,
    priority        INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    run_at          INTEGER NOT NULL,
    started_at      INTEGER,
    completed_at    INTEGER,
    attempt         INTEGER NOT NULL,
    failures        INTEGER NOT NULL,
    max_attempts    INTEGER NOT NULL,
    backoff_base    INTEGER NOT NULL,
    backoff_factor  REAL    NOT NULL,
    backoff_cap     INTEGER NOT NULL,
    timeout         INTEGER,
    unique_key      TEXT,
    schedule_id     TEXT,
    progress        TEXT,
    result          TEXT,
    error           TEXT,
    error_stack     TEXT,
    trace           TEXT,
    owner           TEXT,
    cancel_acknowledged_at INTEGER
) STRICT;
CREATE INDEX job_status ON job (status, seq);
-- What a claim walks: queued jobs alone, so that ended ones cost it nothing.
CREATE INDEX job_ready ON job (name, priority, run_at, seq) WHERE status = 1;
CREATE UNIQUE INDEX job_unique ON job (unique_key) WHERE unique_key IS NOT NULL AND status <= 2;
CREATE INDEX job_schedule ON job (schedule_id, seq) WHERE schedule_id IS NOT NULL;
CREATE INDEX job_ended ON job (completed_at, seq) WHERE status >= 3;

CREATE TABLE attempt (
    job         INTEGER NOT NULL,
    attempt     INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER NOT NULL,
    ending      INTEGER NOT NULL, -- 0 completed, 1 failed, 2 cancelled, 3 interrupted
    error       TEXT,
    error_stack TEXT,
    trace       TEXT,
    PRIMARY KEY (job, attempt)
) STRICT, WITHOUT ROWID;

CREATE TABLE schedule (
    seq             INTEGER PRIMARY KEY,
    id              TEXT    NOT NULL UNIQUE,
    name            TEXT    NOT NULL,
    params          TEXT,
    cron            TEXT    NOT NULL,
    timezone        TEXT    NOT NULL,
    catch_up        INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    next_run        INTEGER,
    last_run        INTEGER,
    cancelled_at    INTEGER,
    priority        INTEGER NOT NULL,
    max_attempts    INTEGER NOT NULL,
    backoff_base    INTEGER NOT NULL,
    backoff_factor  REAL    NOT NULL,
    backoff_cap     INTEGER NOT NULL,
    timeout         INTEGER
) STRICT;

CREATE TABLE remembered (
    scope       TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    fingerprint TEXT    NOT NULL,
    owner       TEXT    NOT NULL,
    status      INTEGER, -- NULL while it runs
    body        TEXT,
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX remembered_expiry ON remembered (expires_at);
