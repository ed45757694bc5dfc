-- How long a job may live in all. A program that does not know of it makes jobs without an end, as it always did.
ALTER TABLE job ADD COLUMN deadline BIGINT;
ALTER TABLE schedule ADD COLUMN max_elapsed BIGINT;
-- What a tick does while a job of an earlier one lives; 0 is to make another.
ALTER TABLE schedule ADD COLUMN overlap BIGINT NOT NULL DEFAULT 0;
