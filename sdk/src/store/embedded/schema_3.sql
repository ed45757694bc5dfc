-- With how many of a key a job may run, and its turn while it waits for that key.
ALTER TABLE job ADD COLUMN concurrency_key TEXT;
ALTER TABLE job ADD COLUMN concurrency_limit INTEGER;
ALTER TABLE job ADD COLUMN turn INTEGER;
CREATE INDEX job_key_running ON job (concurrency_key) WHERE status = 2 AND concurrency_key IS NOT NULL;
CREATE INDEX job_turn ON job (concurrency_key, name, turn, seq) WHERE status = 0 AND turn IS NOT NULL;

-- How far the rate of a name is used up: the moment, in microseconds, at which its next job would start if they came evenly.
CREATE TABLE rate (
    name TEXT PRIMARY KEY,
    next INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
