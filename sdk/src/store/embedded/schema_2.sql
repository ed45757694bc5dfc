-- How long a job may live in all.
ALTER TABLE job ADD COLUMN deadline INTEGER;
ALTER TABLE schedule ADD COLUMN max_elapsed INTEGER;
