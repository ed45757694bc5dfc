-- How long a job may live in all.
ALTER TABLE job ADD COLUMN deadline INTEGER;
ALTER TABLE schedule ADD COLUMN max_elapsed INTEGER;
-- What a tick does while a job of an earlier one lives; 0 is to make another.
ALTER TABLE schedule ADD COLUMN overlap INTEGER NOT NULL DEFAULT 0;
