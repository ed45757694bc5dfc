-- With how many of a key a job may run, and its turn while it waits for that key. A program that does not know of it runs what is
-- queued whatever its key, as it always did, and leaves what waits to those that know.
ALTER TABLE job ADD COLUMN concurrency_key TEXT COLLATE "C";
ALTER TABLE job ADD COLUMN concurrency_limit BIGINT;
ALTER TABLE job ADD COLUMN turn BIGINT;
CREATE INDEX job_key_queued ON job (seq) WHERE status = 1 AND concurrency_key IS NOT NULL;
CREATE INDEX job_key_running ON job (concurrency_key) WHERE status = 2 AND concurrency_key IS NOT NULL;
CREATE INDEX job_turn ON job (concurrency_key, name, turn, seq) WHERE status = 0 AND turn IS NOT NULL;

-- How far the rate of a name is used up: the moment, in microseconds, at which its next job would start if they came evenly.
CREATE TABLE rate (
    name TEXT COLLATE "C" PRIMARY KEY,
    next BIGINT NOT NULL
) WITH (fillfactor = 50);

-- Counts commits that changed what may begin when. A program that does not know of it counts none, and readers look by themselves now and then.
ALTER TABLE meta ADD COLUMN plans BIGINT NOT NULL DEFAULT 0;
