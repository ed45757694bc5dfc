-- The service's schema is the search path while this runs. Moments are integer milliseconds since the epoch, durations integer
-- milliseconds, JSON the text it came as; text sorts by its bytes. Only leases tell the time by the database: they are timestamps.

-- One row: how far the sequence has come, the horizons, and the counts that would be slow to take anew. Whoever commits holds
-- it locked, which puts the commits of all replicas in one order. Room in its page keeps each update on it.
CREATE TABLE meta (
    id           BIGINT PRIMARY KEY CHECK (id = 1),
    seq          BIGINT NOT NULL,
    event_head   BIGINT NOT NULL,
    change_head  BIGINT NOT NULL,
    job_wakes    BIGINT NOT NULL,
    job_updates  BIGINT NOT NULL,
    event_floor  BIGINT NOT NULL,
    change_floor BIGINT NOT NULL,
    entries      BIGINT NOT NULL,
    changes      BIGINT NOT NULL,
    events       BIGINT NOT NULL,
    jobs_live    BIGINT NOT NULL,
    jobs_ended   BIGINT NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
INSERT INTO meta VALUES (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

-- One row a process incarnation: alive while it was seen lately and is not gone. `commits` is the number of its last commit, so
-- that a commit whose answer was lost can be looked up.
CREATE TABLE worker (
    incarnation TEXT COLLATE "C" PRIMARY KEY,
    seen_at     TIMESTAMPTZ NOT NULL,
    gone_at     TIMESTAMPTZ,
    commits     BIGINT NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE TABLE state (
    ns         TEXT COLLATE "C" NOT NULL,
    key        TEXT COLLATE "C" NOT NULL,
    value      TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    revision   BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    expires_at BIGINT,
    PRIMARY KEY (ns, key)
) WITH (fillfactor = 80);
CREATE INDEX state_expiry ON state (expires_at, ns, key) WHERE expires_at IS NOT NULL;

-- The revision of what was written is the sequence; a delete has no value.
CREATE TABLE change (
    seq        BIGINT PRIMARY KEY,
    ns         TEXT COLLATE "C" NOT NULL,
    key        TEXT COLLATE "C" NOT NULL,
    value      TEXT,
    version    BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    expires_at BIGINT
);

CREATE TABLE event (
    seq   BIGINT PRIMARY KEY,
    id    TEXT COLLATE "C" NOT NULL UNIQUE,
    topic TEXT COLLATE "C" NOT NULL,
    data  TEXT,
    at    BIGINT NOT NULL,
    trace TEXT
);
CREATE INDEX event_topic ON event (topic, seq);

-- status: 0 pending, 1 queued, 2 running, 3 completed, 4 failed, 5 cancelled
CREATE TABLE job (
    seq             BIGINT PRIMARY KEY,
    id              TEXT COLLATE "C" NOT NULL UNIQUE,
    name            TEXT COLLATE "C" NOT NULL,
    params          TEXT,
    status          BIGINT NOT NULL,
    priority        BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    run_at          BIGINT NOT NULL,
    started_at      BIGINT,
    completed_at    BIGINT,
    attempt         BIGINT NOT NULL,
    failures        BIGINT NOT NULL,
    max_attempts    BIGINT NOT NULL,
    backoff_base    BIGINT NOT NULL,
    backoff_factor  DOUBLE PRECISION NOT NULL,
    backoff_cap     BIGINT NOT NULL,
    timeout         BIGINT,
    unique_key      TEXT COLLATE "C",
    schedule_id     TEXT COLLATE "C",
    progress        TEXT,
    result          TEXT,
    error           TEXT,
    error_stack     TEXT,
    trace           TEXT,
    owner           TEXT COLLATE "C",
    cancel_acknowledged_at BIGINT
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX job_status ON job (status, seq);
-- What a claim walks: queued jobs alone, so that ended ones cost it nothing.
CREATE INDEX job_ready ON job (name, priority, run_at, seq) WHERE status = 1;
-- What the reaper looks through: as many rows as run.
CREATE INDEX job_running ON job (owner) WHERE status = 2;
CREATE UNIQUE INDEX job_unique ON job (unique_key) WHERE unique_key IS NOT NULL AND status <= 2;
CREATE INDEX job_schedule ON job (schedule_id, seq) WHERE schedule_id IS NOT NULL;
CREATE INDEX job_ended ON job (completed_at, seq) WHERE status >= 3;

CREATE TABLE attempt (
    job         BIGINT NOT NULL,
    attempt     BIGINT NOT NULL,
    started_at  BIGINT NOT NULL,
    ended_at    BIGINT NOT NULL,
    ending      BIGINT NOT NULL, -- 0 completed, 1 failed, 2 cancelled, 3 interrupted
    error       TEXT,
    error_stack TEXT,
    trace       TEXT,
    PRIMARY KEY (job, attempt)
);

CREATE TABLE schedule (
    seq             BIGINT PRIMARY KEY,
    id              TEXT COLLATE "C" NOT NULL UNIQUE,
    name            TEXT COLLATE "C" NOT NULL,
    params          TEXT,
    cron            TEXT NOT NULL,
    timezone        TEXT NOT NULL,
    catch_up        BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    next_run        BIGINT,
    last_run        BIGINT,
    cancelled_at    BIGINT,
    priority        BIGINT NOT NULL,
    max_attempts    BIGINT NOT NULL,
    backoff_base    BIGINT NOT NULL,
    backoff_factor  DOUBLE PRECISION NOT NULL,
    backoff_cap     BIGINT NOT NULL,
    timeout         BIGINT
);

CREATE TABLE remembered (
    scope       TEXT COLLATE "C" NOT NULL,
    key         TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT   NOT NULL,
    owner       TEXT   NOT NULL,
    status      BIGINT, -- NULL while it runs
    body        TEXT,
    expires_at  BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX remembered_expiry ON remembered (expires_at, scope, key);
