-- By when a job has to have begun, and how long an attempt of it may be silent.
-- A program that does not know of it makes jobs that may be late and silent, as it always did.
ALTER TABLE job ADD COLUMN start_by BIGINT;
ALTER TABLE job ADD COLUMN heartbeat BIGINT;
-- While a job with this key is kept, ended or not, there is no second one.
ALTER TABLE job ADD COLUMN throttle_key TEXT COLLATE "C";
-- The job that it was made anew of, and the one that was made anew of it.
ALTER TABLE job ADD COLUMN redrive_of TEXT COLLATE "C";
ALTER TABLE job ADD COLUMN redriven_as TEXT COLLATE "C";
CREATE INDEX job_unbegun ON job (start_by, seq) WHERE status <= 1 AND attempt = 0 AND start_by IS NOT NULL;
CREATE UNIQUE INDEX job_throttle ON job (throttle_key) WHERE throttle_key IS NOT NULL;
ALTER TABLE schedule ADD COLUMN start_within BIGINT;
ALTER TABLE schedule ADD COLUMN heartbeat BIGINT;
