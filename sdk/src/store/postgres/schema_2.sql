-- How long a job may live in all. A program that does not know of it makes jobs without an end, as it always did.
ALTER TABLE job ADD COLUMN deadline BIGINT;
ALTER TABLE schedule ADD COLUMN max_elapsed BIGINT;
